from collections.abc import Sequence

import numpy as np
import pytest

from vizsla.core.errors import SettingsError, ShapeError
from vizsla.core.protocols import Stage, Trace
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.aggregated import Aggregated, How
from vizsla.retrievers.fused import Fused

from .tables import Table, listed, table

PARENTS = np.array([7, 7, 2, -1, 2, -1])
BASE = table([6.0, 5.0, 4.0, 3.0, 2.5, 1.0], [None, 1.0, None, None, 2.0, None], [None] * 6)


def test_a_parent_scores_as_its_best_passage_does() -> None:
    hits = Aggregated(BASE, PARENTS).search(["0", "1", "2"], 5)
    assert listed(hits) == [(0, 6.0), (2, 4.0), (3, 3.0), (5, 1.0)]
    assert listed(hits, 1) == [(4, 2.0), (1, 1.0)]
    assert listed(hits, 2) == []
    assert hits.positions.shape == (3, 5)


def test_a_parent_scores_the_sum_of_its_passages() -> None:
    hits = Aggregated(BASE, PARENTS, "sum").search(["0", "1"], 5)
    assert listed(hits) == [(0, 11.0), (2, 6.5), (3, 3.0), (5, 1.0)]
    assert listed(hits, 1) == [(4, 2.0), (1, 1.0)]


def test_the_sum_is_over_as_many_passages_as_the_depth_says() -> None:
    hits = Aggregated(BASE, PARENTS, "sum", depth=3).search(["0"], 3)
    assert listed(hits) == [(0, 11.0), (2, 4.0)]


def test_equal_parents_stand_in_the_order_of_their_passages() -> None:
    base = table([1.0, 1.0, 3.0, 2.0, 2.0])
    parents = np.array([5, 5, 4, 4, 5])  # 5 by 2 + 1 + 1 through passage 4, 4 by 3 + 2
    assert listed(Aggregated(base, np.array([0, 1, 2, 3, 3]), "sum").search(["0"], 3)) == [(3, 4.0), (2, 3.0), (0, 1.0)]
    assert listed(Aggregated(base, parents, "sum").search(["0"], 3)) == [(2, 5.0), (4, 4.0)]
    assert listed(Aggregated(table([1.0, 1.0]), np.array([1, 0])).search(["0"], 3)) == [(0, 1.0), (1, 1.0)]


def test_it_searches_deeper_until_there_are_enough() -> None:
    base = table([float(200 - place) for place in range(200)], [1.0, 1.0, 1.0, *[None] * 197])
    parents = np.array([0] * 20 + [1] * 60 + list(range(2, 122)))
    aggregated = Aggregated(base, parents, depth=10, name="parents(max)")
    trace = aggregated.trace(["0", "1"], 4)
    assert base.asked == [(("0", "1"), 10), (("0",), 40), (("0",), 160)]
    assert [position for position, _ in listed(trace.hits)] == [0, 20, 80, 81]
    assert [(stage.name, stage.hits.positions.shape) for stage in trace.stages] == [
        ("Table", (2, 160)),
        ("parents(max)", (2, 4)),
    ]
    assert trace.stages[0].hits.counts().tolist() == [160, 3]
    assert trace.stages[-1].note == "searched 160 deep"


class Timed(Table):
    """Takes a second a hit that it is asked for."""

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
        found = self.search(queries, k, allowed)
        return Trace(found, (Stage("timed", found, float(k)),))


def test_the_seconds_of_all_searches_are_told() -> None:
    base = Timed(table([float(200 - place) for place in range(200)]).scores)
    trace = Aggregated(base, np.array([0] * 80 + list(range(120))), depth=10).trace(["0"], 4)
    assert trace.stages[0].seconds == 10 + 40 + 160


def test_it_ends_where_there_is_no_more() -> None:
    base = table([float(30 - place) for place in range(30)])
    found = Aggregated(base, np.zeros(30, np.int64), depth=2).search(["0"], 5)
    assert listed(found) == [(0, 30.0)]
    assert [k for _, k in base.asked] == [5, 20, 31]


@pytest.mark.parametrize("how", ["max", "sum"])
def test_no_queries(how: How) -> None:
    assert Aggregated(BASE, PARENTS, how).search([], 3).positions.shape == (0, 3)


def test_stages_of_a_fused_base_stay_beside_each_other() -> None:
    base = table([float(30 - place) for place in range(30)], [1.0] + [None] * 29)
    trace = Aggregated(Fused((base, base), depth=2), np.zeros(30, np.int64), depth=2).trace(["1", "0"], 2)
    assert [stage.name for stage in trace.stages] == ["Table", "Table", "rrf", "parents"]
    assert [stage.hits.counts().tolist() for stage in trace.stages] == [[1, 30], [1, 30], [1, 30], [1, 1]]


def test_what_cannot_be_aggregated() -> None:
    with pytest.raises(SettingsError, match="'mean' at depth 100"):
        Aggregated(BASE, PARENTS, "mean")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="depth 0"):
        Aggregated(BASE, PARENTS, depth=0)
    with pytest.raises(ShapeError, match="position 5 and parents of 3 passages"):
        Aggregated(BASE, PARENTS[:3]).search(["0"], 1)
    with pytest.raises(ShapeError, match="k=0"):
        Aggregated(BASE, PARENTS).search(["0"], 0)
