"""The laws of hits: one order everywhere, and merging parts is ranking the whole."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizsla.core.errors import ShapeError
from vizsla.core.hits import Hits, empty, from_rows, merge, rank

Candidate = tuple[int, float]

# Few different scores, so that ties are the rule; both zeros and both infinities among them.
SCORES = st.sampled_from([-np.inf, -1.5, -0.0, 0.0, 1e-45, 1.0, 1.5, 3e38, np.inf])
CANDIDATES = st.lists(st.tuples(st.integers(-1, 12), SCORES), max_size=40)
DEPTHS = st.integers(1, 50)


def columns(candidates: list[Candidate]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    positions = np.array([position for position, _ in candidates], dtype=np.int64)
    return positions, np.array([score for _, score in candidates], dtype=np.float32)


def oracle(candidates: list[Candidate], k: int) -> list[Candidate]:
    real = [(position, float(np.float32(score))) for position, score in candidates if position >= 0]
    return sorted(real, key=lambda one: (-one[1], one[0]))[:k]


def listed(positions: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]) -> list[Candidate]:
    return list(zip(positions.tolist(), scores.tolist(), strict=True))


@st.composite
def shards(draw: st.DrawFn) -> tuple[list[list[list[Candidate]]], int]:
    """Candidates of each query in each shard: [shard][query], no position in two shards."""
    queries, count = draw(st.integers(0, 3)), draw(st.integers(1, 4))
    whole = [
        draw(st.lists(st.tuples(st.integers(0, 30), SCORES), unique_by=lambda one: one[0])) for _ in range(queries)
    ]
    return [[[one for one in row if one[0] % count == shard] for row in whole] for shard in range(count)], queries


@given(CANDIDATES, DEPTHS)
def test_rank_is_falling_score_then_rising_position(candidates: list[Candidate], k: int) -> None:
    assert listed(*rank(*columns(candidates), k)) == oracle(candidates, k)


@pytest.mark.parametrize("far", [0, 2**31])
def test_a_zero_has_no_sign_wherever_it_stands(far: int) -> None:
    positions, scores = rank(np.array([far + 1, far]), np.array([0.0, -0.0], np.float32), 2)
    assert positions.tolist() == [far, far + 1]
    assert not np.signbit(scores).any()


@given(CANDIDATES, DEPTHS)
def test_rank_keeps_what_it_was_given_unchanged(candidates: list[Candidate], k: int) -> None:
    positions, scores = columns(candidates)
    before = positions.copy(), scores.copy()
    rank(positions, scores, k)
    np.testing.assert_array_equal(positions, before[0])
    np.testing.assert_array_equal(scores, before[1])


@given(CANDIDATES, DEPTHS, DEPTHS)
def test_the_best_of_more_are_the_best_of_fewer(candidates: list[Candidate], k: int, j: int) -> None:
    k, j = max(k, j), min(k, j)
    wide = from_rows([rank(*columns(candidates), k)], k).top(j)
    narrow = from_rows([rank(*columns(candidates), j)], j)
    np.testing.assert_array_equal(wide.positions, narrow.positions)
    np.testing.assert_array_equal(wide.scores, narrow.scores)


@given(CANDIDATES, DEPTHS, st.integers(0, 40))
def test_a_score_that_is_no_number_is_refused(candidates: list[Candidate], k: int, at: int) -> None:
    candidates.insert(at, (3, float("nan")))
    with pytest.raises(ShapeError, match="NaN"):
        rank(*columns(candidates), k)


@given(shards(), DEPTHS, DEPTHS)
def test_merging_shards_is_searching_the_whole(drawn: tuple[list[list[list[Candidate]]], int], k: int, j: int) -> None:
    parts, queries = drawn
    width = max(k, j)  # a shard that was searched deeper than needed changes nothing
    found = [from_rows([rank(*columns(row), width) for row in part], width) for part in parts]
    merged = merge(found, k)
    assert merged.positions.shape == (queries, k)
    for query in range(queries):
        whole = [one for part in parts for one in part[query]]
        assert listed(*merged.row(query)) == oracle(whole, k)


@given(shards(), DEPTHS)
def test_merging_knows_no_order_and_no_grouping(drawn: tuple[list[list[list[Candidate]]], int], k: int) -> None:
    parts, _ = drawn
    found = [from_rows([rank(*columns(row), k) for row in part], k) for part in parts]
    merged, backwards = merge(found, k), merge(found[::-1], k)
    nested = merge([merge(found[:1], k), *found[1:]], k)
    for other in (backwards, nested):
        np.testing.assert_array_equal(merged.positions, other.positions)
        np.testing.assert_array_equal(merged.scores, other.scores)


@given(CANDIDATES, DEPTHS)
def test_a_row_ends_in_nothing(candidates: list[Candidate], k: int) -> None:
    hits = from_rows([rank(*columns(candidates), k), rank(*columns([]), k)], k)
    count = min(k, sum(position >= 0 for position, _ in candidates))
    assert hits.counts().tolist() == [count, 0]
    assert len(hits) == 2
    assert (hits.positions[0, count:] == -1).all()
    assert (hits.scores[0, count:] == -np.inf).all()
    assert [len(part) for part in hits.row(0)] == [count, count]


def test_no_hits_at_all() -> None:
    hits = empty(2, 3)
    assert (hits.positions == -1).all()
    assert (hits.scores == -np.inf).all()
    assert hits.top(9).positions.shape == (2, 3)


@pytest.mark.parametrize("parts", [[], [empty(1, 2), empty(2, 2)]], ids=["none", "unequal"])
def test_parts_of_different_searches_do_not_merge(parts: list[Hits]) -> None:
    with pytest.raises(ShapeError, match="wanted at least one, all equal"):
        merge(parts, 2)


@pytest.mark.parametrize(("positions", "scores"), [((2,), (2,)), ((2, 3), (3, 2)), ((2, 3, 1), (2, 3, 1))])
def test_hits_are_two_equal_blocks(positions: tuple[int, ...], scores: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"two equal shapes \(queries, k\)"):
        Hits(np.zeros(positions, dtype=np.int64), np.zeros(scores, dtype=np.float32))
