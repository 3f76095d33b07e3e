import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from vizsla.core.errors import DataError, SettingsError
from vizsla.core.hits import Hits, empty, from_rows, rank
from vizsla.core.vectors import Bitmap
from vizsla.data.judgements import Judgements
from vizsla.data.runs import Run
from vizsla.evaluating.calibrating import CalibrationSettings, calibrate, calibrate_run
from vizsla.retrievers.calibrated import Calibrated

QUERIES, PASSAGES = 400, 30


class Names:
    def many(self, positions: npt.NDArray[np.int64]) -> list[str]:
        return [f"p{position}" for position in positions.tolist()]


@dataclass(frozen=True)
class Scored:
    """Drawn scores: those of relevant passages are higher by what `apart` says."""

    apart: float = 3.0
    shift: float = 0.0

    def relevant(self, query: str) -> int:
        return int(query) % PASSAGES

    def scores(self, query: str) -> npt.NDArray[np.float32]:
        scores = np.random.default_rng(int(query)).normal(size=PASSAGES)
        scores[self.relevant(query)] += self.apart
        return (np.exp(scores) + self.shift).astype(np.float32)

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        rows = []
        for query in queries:
            positions = np.arange(PASSAGES) if allowed is None else np.flatnonzero(allowed)
            rows.append(rank(positions, self.scores(query)[positions], k))
        return from_rows(rows, k)


class Silent:
    """Finds nothing."""

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        assert allowed is None
        return empty(len(queries), k)


def judged(base: Scored, start: int = 0, count: int = QUERIES) -> Judgements:
    names = [str(number) for number in range(start, start + count)]
    return Judgements({name: name for name in names}, {name: {f"p{base.relevant(name)}": 1} for name in names})


def mean_loss(base: Scored, searcher: Calibrated, start: int) -> tuple[float, float]:
    """Log loss on other queries, and how far the mean probability is from the share that is relevant."""
    found = searcher.search([str(number) for number in range(start, start + 500)], 10)
    truth = found.positions == (np.arange(start, start + 500) % PASSAGES)[:, None]
    said = found.scores.astype(np.float64)
    return float(-np.log(np.where(truth, said, 1 - said)).mean()), float(abs(said.mean() - truth.mean()))


@pytest.mark.parametrize(("shift", "scale"), [(0.0, "log"), (-2.0, "plain")])
def test_what_is_recorded_holds_on_other_queries(shift: float, scale: str) -> None:
    base = Scored(shift=shift)
    made = calibrate(base, judged(base), Names(), of={"index": "x"}, data="drawn")
    assert (made.curve.scale, made.of, made.record["data"], made.record["queries"]) == (
        scale, {"index": "x"}, "drawn", QUERIES,
    )  # fmt: skip
    held_out = made.record["held_out"]
    loss, distance = mean_loss(base, Calibrated(base, made.curve), 10_000)
    assert held_out["log_loss"] < 0.7 * held_out["log_loss_of_rate"]
    assert loss == pytest.approx(held_out["log_loss"], abs=0.03)
    assert held_out["error"] < 0.02
    assert distance < 0.01


def test_what_is_recorded_is_of_queries_that_the_curve_did_not_see() -> None:
    base, few = Scored(apart=1.0), 8
    made = calibrate(base, judged(base, count=few), Names(), CalibrationSettings(folds=few))
    found = Calibrated(base, made.curve).search([str(number) for number in range(few)], 10)
    truth, said = found.positions == np.arange(few)[:, None], found.scores.astype(np.float64)
    seen = float(-np.log(np.where(truth, said, 1 - said)).mean())
    assert made.record["held_out"]["log_loss"] > seen + 0.005, "unseen queries are harder"


def test_the_same_queries_give_the_same_curve() -> None:
    base = Scored()
    settings = CalibrationSettings(queries=150, seed=5)
    one, other = (calibrate(base, judged(base), Names(), settings) for _ in range(2))
    assert one == other
    assert one.record["queries"] == 150
    assert calibrate(base, judged(base), Names(), CalibrationSettings(queries=150, seed=6)).curve != one.curve


def test_scores_that_mean_nothing_say_the_rate() -> None:
    base = Scored(apart=0.0)
    made = calibrate(base, judged(base), Names())
    held_out = made.record["held_out"]
    assert held_out["log_loss"] == pytest.approx(held_out["log_loss_of_rate"], abs=0.005)
    assert made.curve.slope < 0.2


