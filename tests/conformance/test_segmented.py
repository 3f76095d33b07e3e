"""The index's door over segments: one index over the live rows is the oracle, to the last bit."""

from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from vizsla.collections import segmented
from vizsla.collections.live import LiveSegment
from vizsla.collections.metadata.columns import MetadataColumns
from vizsla.collections.placed import Placed
from vizsla.collections.segment import Segment
from vizsla.collections.segmented import SegmentedPostings, SegmentedVectors
from vizsla.core.errors import ArtifactError, ShapeError
from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap
from vizsla.data.corpus import Corpus
from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.inverted import InvertedIndex

DIM = 5
Block = npt.NDArray[np.float32]
ROW = st.lists(st.sampled_from([0.0, 0.0, 0.5, 1.0, 1.0, 3.0]), min_size=DIM, max_size=DIM)
SPLIT = st.lists(st.lists(st.tuples(ROW, st.booleans(), st.booleans()), min_size=1, max_size=7), max_size=6)


class Rows:
    """As much of a corpus as has a length."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size


def placed(dead: list[Bitmap]) -> Placed:
    made = []
    for at, rows in enumerate(dead):
        corpus = cast(Corpus, Rows(len(rows)))
        one = Segment(f"s{at}", Path(f"s{at}"), corpus, MetadataColumns(len(rows), {}), {})
        made.append(LiveSegment(one, rows if rows.any() else None))
    return Placed(tuple(made))


def indexes(blocks: list[Block], dead: list[Bitmap]) -> dict[str, SegmentedPostings | SegmentedVectors]:
    sparse = [InvertedIndex.build(csr_array(block)) for block in blocks]
    dense = [FlatIndex.build(block) for block in blocks]
    return {
        "postings": SegmentedPostings(placed(dead), sparse, DIM),
        "vectors": SegmentedVectors(placed(dead), dense, DIM),
    }


def one(kind: str, rows: Block) -> InvertedIndex | FlatIndex:
    return InvertedIndex.build(csr_array(rows)) if kind == "postings" else FlatIndex.build(rows)


def asked(kind: str, queries: Block) -> csr_array | Block:
    return csr_array(queries) if kind == "postings" else queries


@pytest.mark.parametrize("kind", ["postings", "vectors"])
@settings(max_examples=120, deadline=None)
@given(SPLIT, st.lists(ROW, max_size=3), st.integers(1, 30), st.booleans())
def test_hits_are_those_of_one_index(
    kind: str,
    split: list[list[tuple[list[float], bool, bool]]],
    queries: list[list[float]],
    k: int,
    some: bool,  # noqa: FBT001
) -> None:
    blocks = [np.array([row for row, _, _ in rows], np.float32) for rows in split]
    dead = [np.array([gone for _, gone, _ in rows], np.bool_) for rows in split]
    wanted = np.array([kept or not some for rows in split for _, _, kept in rows], np.bool_)
    live = np.flatnonzero(~np.concatenate([np.zeros(0, np.bool_), *dead]) & wanted)
    rows = np.concatenate([np.zeros((0, DIM), np.float32), *blocks])[live]
    vectors = asked(kind, np.array(queries, np.float32).reshape(-1, DIM))
    found = indexes(blocks, dead)[kind].search(vectors, k, wanted if some else None)
    expected: Hits = one(kind, rows).search(vectors, k)
    assert found.scores.tolist() == expected.scores.tolist()
    assert found.positions.tolist() == [[live[p] if p >= 0 else -1 for p in row] for row in expected.positions]


@pytest.mark.parametrize("kind", ["postings", "vectors"])
@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize("share", [1.0, 0.4, 0.004])
def test_large_segments_over_all_cores(kind: str, workers: str, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZSLA_THREADS", workers)
    monkeypatch.setattr(segmented, "_WORTH_SPLITTING", 0)
    draws = np.random.default_rng(7)
    # Of two kinds of values, so that not all segments stand in one list.
    blocks = [draws.choice([0, 0, 0, 1, 2], (size, DIM)).astype(np.float32) for size in (1500, 700, 90, 3)]
    blocks[2] *= np.float32(0.37)
    dead = [draws.random(len(block)) < 0.1 for block in blocks]
    wanted = draws.random(sum(map(len, blocks))) < share
    live = np.flatnonzero(~np.concatenate(dead) & wanted)
    queries = draws.random((3, DIM)).astype(np.float32)
    for k in (1, 10, 5000):
        expected = one(kind, np.concatenate(blocks)[live]).search(asked(kind, queries), k)
        found = indexes(blocks, dead)[kind]
        for rows in (slice(0, 3), slice(1, 2)):
            hits = found.search(asked(kind, queries[rows]), k, wanted)
            assert hits.scores.tolist() == expected.scores[rows].tolist()
            assert hits.positions.tolist() == [
                [live[p] if p >= 0 else -1 for p in row] for row in expected.positions[rows]
            ]


def test_arrays_that_contradict_each_other_are_refused() -> None:
    block = np.zeros((400, DIM), np.float32)
    block[7, 2] = 1
    made = indexes([block], [np.zeros(400, np.bool_)])["postings"]
    assert isinstance(made, SegmentedPostings)
    starts = made.indexes[0].arrays[0].postings.starts
    starts.flags.writeable = True
    starts[3] = 99
    starts.flags.writeable = False  # as loops were compiled for
    with pytest.raises(ArtifactError, match="contradict each other"):
        made.search(csr_array(np.ones((1, DIM), np.float32)), 1)


@pytest.mark.parametrize("kind", ["postings", "vectors"])
def test_what_cannot_be_is_refused(kind: str) -> None:
    made = indexes([np.ones((2, DIM), np.float32)], [np.zeros(2, np.bool_)])[kind]
    assert len(made) == 2
    with pytest.raises(ShapeError, match="width"):
        made.search(asked(kind, np.ones((1, DIM + 1), np.float32)), 1)
    with pytest.raises(ShapeError, match=r"wanted bool of shape \(2,\)"):
        made.search(asked(kind, np.ones((1, DIM), np.float32)), 1, np.ones(3, np.bool_))
    with pytest.raises(ShapeError, match="k=0"):
        made.search(asked(kind, np.ones((1, DIM), np.float32)), 0)
    if kind == "postings":
        with pytest.raises(ShapeError, match="below zero"):
            made.search(csr_array(-np.ones((1, DIM), np.float32)), 1)
