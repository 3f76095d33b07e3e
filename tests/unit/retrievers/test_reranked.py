from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from vizsla.core.errors import SettingsError, ShapeError
from vizsla.core.protocols import Text
from vizsla.retrievers import reranked
from vizsla.retrievers.reranked import Reranked, Tail

from .tables import Scorer, Texts, listed, scorer, table

BASE = table([9.0, 8.0, 7.0, 6.0, 5.0, 4.0], [None, 1.0, None, 2.0, None, None], [None] * 6)
JUDGE = scorer([0.0, 5.0, 5.0, -1.0, 9.0, 9.0], [0.0, 1.0, 0.0, -2.0, 0.0, 0.0], [0.0] * 6)


PAIR_S = 1 / 64  # sums of it are exact


class Clock:
    """Time that only the work of `Slow` moves on."""

    def __init__(self) -> None:
        self.now = 50.0

    def perf_counter(self) -> float:
        return self.now


class Slow:
    """Takes so many seconds for a pair of each position, as `Texts` gives it."""

    def __init__(self, clock: Clock, seconds: Sequence[float]) -> None:
        self.clock, self.seconds = clock, seconds
        self.calls: list[list[tuple[str, str]]] = []

    def score(self, pairs: Sequence[tuple[str, Text]]) -> npt.NDArray[np.float32]:
        self.calls.append([(query, str(text)) for query, text in pairs])
        self.clock.now += sum(self.seconds[int(str(text))] for _, text in pairs)
        return np.array([int(str(text)) for _, text in pairs], np.float32)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(reranked, "time", SimpleNamespace(perf_counter=made.perf_counter))
    return made


def test_the_first_are_ordered_anew_and_the_rest_stay_below() -> None:
    hits = Reranked(BASE, JUDGE, Texts(), depth=3).search(["0"], 6)
    assert [position for position, _ in listed(hits)] == [1, 2, 0, 3, 4, 5]
    scores = [score for _, score in listed(hits)]
    assert scores[:3] == [5.0, 5.0, 0.0]
    assert all(low == np.nextafter(np.float32(high), np.float32(-np.inf)) for high, low in pairwise(scores[2:]))


def test_the_rest_is_cut_where_that_is_wished() -> None:
    hits = Reranked(BASE, JUDGE, Texts(), depth=3, tail="cut").search(["0", "1", "2"], 6)
    assert listed(hits) == [(1, 5.0), (2, 5.0), (0, 0.0)]
    assert listed(hits, 1) == [(1, 1.0), (3, -2.0)]
    assert listed(hits, 2) == []
    assert hits.positions.shape == (3, 6)


@pytest.mark.parametrize("tail", ["keep", "cut"])
@pytest.mark.parametrize("k", [1, 2, 3, 5, 9])
def test_fewer_are_the_best_of_more(tail: Tail, k: int) -> None:
    wide = Reranked(BASE, JUDGE, Texts(), depth=4, tail=tail).search(["0", "1"], 20)
    few = Reranked(BASE, JUDGE, Texts(), depth=4, tail=tail).search(["0", "1"], k)
    np.testing.assert_array_equal(wide.top(k).positions, few.positions)
    np.testing.assert_array_equal(wide.top(k).scores, few.scores)


def test_many_queries_are_one_call_and_a_text_is_fetched_once() -> None:
    judge, texts = Scorer(JUDGE.scores), Texts()
    Reranked(BASE, judge, texts, depth=4).search(["0", "1", "2", "0"], 2)
    assert judge.calls == [4 + 2 + 0 + 4]
    assert texts.asked == [[0, 1, 2, 3]]


def test_nothing_found_asks_nothing() -> None:
    judge = Scorer(JUDGE.scores)
    assert listed(Reranked(BASE, judge, Texts()).search(["2"], 3)) == []
    assert listed(Reranked(BASE, judge, Texts(), budget_ms=5.0).search(["2"], 3)) == []
    assert Reranked(BASE, judge, Texts(), budget_ms=5.0).search([], 3).positions.shape == (0, 3)
    assert judge.calls == []


