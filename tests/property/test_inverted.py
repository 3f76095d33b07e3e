"""The sums of the inverted index, bit for bit; what a posting adds; how rows become postings in little memory."""

from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from vizsla.indexes import turning
from vizsla.indexes.forward import Forward
from vizsla.indexes.inverted import InvertedIndex
from vizsla.indexes.weighting import TermFrequencies
from vizsla.kernels.postings import Counts

DIM = 9
Block = npt.NDArray[np.float32]
# Weights whose sums depend on their order in every precision but one.
WEIGHTS = st.sampled_from([0.0, 1e-7, 0.1, 1 / 3, 1.0, 1e7, 16777217.0]) | st.floats(0, 1e3, width=32)
ROW = st.lists(WEIGHTS, min_size=DIM, max_size=DIM)


@settings(max_examples=300, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12), ROW)
def test_impacts_are_summed_in_rising_order_and_rounded_once(made: list[list[float]], asked: list[float]) -> None:
    passages, query = np.array(made, np.float32), np.array([asked], np.float32)
    positions, scores = InvertedIndex.build(csr_array(passages)).search(csr_array(query), len(made)).row(0)
    found = dict(zip(positions.tolist(), scores.tolist(), strict=True))
    for position, row in enumerate(passages.tolist()):
        total = 0.0
        for weight, value in zip(query[0].tolist(), row, strict=True):
            total += weight * value
        assert found.get(position, 0.0) == float(np.float32(total))


def test_the_order_of_terms_decides_the_last_bit() -> None:
    # 97 x 172961 x 2^29 lies in the middle of two float32 numbers; ones added after it are lost in float64.
    large, value = 97.0 * 2**29, 172961.0
    after = InvertedIndex.build(csr_array(np.array([[value, 1, 1]], np.float32)))
    before = InvertedIndex.build(csr_array(np.array([[1, 1, value]], np.float32)))
    assert after.search(csr_array(np.array([[large, 1, 1]], np.float32)), 1).scores.tolist() == [[2.0**53]]
    assert before.search(csr_array(np.array([[1, 1, large]], np.float32)), 1).scores.tolist() == [[2.0**53 + 2**30]]


COUNT = st.sampled_from([0, 0, 1, 2, 300, 70_000])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(COUNT, min_size=DIM, max_size=DIM), min_size=1, max_size=10), ROW, st.booleans())
def test_contributions_and_vectors_are_what_the_score_is_made_of(
    made: list[list[int]],
    asked: list[float],
    lexical: bool,  # noqa: FBT001
) -> None:
    passages, query = csr_array(np.array(made, np.float32)), csr_array(np.array([asked], np.float32))
    index = InvertedIndex.build(passages, TermFrequencies(1.2, 0.75) if lexical else None)
    positions, scores = index.search(query, len(made)).row(0)
    found = dict(zip(positions.tolist(), scores.tolist(), strict=True))
    for position, row in enumerate(made):
        parts = index.contributions(query, position)
        assert [column for column, _ in parts] == [c for c in range(DIM) if row[c] and asked[c]]
        total = 0.0
        for _, part in parts:
            total += part
        assert found.get(position, 0.0) == float(np.float32(total))
        assert index.contents.vector(position) == [(column, value) for column, value in enumerate(row) if value]
    for column in range(DIM):
        assert index.contents.holding(column).tolist() == [p for p, row in enumerate(made) if row[column]]


ROWS = st.lists(st.dictionaries(st.integers(0, 7), st.integers(1, 9), max_size=6), max_size=40)


@pytest.mark.parametrize("scratch", [True, False])
@settings(max_examples=80, deadline=None)
@given(ROWS, st.permutations(range(8)), st.integers(0, 100), st.integers(1, 5))
def test_rows_are_turned_whatever_the_budget(
    tmp_path_factory: pytest.TempPathFactory,
    scratch: bool,  # noqa: FBT001
    made: list[dict[int, int]],
    order: list[int],
    budget: int,
    batch: int,
) -> None:
    folder: Path | None = tmp_path_factory.mktemp("rows") if scratch else None
    forward = Forward(folder)
    for first in range(0, len(made), batch):
        forward.add(_counts(made[first : first + batch]), 8)
    assert (len(forward), forward.entries) == (len(made), sum(map(len, made)))
    assert [length for lengths in forward.lengths for length in lengths] == [sum(row.values()) for row in made]
    assert forward.largest == max((value for row in made for value in row.values()), default=0)
    wanted = {
        order[term]: [(position, row[term]) for position, row in enumerate(made) if term in row] for term in range(8)
    }
    layout = turning.plan(forward, np.array(order), None)
    pieces = list(chain(*turning.turn(forward, layout, budget)))
    # Values up to 9 are whole, so a code is the value itself wherever all fit into a byte.
    parts = [piece for name, piece in pieces if name == "positions"]
    positions = [p for part in parts for p in part.tolist()]
    codes = [c for name, piece in pieces if name == "codes" for c in piece.tolist()]
    listed = [term for term in range(8) if term not in layout.frequent]
    assert list(zip(positions, codes, strict=True)) == [one for term in listed for one in wanted[term]]
    most = max([len(one) for one in wanted.values()] + [budget // 12])
    assert all(len(part) <= most for part in parts)
    assert all(turning.SHARE * len(wanted[term]) >= len(made) for term in layout.frequent.tolist())
    tiles = np.concatenate([np.zeros(0, np.uint8), *(piece for name, piece in pieces if name == "tiles")])
    shape = (len(layout.frequent), -1) if len(layout.frequent) else (0, 0)
    for term, tile in zip(layout.frequent.tolist(), tiles.reshape(shape).tolist(), strict=True):
        assert [(position, code) for position, code in enumerate(tile) if code] == wanted[term]
    ends = [e for name, piece in pieces if name == "row_ends" for e in piece.tolist()]
    columns = [c for name, piece in pieces if name == "row_columns" for c in piece.tolist()]
    values = [v for name, piece in pieces if name == "row_values" for v in piece.tolist()]
    for row, (begin, end) in zip(made, pairwise(ends), strict=True):
        renumbered = sorted((order[term], value) for term, value in row.items())
        assert list(zip(columns[begin:end], values[begin:end], strict=True)) == renumbered
    forward.close()
    assert folder is None or not list(folder.iterdir())


def _counts(rows: list[dict[int, int]]) -> Counts:
    terms = np.array([term for row in rows for term in row], np.int32)
    values = np.array([value for row in rows for value in row.values()], np.int32)
    return Counts(terms, values, np.cumsum([len(row) for row in rows]).astype(np.int64))
