"""The index's door for dense vectors, both implementations against an exhaustive oracle: all products, sorted.

The oracle multiplies and sums in float64 in the documented order of lanes, and rounds once; a flat index's positions
and scores must be equal to the last bit, a quantised one's scores too, and its hits where it scores enough candidates.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.core import hits
from vizsla.core.errors import ShapeError
from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap
from vizsla.indexes import flat, quantised
from vizsla.indexes import rows as rows_of
from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.quantised import QuantisedIndex

Block: TypeAlias = npt.NDArray[np.float32]
DenseIndex: TypeAlias = FlatIndex | QuantisedIndex
BUILDS: list[Callable[[Block], DenseIndex]] = [FlatIndex.build, QuantisedIndex.build]
# Few different numbers, so that ties are the rule; and the ends of what float32 holds.
PLAIN = st.sampled_from([0.0, -0.0, 0.1, -0.1, 0.5, 1.0, -1.0, 3.0])
EXTREME = st.sampled_from([0.0, 1.0, -1.0, 1e-45, -1e-38, 1e-20, 1e20, 3.4e38, -3.4e38, 1e19])


def oracle(passages: Block, query: Block) -> Block:
    """All products: lane by lane in rising order of columns, the upper half of the lanes added to the lower."""
    size, dim = passages.shape
    columns = np.zeros((size, -(-dim // 64) * 64))
    columns[:, :dim] = passages.astype(np.float64) * query.astype(np.float64)
    lanes = np.zeros((size, 64))
    for begin in range(0, columns.shape[1], 64):
        lanes += columns[:, begin : begin + 64]
    while lanes.shape[1] > 1:
        half = lanes.shape[1] // 2
        lanes = lanes[:, :half] + lanes[:, half:]
    with np.errstate(over="ignore"):  # a sum beyond float32 is infinite in the index, too
        return lanes[:, 0].astype(np.float32)


def best(scores: Block, k: int, allowed: Bitmap | None) -> list[tuple[int, float]]:
    kept = np.arange(len(scores)) if allowed is None else np.flatnonzero(allowed)
    order = kept[np.lexsort((kept, -scores[kept]))][:k]
    return list(zip(order.tolist(), scores[order].tolist(), strict=True))


def rows(found: Hits) -> list[list[tuple[int, float]]]:
    return [list(zip(*(part.tolist() for part in found.row(row)), strict=True)) for row in range(len(found))]


def check(index: DenseIndex, passages: Block, queries: Block, k: int, allowed: Bitmap | None = None) -> None:
    found = index.search(queries, k, allowed)
    assert found.positions.shape == (len(queries), k)
    assert rows(found) == [best(oracle(passages, query), k, allowed) for query in queries]
    ended = found.positions < 0
    assert (found.positions[ended] == -1).all()
    assert (found.scores[ended] == -np.inf).all()
    assert (ended == (np.arange(k) >= found.counts()[:, None])).all()


@st.composite
def cases(draw: st.DrawFn) -> tuple[Block, Block, int, Bitmap | None]:
    dim, values = draw(st.sampled_from([1, 3, 63, 64, 65, 130])), draw(st.sampled_from([PLAIN, EXTREME]))
    size = draw(st.integers(0, 24))

    def block(count: int) -> Block:
        # A few drawn columns, repeated: long rows that are still quick to draw.
        few = draw(st.lists(st.lists(values, min_size=3, max_size=3), min_size=count, max_size=count))
        return np.resize(np.array(few, np.float32).reshape(count, 3).repeat(max(1, dim // 3), 1), (count, dim))

    chosen = draw(st.none() | st.lists(st.booleans(), min_size=size, max_size=size))
    k = draw(st.sampled_from([1, 2, 3, max(size, 1), size + 3]))
    return block(size), block(draw(st.integers(0, 4))), k, None if chosen is None else np.array(chosen, np.bool_)


@pytest.fixture(params=["1", "2"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZSLA_THREADS", request.param)


@pytest.fixture
def splitting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat, "_WORTH_SPLITTING", 0)


@pytest.fixture(params=["one cell", "cells"])
def coded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes even for few passages, and exact search for none; in one cell and in many."""
    monkeypatch.setattr(quantised, "_WORTH_CODES", 2)
    monkeypatch.setattr(quantised, "_WORTH_CELLS", 2 if request.param == "cells" else 1 << 40)
    monkeypatch.setattr(quantised, "_EXACT", 1 << 40)