@pytest.mark.parametrize(
    ("score", "said"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (2e38, "within 1e38")]
)
def test_scores_that_are_no_numbers_are_refused(score: float, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        Reranked(BASE, scorer([0.0, score] + [0.0] * 4), Texts()).search(["0"], 3)


def test_a_score_for_every_pair_or_none() -> None:
    class Short:
        def score(self, pairs: Sequence[tuple[str, Text]]) -> npt.NDArray[np.float32]:
            return np.zeros(len(pairs) - 1, np.float32)

    with pytest.raises(ShapeError, match=r"shape \(5,\) for 6 pairs"):
        Reranked(BASE, Short(), Texts()).search(["0"], 3)


def test_as_many_as_fit_the_budget_and_the_trace_says_so(clock: Clock) -> None:
    slow = Slow(clock, [PAIR_S] * 40)
    base = table([float(40 - place) for place in range(40)])
    trace = Reranked(base, slow, Texts(), depth=30, budget_ms=20e3 * PAIR_S).trace(["0"], 40)
    assert [len(call) for call in slow.calls] == [1, 9, 5, 2, 1, 1]  # half of what the time left is enough for
    assert [stage.name for stage in trace.stages] == ["Table", "rerank"]
    assert trace.stages[-1].note == "19 of 30 fitted the budget"
    positions = [position for position, _ in listed(trace.hits)]
    assert positions == [*range(18, -1, -1), *range(19, 40)]


def test_a_generous_budget_reads_all_and_a_tiny_one_the_first(clock: Clock) -> None:
    base = table([3.0, 2.0, 1.0])
    all_, one = Slow(clock, [0.01] * 3), Slow(clock, [0.01] * 3)
    found = Reranked(base, all_, Texts(), budget_ms=1e6).trace(["0"], 3)
    assert found.stages[-1].note == "3 of 3 fitted the budget"
    found = Reranked(base, one, Texts(), budget_ms=1.0).trace(["0"], 3)
    assert found.stages[-1].note == "1 of 3 fitted the budget"
    assert [position for position, _ in listed(found.hits)] == [0, 1, 2]


def test_a_reranker_that_takes_no_time_by_the_clock_reads_all(clock: Clock) -> None:
    assert (
        Reranked(BASE, Slow(clock, [0.0] * 6), Texts(), budget_ms=1.0)
        .trace(["0"], 3)
        .stages[-1]
        .note.startswith("6 of 6")
    )


def test_a_budget_is_shared_by_the_ranks_of_all_queries(clock: Clock) -> None:
    base = table([3.0, 2.0, 1.0], [1.0, 2.0, None], [None] * 3)
    slow = Slow(clock, [PAIR_S] * 3)
    Reranked(base, slow, Texts(), budget_ms=2.5e3 * PAIR_S).search(["0", "1", "2"], 3)
    assert slow.calls == [[("0", "0"), ("1", "1")], [("0", "1")], [("1", "0")]]


def test_texts_are_part_of_the_budget(clock: Clock) -> None:
    class Far(Texts):
        def texts(self, positions: Sequence[int] | npt.NDArray[np.int64]) -> list[Text]:
            clock.now += 1.0
            return super().texts(positions)

    slow = Slow(clock, [0.001] * 6)
    note = Reranked(BASE, slow, Far(), budget_ms=900.0).trace(["0"], 3).stages[-1].note
    assert note == "1 of 6 fitted the budget"


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"depth": 0}, "depth 0"), ({"budget_ms": 0.0}, "0.0 ms"), ({"budget_ms": float("nan")}, "nan ms"),
     ({"tail": "drop"}, "keep, cut")],
)  # fmt: skip
def test_what_cannot_be_reranked(settings: dict[str, float], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Reranked(BASE, JUDGE, Texts(), **settings)  # type: ignore[arg-type]
