"""Every quantised index ever stored is read by this release: the recorded recall, and exact scores."""

from pathlib import Path

import numpy as np
import pytest
from tests.golden.make_quantised import vectors

from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.quantised import QuantisedIndex

HERE = Path(__file__).parent
LIMIT_BYTES = 50 << 10


@pytest.mark.parametrize("name", ["q1", "q2"])
def test_it_finds_what_it_recorded(name: str) -> None:
    index, exact = QuantisedIndex.load(HERE / name), FlatIndex.build(vectors())
    assert np.array_equal(index.vectors, exact.vectors)
    assert index.measured is not None
    assert (len(index), index.recall, index.measured.asked, index.measured.held_out) == (600, 0.95, 512, "passages")
    queries = vectors()[:200] + np.float32(0.1)
    found, wanted = index.search(queries, 10), exact.search(queries, 10)
    same = [np.isin(one, other).mean() for one, other in zip(wanted.positions, found.positions, strict=True)]
    assert 0.95 <= np.mean(same) < 1
    every = exact.search(queries, 600)
    scores = np.empty((200, 600), np.float32)
    np.put_along_axis(scores, every.positions, every.scores, axis=1)
    assert np.array_equal(np.take_along_axis(scores, found.positions, axis=1), found.scores)


@pytest.mark.parametrize(
    ("name", "rows", "depths"),
    [("q1", (600, 600, 600), (23, 129, 580)), ("q2", (148, 295, 600), (17, 108, 580))],
)
def test_what_was_measured_is_read(name: str, rows: tuple[int, ...], depths: tuple[int, ...]) -> None:
    measured = QuantisedIndex.load(HERE / name).measured
    assert measured is not None
    assert measured.rows == rows
    assert measured.depths == depths


def test_they_stay_small() -> None:
    for folder in HERE.glob("q[0-9]*"):
        assert sum(path.stat().st_size for path in folder.iterdir()) < LIMIT_BYTES
