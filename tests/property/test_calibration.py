"""Laws of thresholds and probabilities, over drawn scores and curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizsla.core.hits import Hits, from_rows, rank
from vizsla.core.vectors import Bitmap
from vizsla.evaluating.reliability import reliability
from vizsla.retrievers.calibrated import Calibrated
from vizsla.retrievers.calibration import Calibration, Curve
from vizsla.retrievers.thresholded import Thresholded

near = st.integers(0, 3).map(lambda step: float(np.float32(17) + np.float32(step) * np.spacing(np.float32(17))))
scores = st.lists(st.floats(2.0**-20, 2.0**20, width=32) | near, min_size=1, max_size=25)
slopes, numbers = st.floats(0, 50), st.floats(-50, 50)
curves = st.builds(Curve, st.sampled_from(["log", "plain"]), slopes, slopes, numbers, numbers, numbers)
depths = st.integers(1, 30)


@dataclass(frozen=True)
class Fixed:
    """The same scores for every query."""

    scores: list[float]

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        every = np.arange(len(self.scores))
        kept = every if allowed is None else every[allowed]
        row = rank(kept, np.array(self.scores, np.float32)[kept], k)
        return from_rows([row] * len(queries), k)


@given(scores, curves, depths)
def test_probabilities_keep_the_order_and_the_ties(found: list[float], curve: Curve, k: int) -> None:
    base = Fixed(found)
    hits, said = base.search(["q"], k), Calibrated(base, curve).search(["q"], k)
    positions, probabilities = said.row(0)
    assert said.positions.tolist() == hits.positions.tolist()
    assert ((probabilities > 0) & (probabilities <= 1)).all()
    ranked = rank(positions, probabilities, k)
    assert ranked[0].tolist() == positions.tolist()
    ties = hits.row(0)[1][1:] == hits.row(0)[1][:-1]
    assert (probabilities[1:] == probabilities[:-1]).tolist() == ties.tolist()


@given(scores, curves, depths, depths)
def test_the_first_j_of_k_are_the_first_j(found: list[float], curve: Curve, j: int, k: int) -> None:
    for wrapped in (Calibrated(Fixed(found), curve), Thresholded(Calibrated(Fixed(found), curve), 0.25)):
        few, many = wrapped.search(["q"], min(j, k)), wrapped.search(["q"], max(j, k)).top(min(j, k))
        assert few.positions.tolist() == many.positions.tolist()
        assert few.scores.tolist() == many.scores.tolist()


@given(scores, curves, st.data())
def test_a_filter_changes_no_probability(found: list[float], curve: Curve, data: st.DataObject) -> None:
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found))))
    searcher = Calibrated(Fixed(found), curve)
    whole = dict(zip(*(part.tolist() for part in searcher.search(["q"], len(found)).row(0)), strict=True))
    positions, probabilities = searcher.search(["q"], len(found), allowed).row(0)
    assert sorted(positions.tolist()) == np.flatnonzero(allowed).tolist()
    for position, probability in zip(positions.tolist(), probabilities.tolist(), strict=True):
        assert probability == pytest.approx(whole[position], rel=1e-4)


@given(scores, st.floats(allow_nan=False, width=32), depths)
def test_a_threshold_keeps_a_beginning(found: list[float], least: float, k: int) -> None:
    base = Fixed(found)
    whole, kept = base.search(["q"], k), Thresholded(base, least).search(["q"], k)
    count = int(kept.counts()[0])
    assert count == sum(score >= least for score in whole.row(0)[1].tolist())
    assert kept.positions[0, :count].tolist() == whole.positions[0, :count].tolist()
    assert (kept.positions[0, count:] == -1).all()


@given(curves, st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text() | st.integers()))
def test_what_is_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, curve: Curve, of: dict[str, str], record: dict[str, object]
) -> None:
    folder: Path = tmp_path_factory.mktemp("c") / "calibration"
    made = Calibration(curve, of, {"data": record})
    made.save(folder)
    assert Calibration.load(folder) == made


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_no_hit_is_lost_between_bins(pairs: list[tuple[float, bool]]) -> None:
    said, relevant = zip(*pairs, strict=True)
    found = reliability(said, relevant)
    count, share = found.above(0.0)
    assert count == found.hits == len(pairs)
    assert share == pytest.approx(found.rate)
    assert 0 <= found.error <= 1
    assert 0 <= found.brier <= 1