def drawn(seed: int, size: int, dim: int) -> tuple[Block, Block]:
    """Passages about some centres, not about zero, a few of them more than once, and queries near them."""
    draws = np.random.default_rng(seed)
    centres = draws.standard_normal((9, dim)) + 0.5
    passages = centres[draws.integers(0, 9, size)] + 0.7 * draws.standard_normal((size, dim))
    passages[size // 2 : size // 2 + 5] = passages[:5]
    queries = passages[draws.integers(0, size, 6)] + 0.5 * draws.standard_normal((6, dim))
    return passages.astype(np.float32), queries.astype(np.float32)


@pytest.mark.parametrize("build", BUILDS)
@settings(max_examples=200, deadline=None)
@given(case=cases())
def test_hits_are_the_oracles(
    build: Callable[[Block], DenseIndex], case: tuple[Block, Block, int, Bitmap | None]
) -> None:
    passages, queries, k, allowed = case
    check(build(passages), passages, queries, k, allowed)


@pytest.mark.parametrize("dim", [1, 64, 130])
@pytest.mark.usefixtures("threads", "splitting")
def test_many_positions(dim: int) -> None:
    passages, queries = drawn(1, rows_of.BLOCK + 77, dim)
    index = FlatIndex.build(passages)
    draws = np.random.default_rng(2)
    for k in (10, len(passages) + 9):
        check(index, passages, queries[:1], k)
    for share in (0.5, 0.02):
        check(index, passages, queries[2:3], 10, draws.random(len(passages)) < share)


@pytest.mark.usefixtures("threads", "splitting")
def test_many_queries() -> None:
    passages, queries = drawn(12, 700, 20)
    check(FlatIndex.build(passages), passages, np.tile(queries, (12, 1)), 3)


@pytest.mark.parametrize("scale", [1e-44, 1e-30, 1e18, 1e36])
def test_products_beyond_float32_are_in_order(scale: float) -> None:
    passages, queries = drawn(3, 3000, 40)
    near = (passages.astype(np.float64) * scale).astype(np.float32)
    for asked in (queries, queries * np.float32(1e-40), queries * np.float32(1e30)):
        check(FlatIndex.build(near), near, asked, 17)


def test_scores_are_float64_sums_rounded() -> None:
    passages, queries = drawn(4, 500, 384)
    found = FlatIndex.build(passages).search(queries, 500)
    sums = np.take_along_axis(queries.astype(np.float64) @ passages.T.astype(np.float64), found.positions, axis=1)
    assert np.abs(found.scores - sums).max() <= np.spacing(np.abs(found.scores).max())


@pytest.mark.usefixtures("threads", "splitting")
def test_one_score_whatever_stands_beside_it() -> None:
    passages, queries = drawn(5, 9000, 100)
    whole = FlatIndex.build(passages).search(queries, 50)
    for k in (1, 7, 49):
        shorter = FlatIndex.build(passages).search(queries, k)
        assert rows(whole.top(k)) == rows(shorter)
    singles = [FlatIndex.build(passages).search(queries[row : row + 1], 50) for row in range(len(queries))]
    assert [rows(one)[0] for one in singles] == rows(whole)
    parts = []
    for begin, end in [(0, 10), (10, 4000), (4000, 9000)]:
        part = FlatIndex.build(passages[begin:end]).search(queries, 50)
        parts.append(Hits(np.where(part.positions < 0, -1, part.positions + begin), part.scores))
    assert rows(hits.merge(parts, 50)) == rows(whole)


@pytest.mark.parametrize("dim", [10, 64, 100, 130])
@pytest.mark.usefixtures("threads", "splitting", "coded")
def test_enough_candidates_find_all(dim: int) -> None:
    passages, queries = drawn(6, 2 * 512 + 77, dim)
    index = QuantisedIndex.build(passages)
    assert index.measured is not None
    index.measured = replace(index.measured, depths=(2000, 2000, 2000), rows=(2000, 2000, 2000))
    draws = np.random.default_rng(7)
    for k in (1, 10, 2000):
        check(index, passages, queries, k)
        check(index, passages, queries[:1], k)
        check(index, passages, queries[:1], k, draws.random(len(passages)) < 0.3)
        check(index, passages, queries[:2], k, np.zeros(len(passages), np.bool_))


@pytest.mark.parametrize("worth_cells", [100, 1 << 40])
@pytest.mark.usefixtures("threads", "splitting")
def test_a_quantised_index_finds_what_it_recorded(worth_cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "_WORTH_CODES", 100)
    monkeypatch.setattr(quantised, "_WORTH_CELLS", worth_cells)
    monkeypatch.setattr(quantised, "_CANDIDATE", 0)
    passages, queries = drawn(8, 5000, 96)
    index = QuantisedIndex.build(passages)
    assert index.measured is not None
    assert min(index.measured.found) >= 0.96
    assert index.measured.depths[1] < 3000
    assert (index.measured.rows[0] < 3000) == (worth_cells == 100)
    products = [oracle(passages, query) for query in queries]
    draws = np.random.default_rng(9)
    some, few = draws.random(len(passages)) < 0.8, draws.random(len(passages)) < 0.3
    for k, allowed in [(10, None), (100, None), (100, some), (10, few)]:
        found = index.search(queries, k, allowed)
        shares = []
        for row, scores in enumerate(products):
            positions, given_scores = found.row(row)
            assert allowed is None or allowed[positions].all()
            chosen = np.isin(np.arange(len(passages)), positions)
            assert list(zip(positions.tolist(), given_scores.tolist(), strict=True)) == best(scores, k, chosen)
            shares.append(np.mean(chosen[[position for position, _ in best(scores, k, allowed)]]))
        assert np.mean(shares) >= 0.94
        single = [index.search(queries[row : row + 1], k, allowed) for row in range(len(queries))]
        assert [rows(one)[0] for one in single] == rows(found)


@pytest.mark.parametrize("passages", [np.zeros((700, 5)), np.ones((700, 70)), np.eye(600, 70)])
@pytest.mark.usefixtures("coded")
def test_vectors_that_no_sign_tells_apart(passages: Block) -> None:
    passages = passages.astype(np.float32)
    queries = np.vstack([np.ones((1, passages.shape[1])), np.zeros((1, passages.shape[1]))]).astype(np.float32)
    index = QuantisedIndex.build(passages)
    found = index.search(queries, 4)
    assert found.counts().tolist() == [4, 4]
    if (passages == passages[0]).all():
        check(index, passages, queries, 4)


def odd(name: str) -> Block:
    """Vectors that lie in no cells: on a line, nearly all at one place, few different ones, far from unit length."""
    draws = np.random.default_rng(5)
    made = {
        "on a line": draws.standard_normal((1500, 1)),
        "at one place": np.vstack([np.ones((1400, 20)), draws.standard_normal((100, 20))]),
        "few different": draws.standard_normal((5, 20))[draws.integers(0, 5, 1500)],
        "short": 1e-30 * draws.standard_normal((1500, 20)),
        "long": 1e25 * draws.standard_normal((1500, 20)),
    }
    block: Block = made[name].astype(np.float32)
    return block


@pytest.mark.parametrize("name", ["on a line", "at one place", "few different", "short", "long"])
@pytest.mark.usefixtures("coded")
def test_odd_vectors_keep_the_recall(name: str) -> None:
    passages = odd(name)
    queries, index = odd(name)[::50] + odd(name)[1::50] / np.float32(4), QuantisedIndex.build(passages)
    assert index.measured is not None
    found = index.search(queries, 10)
    assert found.counts().tolist() == [10] * len(queries)
    edges = [best(oracle(passages, query), 10, None)[-1][1] for query in queries]
    assert np.mean(found.scores >= np.array(edges)[:, None]) >= 0.97


@pytest.mark.usefixtures("coded")
def test_vectors_whose_factors_overflow_are_candidates() -> None:
    passages, queries = drawn(10, 600, 8)
    passages[7] = 3e38
    check(QuantisedIndex.build(passages), passages, np.abs(queries), 1)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.usefixtures("coded")
def test_a_stored_index_is_the_built_one(build: Callable[[Block], DenseIndex], tmp_path: Path) -> None:
    passages, queries = drawn(11, 1500, 70)
    built = build(passages)
    built.save(tmp_path / "index")
    loaded = type(built).load(tmp_path / "index")
    assert (len(loaded), loaded.dim) == (1500, 70)
    assert np.array_equal(loaded.vectors, passages)
    assert not loaded.vectors.flags.writeable
    for k in (1, 12, 1600):
        assert rows(loaded.search(queries, k)) == rows(built.search(queries, k))


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (3, 0), (1, 4)])
def test_nothing_to_find(build: Callable[[Block], DenseIndex], shape: tuple[int, int], tmp_path: Path) -> None:
    passages = np.ones(shape, np.float32)
    index = build(passages)
    index.save(tmp_path / "index")
    for one in (index, type(index).load(tmp_path / "index")):
        for count in (0, 2):
            check(one, passages, np.ones((count, shape[1]), np.float32), 2)
        check(one, passages, np.ones((1, shape[1]), np.float32), 1, np.zeros(shape[0], np.bool_))


BROKEN: list[tuple[str, Callable[[DenseIndex, Block], object]]] = [
    ("width", lambda index, _: index.search(np.zeros((1, 8), np.float32), 1)),
    ("two dimensions", lambda index, query: index.search(query[0], 1)),
    ("k=0", lambda index, query: index.search(query, 0)),
    ("bitmap", lambda index, query: index.search(query, 1, np.ones(2, np.bool_))),
    ("bitmap", lambda index, query: index.search(query, 1, np.ones(3, np.int8))),
    ("finite", lambda index, query: index.search(query * np.float32(np.nan), 1)),
    ("finite", lambda index, query: type(index).build(np.vstack([query, query * np.float32(np.nan)]))),
    ("finite", lambda index, query: type(index).build(np.vstack([query, np.full_like(query, np.inf)]))),
    ("two dimensions", lambda index, query: type(index).build(query[0])),
]


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(("word", "search"), BROKEN)
def test_what_cannot_be_is_refused(
    build: Callable[[Block], DenseIndex], word: str, search: Callable[[DenseIndex, Block], object]
) -> None:
    with pytest.raises(ShapeError, match=word):
        search(build(np.eye(3, 7, dtype=np.float32)), np.eye(1, 7, dtype=np.float32))
