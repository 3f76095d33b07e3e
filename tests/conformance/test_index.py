"""The index's door, every implementation against an exhaustive oracle: all products, sorted.

The oracle sums in float64, in rising order of columns, and rounds once; positions and scores must be
equal to the last bit.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from vizsla.core.errors import ShapeError
from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap, Sparse
from vizsla.indexes import inverted, turning
from vizsla.indexes.inverted import InvertedIndex
from vizsla.indexes.weighting import TermFrequencies
from vizsla.kernels import bounding

DIM = 7
WEIGHTINGS = [None, TermFrequencies(0.9, 0.4), TermFrequencies(1.5, 1.0), TermFrequencies(1.2, 0.0)]
# Few different weights, so that ties are the rule.
IMPACTS = st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.5, 1.0, 1.0, 3.0, 1e-30, 1e30])
COUNTS = st.sampled_from([0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 7.0, 300.0])
Block = npt.NDArray[np.float32]


def oracle(passages: Block, queries: Block, weighting: TermFrequencies | None) -> list[dict[int, float]]:
    """Every passage that shares a column with the query, and its product."""
    lengths = passages.sum(axis=1, dtype=np.float64)
    parts = passages.astype(np.float64)
    if weighting is not None and len(passages):
        norms = weighting.norms(lengths.astype(np.int32))[:, None]
        parts = np.divide(parts, parts + norms.astype(np.float64), where=parts > 0, out=np.zeros_like(parts))
    found = []
    for query in queries:
        sums = np.zeros(len(passages))
        for column in np.flatnonzero(query > 0):
            sums += float(query[column]) * parts[:, column]
        shared = np.flatnonzero(((passages > 0) & (query > 0)).any(axis=1))
        with np.errstate(over="ignore"):  # a sum beyond float32 is infinite in the index, too
            found.append(dict(zip(shared.tolist(), sums[shared].astype(np.float32).tolist(), strict=True)))
    return found


def best(products: dict[int, float], k: int, allowed: Bitmap | None = None) -> list[tuple[int, float]]:
    kept = [(p, s) for p, s in products.items() if allowed is None or allowed[p]]
    return sorted(kept, key=lambda one: (-one[1], one[0]))[:k]


def rows(hits: Hits) -> list[list[tuple[int, float]]]:
    return [list(zip(*(part.tolist() for part in hits.row(row)), strict=True)) for row in range(len(hits))]


def check(index: InvertedIndex, passages: Block, queries: Block, k: int, allowed: Bitmap | None = None) -> None:
    hits = index.search(csr_array(queries), k, allowed)
    assert hits.positions.shape == (len(queries), k)
    assert rows(hits) == [best(one, k, allowed) for one in oracle(passages, queries, index.weighting)]
    ended = hits.positions < 0
    assert (hits.positions[ended] == -1).all()
    assert (hits.scores[ended] == -np.inf).all()
    assert (ended == (np.arange(k) >= hits.counts()[:, None])).all()


def blocks(values: st.SearchStrategy[float], most: int) -> st.SearchStrategy[Block]:
    row = st.lists(values, min_size=DIM, max_size=DIM)
    return st.lists(row, max_size=most).map(lambda made: np.array(made, np.float32).reshape(-1, DIM))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Block, Block, TermFrequencies | None, int, Bitmap | None]:
    weighting = draw(st.sampled_from(WEIGHTINGS))
    passages = draw(blocks(IMPACTS if weighting is None else COUNTS, 24))
    queries = draw(blocks(IMPACTS, 4))
    size = len(passages)
    k = draw(st.sampled_from([1, 2, 3, max(size, 1), size + 3]) | st.integers(1, 30))
    chosen = draw(st.none() | st.lists(st.booleans(), min_size=size, max_size=size))
    return passages, queries, weighting, k, None if chosen is None else np.array(chosen, np.bool_)


@pytest.fixture(params=["1", "2"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZSLA_THREADS", request.param)


def many(seed: int, weighting: TermFrequencies | None) -> tuple[Block, Block]:
    """More positions than a kernel scores at a time, with ties everywhere."""
    draws = np.random.default_rng(seed)
    size = bounding.TILE + 77
    passages = draws.choice([0, 0, 0, 0, 1, 1, 2, 3], (size, DIM)).astype(np.float32)
    if weighting is None:
        passages *= np.float32(0.37)
    return passages, draws.choice([0, 0.5, 1, 2.25], (5, DIM)).astype(np.float32)


@settings(max_examples=300, deadline=None)
@given(cases())
def test_hits_are_the_oracles(case: tuple[Block, Block, TermFrequencies | None, int, Bitmap | None]) -> None:
    passages, queries, weighting, k, allowed = case
    check(InvertedIndex.build(csr_array(passages), weighting), passages, queries, k, allowed)


@pytest.mark.parametrize("k", [1, 10, 50000])
@pytest.mark.parametrize("weighting", WEIGHTINGS[:2])
@pytest.mark.usefixtures("threads")
def test_many_positions(weighting: TermFrequencies | None, k: int) -> None:
    passages, queries = many(1, weighting)
    index = InvertedIndex.build(csr_array(passages), weighting)
    allowed = np.random.default_rng(2).random(len(passages)) < 0.1
    check(index, passages, queries[:2], k)
    check(index, passages, queries[2:3], k, allowed)


def popular(seed: int, weighting: TermFrequencies | None) -> tuple[Block, Block]:
    """Columns from frequent to rare, so that lists and tiles meet, over several tiles; the best stand anywhere."""
    draws = np.random.default_rng(seed)
    size = 2 * bounding.TILE + 333
    held = draws.random((size, 24)) < 0.6 / np.arange(1, 25) ** 1.6
    if weighting is None:
        return (held * draws.lognormal(0, 0.7, held.shape)).astype(np.float32), draws.random((3, 24), np.float32)
    return (held * draws.geometric(0.4, held.shape)).astype(np.float32), draws.random((3, 24), np.float32)


@pytest.mark.parametrize("weighting", WEIGHTINGS[:2])
@pytest.mark.usefixtures("threads")
def test_lists_and_tiles_together(weighting: TermFrequencies | None, monkeypatch: pytest.MonkeyPatch) -> None:
    passages, queries = popular(8, weighting)
    index = InvertedIndex.build(csr_array(passages), weighting)
    tiled = np.count_nonzero(passages, axis=0) * turning.SHARE >= len(passages)
    assert 0 < tiled.sum() < len(tiled)
    draws = np.random.default_rng(9)
    for k in (1, 10, 1000):
        check(index, passages, queries[:2], k)
        for share in (0.5, 0.02, 0.0005):
            check(index, passages, queries[2:], k, draws.random(len(passages)) < share)
    monkeypatch.setattr(inverted, "_WORTH_SPLITTING", 0)
    check(index, passages, queries[:1], 10)


@pytest.mark.parametrize("k", [1, 5])
def test_what_bounds_rank_behind_is_found(k: int) -> None:
    """Decoys whose bounds lie a code a column above their scores; winners whose bounds are exact, and smaller."""
    columns, code = 40, 100.0
    rows = np.full((3 * k + 1, columns), code + 0.01, np.float32)
    rows[-1] = 255
    rows[:k], rows[:k, :10] = code, code + 1
    rows, asked = np.vstack([rows[:-1]] * 2000)[: 20_000 // (3 * k) * 3 * k], np.ones((1, columns), np.float32)
    rows[-1] = 0.5  # the peak of each column, so that a code is worth about one
    rows[-1, 0] = 255
    index = InvertedIndex.build(csr_array(np.vstack([rows, np.eye(columns, dtype=np.float32) * 255])))
    whole = np.vstack([rows, np.eye(columns, dtype=np.float32) * 255])
    found = index.search(csr_array(asked), k).scores[0]
    assert found.tolist() == np.sort(whole.sum(axis=1, dtype=np.float64).astype(np.float32))[::-1][:k].tolist()


@pytest.mark.parametrize("seed", range(3))
def test_sums_that_float32_would_misorder(seed: int) -> None:
    """Exact codes, and sums so close about a whole unit that the bounds' own rounding puts them in another order."""
    draws, columns = np.random.default_rng(seed), 40
    rows = draws.integers(100, 156, (3000, columns))
    rows[:, -1] += 5100 - rows.sum(axis=1)
    rows = np.clip(rows, 0, 255)[np.clip(rows, 0, 255).sum(axis=1) == 5100].astype(np.float32)
    rows = np.vstack([rows, np.full((1, columns), 255, np.float32) * np.eye(1, columns, dtype=np.float32)])
    asked = (1 + draws.integers(0, 9, (1, columns)) * 2.0**-22).astype(np.float32)
    index = InvertedIndex.build(csr_array(rows))
    sums = np.zeros(len(rows))
    for column in range(columns):
        sums += float(asked[0, column]) * rows[:, column].astype(np.float64)
    scores = sums.astype(np.float32)
    for k in (1, 2, 10):
        hits = index.search(csr_array(asked), k)
        assert hits.positions[0].tolist() == np.lexsort((np.arange(len(rows)), -scores))[:k].tolist()