def test_a_score_that_misleads_never_turns_the_order_round() -> None:
    base = Scored(apart=-1.0)
    made = calibrate(base, judged(base), Names())
    assert made.curve.slope == 0
    queries = [str(number) for number in range(50)]
    found, plain = Calibrated(base, made.curve).search(queries, 20), base.search(queries, 20)
    np.testing.assert_array_equal(found.positions, plain.positions)
    assert (np.diff(found.scores, axis=1) < 0).all()


def test_unjudged_hits_count_or_not() -> None:
    base = Scored()
    whole = judged(base)
    grades = {query: {**row, "p0": row.get("p0", 0), "p1": row.get("p1", 0)} for query, row in whole.grades.items()}
    some = Judgements(whole.queries, grades)
    assert calibrate(base, some, Names()).record["held_out"]["hits"] == 10 * QUERIES
    settings = CalibrationSettings(unjudged="left out")
    held_out = calibrate(base, some, Names(), settings).record["held_out"]
    assert held_out["hits"] < 3 * QUERIES
    assert held_out["rate"] > 0.4


def test_few_queries_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    base = Scored()
    with caplog.at_level(logging.WARNING, "vizsla"):
        made = calibrate(base, judged(base, count=3), Names())
    assert "found 3 judged queries with hits; from fewer than 100" in caplog.text
    assert made.record["held_out"]["hits"] == 30


def test_what_cannot_be_fitted_is_refused() -> None:
    base = Scored()
    none = Judgements({"1": "1", "2": "2"}, {"1": {"p29": 0}, "2": {"p29": 0}})
    every = Judgements({"1": "1", "2": "2"}, {name: {f"p{i}": 1 for i in range(PASSAGES)} for name in ("1", "2")})
    for data in (none, every, judged(base, count=1), Judgements({}, {}), Judgements({}, {"1": {"p1": 1}})):
        with pytest.raises(DataError, match="wanted at least 2 queries"):
            calibrate(base, data, Names())
    for settings in (CalibrationSettings(queries=1), CalibrationSettings(folds=1)):
        with pytest.raises(SettingsError, match="wanted at least 2 of each"):
            calibrate(base, judged(base), Names(), settings)
    with pytest.raises(DataError, match="0 hits"):
        calibrate(Silent(), judged(base), Names())


def scored(queries: int, seed: int = 0) -> tuple[Run, Judgements]:
    """A run whose scores alone say how likely a passage is: by 1 / (1 + exp(-(2 s - 1)))."""
    draw = np.random.default_rng(seed)
    scores = draw.normal(size=(queries, 8)).astype(np.float32)
    relevant = draw.random(scores.shape) < 1 / (1 + np.exp(1 - 2 * scores))
    names = [f"q{number}" for number in range(queries)]
    ids = [f"p{place}" for place in range(8)]
    run = Run("r", {name: list(zip(ids, row.tolist(), strict=True)) for name, row in zip(names, scores, strict=True)})
    grades = {
        name: {id_: int(right) for id_, right in zip(ids, row, strict=True)}
        for name, row in zip(names, relevant.tolist(), strict=True)
    }
    return run, Judgements({name: name for name in names}, grades)


def test_scores_that_stand_alone_are_fitted_without_their_rivals() -> None:
    run, judgements = scored(1000)
    run.rankings["unjudged"] = [("p0", 9.0)]
    run.rankings["q0"] = []
    made = calibrate_run(run, judgements, of={"contract": "c"}, data="drawn")
    curve = made.curve
    assert (curve.scale, curve.rival, curve.level) == ("plain", 0, 0)
    assert [curve.slope, curve.bias] == [pytest.approx(2, abs=0.15), pytest.approx(-1, abs=0.1)]
    assert (made.of, made.record["queries"], made.record["data"]) == ({"contract": "c"}, 999, "drawn")
    assert made.record["held_out"]["error"] < 0.03
    fewer = calibrate_run(run, judgements, CalibrationSettings(queries=300, seed=1))
    assert fewer.record["queries"] == 300
    assert fewer.curve != curve


def test_positive_scores_alone_keep_their_scale() -> None:
    run, judgements = scored(200)
    raised = Run("r", {query: [(id_, score + 10) for id_, score in row] for query, row in run.rankings.items()})
    assert calibrate_run(raised, judgements).curve.scale == "plain"


def test_a_run_of_other_queries_is_refused() -> None:
    with pytest.raises(DataError, match="0 judged queries"):
        calibrate_run(Run("r", {"other": [("p0", 1.0)]}), scored(5)[1])
