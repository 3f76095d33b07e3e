"""Term frequencies under another average length: every score and every bound, against a plain sum."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from vizsla.core.errors import ArtifactError, ShapeError
from vizsla.indexes.inverted import InvertedIndex
from vizsla.indexes.weighting import TermFrequencies
from vizsla.kernels import bounding

Block = npt.NDArray[np.float32]


def best(passages: Block, query: Block, weighting: TermFrequencies, average: float, k: int) -> list[tuple[int, float]]:
    norms = weighting.norms(passages.sum(axis=1).astype(np.int32), average).astype(np.float64)[:, None]
    parts = np.divide(passages, passages + norms, where=passages > 0, out=np.zeros(passages.shape))
    sums = np.zeros(len(passages))
    for column in np.flatnonzero(query):
        sums += float(query[column]) * parts[:, column]
    scores = sums.astype(np.float32).tolist()
    return sorted(((p, s) for p, s in enumerate(scores) if s > 0), key=lambda one: (-one[1], one[0]))[:k]


def found(index: InvertedIndex, query: Block, k: int) -> list[tuple[int, float]]:
    positions, scores = index.search(csr_array(query[None, :]), k).row(0)
    return list(zip(positions.tolist(), scores.tolist(), strict=True))


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99, 1.0, 1.3, 20.0])
@pytest.mark.parametrize("slope", [0.4, 1.0])
def test_no_average_misleads_the_bounds(share: float, slope: float) -> None:
    draws = np.random.default_rng(5)
    size, weighting = bounding.TILE + 3000, TermFrequencies(0.9, slope)
    # Lengths differ by a hundred times, so that norms move apart as far as they can.
    passages = (draws.random((size, 12)) < 0.5 / np.arange(1, 13)) * draws.geometric(0.3, (size, 12))
    passages[:, 11] *= draws.choice([1, 100], size)
    block = passages.astype(np.float32)
    index = InvertedIndex.build(csr_array(block), weighting)
    average = share * float(block.sum(axis=1).mean(dtype=np.float64))
    moved = index.at(average)
    for _ in range(4):
        query = (draws.random(12) * (draws.random(12) < 0.6)).astype(np.float32)
        for k in (1, 10, 300):
            assert found(moved, query, k) == best(block, query, weighting, average, k)
    assert found(index, query, 10) == found(moved.at(block.sum(axis=1).mean(dtype=np.float64)), query, 10)


COUNTS = st.lists(st.lists(st.sampled_from([0, 0, 1, 2, 9, 300]), min_size=4, max_size=4), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(COUNTS, st.lists(st.floats(0, 5, width=32), min_size=4, max_size=4), st.floats(0.01, 1000), st.integers(1, 9))
def test_scores_are_the_plain_sums(made: list[list[int]], asked: list[float], average: float, k: int) -> None:
    block, query, weighting = np.array(made, np.float32), np.array(asked, np.float32), TermFrequencies(1.2, 0.75)
    index = InvertedIndex.build(csr_array(block), weighting).at(average)
    query[query < 1e-6] = 0
    assert found(index, query, k) == best(block, query, weighting, average, k)
    rows = index.contents.rows(0, len(block))
    assert np.diff(rows.ends, prepend=0).tolist() == np.count_nonzero(block, axis=1).tolist()
    assert rows.values.tolist() == block[block > 0].tolist()
    assert rows.terms.tolist() == np.nonzero(block)[1].tolist()


def test_impacts_know_no_lengths() -> None:
    index = InvertedIndex.build(csr_array(np.array([[1, 0], [0.5, 2]], np.float32)))
    assert found(index.at(3.0), np.ones(2, np.float32), 2) == [(1, 2.5), (0, 1.0)]


def test_rows_are_some_of_those_that_are_there() -> None:
    index = InvertedIndex.build(csr_array(np.array([[1, 0], [0.5, 2]], np.float32)))
    assert [part.tolist() for part in index.contents.rows(1, 2)] == [[0, 1], [0.5, 2.0], [2]]
    assert [part.tolist() for part in index.contents.rows(2, 2)] == [[], [], []]
    with pytest.raises(ShapeError, match="positions 1 to 3; wanted some of 0 to 2"):
        index.contents.rows(1, 3)


def test_rows_that_end_outside_are_refused() -> None:
    index = InvertedIndex.build(csr_array(np.array([[1, 0], [0.5, 2]], np.float32)))
    ends = index._stored.rows.ends
    ends.flags.writeable = True
    ends[1] = 9
    with pytest.raises(ArtifactError, match="rows outside its entries"):
        index.contents.rows(0, 1)
