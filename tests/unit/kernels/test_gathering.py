"""Many small indexes searched as one: more hits than there was room for at first, and all of them ranked."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from vizsla.core import hits
from vizsla.indexes.inverted import InvertedIndex
from vizsla.kernels import gathering
from vizsla.kernels.bounding import Span

PARTS, SIZE, DIM = 12, 3, 2


@pytest.mark.parametrize("k", [1, 2, 40])
def test_many_indexes_find_what_one_finds(k: int) -> None:
    rows = np.random.default_rng(2).choice([0.5, 1.5, 2.5], (PARTS * SIZE, DIM)).astype(np.float32)
    made = [InvertedIndex.build(csr_array(rows[SIZE * at : SIZE * (at + 1)])) for at in range(PARTS)]
    parts = [gathering.Part(*one.arrays, at, SIZE * at) for at, one in enumerate(made)]
    indexes = gathering.begin(parts[0])
    for part in parts[1:]:
        gathering.add(indexes, part)
    columns, weights = np.arange(DIM), np.array([1.0, 0.25])
    blocks = [one.weighed(np.array([0, DIM]), columns, weights) for one in made]
    asked = gathering.Asked(
        np.tile(columns, (PARTS, 1)),
        np.tile(weights, (PARTS, 1)),
        np.array([block.steps for block in blocks]),
        np.full(PARTS, DIM),
        np.full(PARTS, np.inf),
        np.array([block.loose for block in blocks]),
        np.array([block.tight for block in blocks]),
    )
    found, span = hits.empty(1, k), Span(0, len(rows), len(rows), np.zeros(0, np.bool_))
    assert gathering.search_parts(indexes, asked, span, found.positions[0], found.scores[0])
    wanted = InvertedIndex.build(csr_array(rows)).search(csr_array(weights[None].astype(np.float32)), k)
    np.testing.assert_array_equal(found.positions, wanted.positions)
    np.testing.assert_array_equal(found.scores, wanted.scores)
