"""The loops over postings: each against a few lines of plain Python, and unharmed by what should not be there."""

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.kernels import postings
from vizsla.kernels.postings import BLOCK, Best, Counts, Postings, Query

NOTHING = np.zeros(0, np.bool_)
ANY_POSITION = st.integers(-(2**31), 2**31 - 1)


def search(positions: npt.NDArray[np.int32], size: int, *, frequencies: bool) -> list[int]:
    """The places found for one term."""
    stored = Postings(positions, np.ones(len(positions), np.float32))
    query = Query(np.array([0]), np.array([len(positions)]), np.array([1.0]))
    best = Best(np.empty(8, np.float32), np.empty(8, np.int64))
    if frequencies:
        norms = np.ones(size + BLOCK, np.float32)
        count = postings.search_frequencies(query, stored, norms, 0, size, NOTHING, best)
    else:
        count = postings.search_impacts(query, stored, 0, size, NOTHING, best)
    return sorted(best.places[:count].tolist())


@settings(deadline=None)
@given(st.lists(st.sampled_from([1.0, 2.0, 3.0]) | st.floats(0, 9, width=32), max_size=60), st.integers(1, 20))
def test_the_heap_keeps_the_best_and_of_equals_the_first(scores: list[float], k: int) -> None:
    best = Best(np.empty(k, np.float32), np.empty(k, np.int64))
    count = 0
    for place, score in enumerate(scores):
        if count < k or score > best.scores[0]:
            count = postings.push(best, count, score, place)
    kept = sorted(zip(best.scores[:count].tolist(), best.places[:count].tolist(), strict=True))
    wanted = sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:k]
    assert kept == sorted((float(np.float32(scores[place])), place) for place in wanted)


@settings(deadline=None)
@given(st.lists(ANY_POSITION | st.integers(-5, BLOCK + 5), max_size=30), st.booleans())
def test_positions_of_an_altered_file_stay_inside(made: list[int], frequencies: bool) -> None:  # noqa: FBT001
    size = BLOCK + 3
    places = search(np.array(made, np.int32), size, frequencies=frequencies)
    assert all(0 <= place < size for place in places)
    if made == sorted(set(made)) and all(0 <= place < size for place in made):
        assert places == made[:8]


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