def test_peaks_of_almost_255_have_no_exact_codes() -> None:
    rows = (np.random.default_rng(0).random((5000, 3)) * 50 + 0.01).astype(np.float32)
    rows[0] = 254.99998
    check(InvertedIndex.build(csr_array(rows)), rows, np.ones((1, 3), np.float32), 1000)


def test_more_tiles_than_a_whole_number_has_bits() -> None:
    size, held = 70 * bounding.TILE + 5, [0, bounding.TILE, 33 * bounding.TILE - 1, 70 * bounding.TILE + 4]
    ends = np.searchsorted(held, np.arange(size + 1))
    rows = csr_array((np.array([1, 2, 3, 4], np.float32), np.zeros(4, np.int32), ends), shape=(size, 1))
    hits = InvertedIndex.build(rows).search(csr_array(np.array([[1.0]], np.float32)), 3)
    assert hits.positions.tolist() == [held[:0:-1]]


@pytest.mark.parametrize("weighting", WEIGHTINGS[:2])
@pytest.mark.parametrize("cores", ["2", "3", "7"])
def test_one_query_over_all_cores(
    weighting: TermFrequencies | None, cores: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIZSLA_THREADS", cores)
    monkeypatch.setattr(inverted, "_WORTH_SPLITTING", 0)
    passages, queries = many(3, weighting)
    index = InvertedIndex.build(csr_array(passages), weighting)
    for k in (1, 10, 40000):
        check(index, passages, queries[:1], k)
    few = InvertedIndex.build(csr_array(passages[:3]), weighting)
    check(few, passages[:3], queries[:1], 5)


@pytest.mark.parametrize("weighting", WEIGHTINGS[:2])
def test_a_stored_index_is_the_built_one(weighting: TermFrequencies | None, tmp_path: Path) -> None:
    passages, queries = many(4, weighting)
    passages, queries = passages[:300], queries[:2]
    built = InvertedIndex.build(csr_array(passages), weighting)
    built.save(tmp_path / "index")
    loaded = InvertedIndex.load(tmp_path / "index")
    assert (len(loaded), loaded.dim, loaded.weighting) == (len(built), built.dim, built.weighting)
    check(loaded, passages, queries, 12)


@pytest.mark.parametrize("weighting", WEIGHTINGS[:2])
@pytest.mark.parametrize("size", [0, 1, 3])
def test_nothing_to_find(weighting: TermFrequencies | None, size: int) -> None:
    empty: Block = np.zeros((size, DIM), np.float32)
    index = InvertedIndex.build(csr_array(empty), weighting)
    check(index, empty, np.ones((2, DIM), np.float32), 4)
    check(index, empty, np.zeros((0, DIM), np.float32), 4)
    check(index, empty, np.zeros((1, DIM), np.float32), 1, np.ones(size, np.bool_))


def test_an_index_without_columns() -> None:
    index = InvertedIndex.build(csr_array((3, 0), dtype=np.float32))
    assert (index.dim, len(index)) == (0, 3)
    assert index.search(csr_array((2, 0), dtype=np.float32), 2).counts().tolist() == [0, 0]


def test_the_lowest_positions_win_ties() -> None:
    index = InvertedIndex.build(csr_array(np.array([[1], [1], [2], [1], [2]], np.float32)))
    hits = index.search(csr_array(np.array([[1.0]], np.float32)), 3)
    assert hits.positions.tolist() == [[2, 4, 0]]


BROKEN: list[tuple[str, Callable[[InvertedIndex, Sparse], object]]] = [
    ("width", lambda index, _: index.search(csr_array((1, DIM + 1), dtype=np.float32), 1)),
    ("below zero", lambda index, query: index.search(-query, 1)),
    ("k=0", lambda index, query: index.search(query, 0)),
    ("bitmap", lambda index, query: index.search(query, 1, np.ones(2, np.bool_))),
    ("bitmap", lambda index, query: index.search(query, 1, np.ones(3, np.int8))),
    ("finite", lambda index, query: index.search(query * np.float32(np.inf), 1)),
]


@pytest.mark.parametrize(("word", "search"), BROKEN)
def test_wrong_queries_are_refused(word: str, search: Callable[[InvertedIndex, Sparse], object]) -> None:
    index = InvertedIndex.build(csr_array(np.eye(3, DIM, dtype=np.float32)))
    with pytest.raises(ShapeError, match=word):
        search(index, csr_array(np.eye(1, DIM, dtype=np.float32)))


def test_wrong_passages_are_refused() -> None:
    with pytest.raises(ShapeError, match="below zero"):
        InvertedIndex.build(csr_array(np.array([[-1.0]], np.float32)))
    with pytest.raises(ShapeError, match="whole"):
        InvertedIndex.build(csr_array(np.array([[1.5]], np.float32)), TermFrequencies(1.0, 0.5))
