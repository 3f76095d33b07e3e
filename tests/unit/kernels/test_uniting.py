"""Two sorted vocabularies as one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.kernels.uniting import unite
from vizsla.text.packing import pack

terms = st.sets(st.text("ab维", max_size=4), max_size=12)


@settings(deadline=None)
@given(terms, terms)
def test_numbers_are_those_of_the_sorted_union(one: set[str], other: set[str]) -> None:
    first, second = (sorted(each, key=str.encode) for each in (one, other))
    union = sorted(one | other, key=str.encode)
    numbers, others = unite(*pack(first), *pack(second))
    assert [union[number] for number in numbers] == first
    assert [union[number] for number in others] == second


def test_a_start_outside_the_bytes_is_noticed() -> None:
    data, starts = pack(["a", "b"])
    starts = starts.copy()
    starts[1] = 1 << 40
    numbers, others = unite(data, starts, data, np.array([0, 1, 2]))
    assert len(numbers) == len(others) == 0
