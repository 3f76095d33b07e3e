from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from vizsla.core.errors import SettingsError
from vizsla.core.hits import Hits, from_rows
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.thresholded import Thresholded


@dataclass(frozen=True)
class Fixed:
    """Finds the same passages for every query, those that are allowed."""

    scores: tuple[float, ...]

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        kept = [place for place in range(len(self.scores)) if allowed is None or allowed[place]][:k]
        row = (np.array(kept, np.int64), np.array([self.scores[place] for place in kept], np.float32))
        return from_rows([row] * len(queries), k)


BASE = Fixed((3.0, 2.5, 2.5, 0.0, -1.0))


@pytest.mark.parametrize(
    ("least", "count"),
    [(4.0, 0), (3.0, 1), (2.5, 3), (2.4999, 3), (0.0, 4), (-1.0, 5), (float("-inf"), 5), (float("inf"), 0)],
)
def test_what_scores_enough_stays_in_its_place(least: float, count: int) -> None:
    whole, found = BASE.search(["a", "b"], 6), Thresholded(BASE, least).search(["a", "b"], 6)
    assert found.positions.shape == (2, 6)
    assert (found.positions.dtype.name, found.scores.dtype.name) == ("int64", "float32")
    assert found.counts().tolist() == [count, count]
    for row in (0, 1):
        assert found.row(row)[0].tolist() == whole.row(row)[0].tolist()[:count]
        assert found.row(row)[1].tolist() == whole.row(row)[1].tolist()[:count]
    assert set(found.scores[:, count:].ravel().tolist()) == {float("-inf")}


def test_what_is_not_allowed_stays_out() -> None:
    allowed = np.array([False, True, False, True, True])
    assert Thresholded(BASE, 0.0).search(["a"], 3, allowed).positions.tolist() == [[1, 3, -1]]


def test_no_number_is_no_threshold() -> None:
    with pytest.raises(SettingsError, match="NaN"):
        Thresholded(BASE, float("nan"))


def test_a_trace_says_how_many_scored_enough() -> None:
    trace = Thresholded(BASE, 2.5, "min_score(2.5)").trace(["a", "b"], 4)
    assert [(stage.name, stage.hits.counts().tolist()) for stage in trace.stages] == [
        ("Fixed", [4, 4]),
        ("min_score(2.5)", [3, 3]),
    ]
    assert trace.stages[-1].note == "6 of 8 scored enough"
    assert trace.hits is trace.stages[-1].hits
