"""The loops over postings: each against a few lines of plain Python, and unharmed by what should not be there."""

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.kernels import postings
from vizsla.kernels.postings import Counts


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), max_size=12), max_size=6))
def test_terms_are_counted_in_order_of_first_sight(rows: list[list[int]]) -> None:
    term_of = np.array([2, -1, 0, 1, 2, -1, 3], np.int32)
    tokens = np.array([token for row in rows for token in row], np.int32)
    ends = np.cumsum([len(row) for row in rows]).astype(np.int64)
    out = Counts(np.empty(len(tokens), np.int32), np.empty(len(tokens), np.int32), np.empty(len(rows), np.int64))
    scratch = np.zeros(4, np.int32)
    size = postings.count_terms(tokens, ends, term_of, scratch, out)
    wanted = []
    for row in rows:
        counts: dict[int, int] = {}
        for term in (int(term_of[token]) for token in row):
            if term >= 0:
                counts[term] = counts.get(term, 0) + 1
        wanted.append(counts)
    found = [dict(zip(out.terms[b:e], out.values[b:e], strict=True)) for b, e in _spans(out.ends)]
    assert [list(counts.items()) for counts in found] == [list(counts.items()) for counts in wanted]
    assert size == sum(map(len, wanted))
    assert not scratch.any()


def _spans(ends: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    return list(zip([0, *ends.tolist()[:-1]], ends.tolist(), strict=True)) if len(ends) else []


@settings(deadline=None)
@given(
    st.sets(st.binary(max_size=4), max_size=20), st.lists(st.binary(max_size=4) | st.sampled_from([b"", b"\xff\xff"]))
)
def test_strings_are_found_where_a_dict_says(known: set[bytes], wanted: list[bytes]) -> None:
    ranked = sorted(known)
    rows = {name: row for row, name in enumerate(ranked)}
    found = postings.find_strings(*_arena(wanted), *_arena(ranked))
    assert found.tolist() == [rows.get(name, -1) for name in wanted]


def _arena(names: list[bytes]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    starts = np.cumsum([0, *(len(name) for name in names)]).astype(np.int64)
    return np.frombuffer(b"".join(names), np.uint8), starts
