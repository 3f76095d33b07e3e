"""Sums from codes against sums from rows: equal to the last bit, whichever is chosen."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.sparse import csr_array

from vizsla.indexes.inverted import InvertedIndex
from vizsla.indexes.weighting import TermFrequencies
from vizsla.kernels import bounding, decoding, summing

SIZE, DIM = bounding.TILE + 1000, 40


def made(seed: int, weighting: TermFrequencies | None, average: float | None = None) -> InvertedIndex:
    """Two tiles; columns held by a half to a two-hundredth of the positions; frequencies from 1 to beyond any table."""
    draws = np.random.default_rng(seed)
    shares = np.geomspace(0.5, 0.005, DIM)
    held = draws.random((SIZE, DIM)) < shares
    values = np.minimum(draws.zipf(1.6, (SIZE, DIM)), 200 if weighting is None else 60_000)
    index = InvertedIndex.build(csr_array((held * values).astype(np.float32)), weighting)
    return index if average is None else index.at(average * float(index.lengths.mean()))


def sums(index: InvertedIndex, seed: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Of positions that share a column with a query: by codes, and by rows."""
    draws = np.random.default_rng(seed)
    columns = np.sort(draws.choice(DIM, 9, replace=False))
    weights = draws.random(9) + 0.1
    query = summing.Query(columns, weights, weights / 255, 1.0, 1.0)
    positions = np.unique(np.concatenate([index.contents.holding(column) for column in columns.tolist()])).astype(
        np.int64
    )
    span = bounding.Span(0, SIZE, SIZE, np.zeros(0, np.bool_))
    stored, norms = index._stored, index._norms
    by_codes, by_rows = np.empty((2, len(positions)), np.float32)
    decoding.sum_codes(stored.rows, stored.postings, norms, query, positions, by_codes, span)
    assert summing.sum_rows(stored.rows, norms.live, query, summing.table(columns), positions, by_rows)
    return by_codes, by_rows


@pytest.mark.parametrize("average", [None, 0.5, 0.999, 1.7])
@pytest.mark.parametrize(
    "weighting", [TermFrequencies(1.2, 0.75), TermFrequencies(0.01, 1.0), TermFrequencies(90, 0.4)]
)
def test_frequencies_are_found_again(weighting: TermFrequencies, average: float | None) -> None:
    by_codes, by_rows = sums(made(3, weighting, average), 4)
    assert (by_rows > 0).all()
    np.testing.assert_array_equal(by_codes, by_rows)


def test_whole_impacts_are_their_own_codes() -> None:
    by_codes, by_rows = sums(made(5, None), 6)
    assert (by_rows > 0).all()
    np.testing.assert_array_equal(by_codes, by_rows)


def test_a_position_without_a_column_has_no_score() -> None:
    index = made(7, TermFrequencies(1.2, 0.75))
    column = np.array([3])
    without = np.setdiff1d(np.arange(SIZE), index.contents.holding(3))[:50]
    span = bounding.Span(0, SIZE, SIZE, np.zeros(0, np.bool_))
    found = np.zeros(len(without), np.float32)
    query = summing.Query(column, np.ones(1), np.ones(1) / 255, 1.0, 1.0)
    decoding.sum_codes(index._stored.rows, index._stored.postings, index._norms, query, without, found, span)
    assert (found == -1).all()


def test_a_code_whose_row_holds_nothing_has_no_score() -> None:
    index = made(7, TermFrequencies(1.2, 0.75))
    rows = index._stored.rows
    large = [
        position for position in index.contents.holding(3).tolist() if dict(index.contents.vector(position))[3] > 99
    ]
    positions = np.array(large, np.int64)
    span = bounding.Span(0, SIZE, SIZE, np.zeros(0, np.bool_))
    found = np.zeros(len(positions), np.float32)
    query = summing.Query(np.array([3]), np.ones(1), np.ones(1) / 255, 1.0, 1.0)
    columns = np.zeros_like(rows.columns)
    columns.flags.writeable = False
    altered = rows._replace(columns=columns)
    decoding.sum_codes(altered, index._stored.postings, index._norms, query, positions, found, span)
    assert len(found) > 9
    assert (found == -1).all()


def test_a_list_is_read_to_the_end_of_a_tile_and_not_beyond() -> None:
    positions, values = np.array([bounding.TILE - 1, bounding.TILE]), np.array([5, 9], np.float32)
    passages = csr_array((values, (positions, np.zeros(2, np.int64))), shape=(SIZE, 1))
    index = InvertedIndex.build(passages, TermFrequencies(1.2, 0.0))
    span = bounding.Span(0, SIZE, SIZE, np.zeros(0, np.bool_))
    found = np.zeros(2, np.float32)
    query = summing.Query(np.array([0]), np.ones(1), np.ones(1) / 255, 1.0, 1.0)
    decoding.sum_codes(index._stored.rows, index._stored.postings, index._norms, query, positions, found, span)
    np.testing.assert_array_equal(found, (values / (values + np.float64(np.float32(1.2)))).astype(np.float32))


def test_candidates_of_one_tile_leave_nothing_in_the_next() -> None:
    value, rare = (1 + np.arange(SIZE) % 7).astype(np.float32), np.arange(0, SIZE, 32)
    passages = csr_array((value[rare], (rare, np.zeros(len(rare), np.int64))), shape=(SIZE, 1))
    index = InvertedIndex.build(passages, TermFrequencies(1.2, 0.0))
    # one of each tile; where the first stands, the next tile holds another passage, behind its candidate
    positions = np.array([960, bounding.TILE])
    span = bounding.Span(0, SIZE, SIZE, np.zeros(0, np.bool_))
    found = np.zeros(len(positions), np.float32)
    query = summing.Query(np.array([0]), np.ones(1), np.ones(1) / 255, 1.0, 1.0)
    decoding.sum_codes(index._stored.rows, index._stored.postings, index._norms, query, positions, found, span)
    exact = value[positions].astype(np.float64)
    np.testing.assert_array_equal(found, (exact / (exact + np.float64(np.float32(1.2)))).astype(np.float32))
