import logging
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pytest

from vizsla.core.errors import DataError, SettingsError, ShapeError
from vizsla.core.hits import Hits, empty, rank
from vizsla.data.judgements import Judgements
from vizsla.data.runs import Run
from vizsla.evaluating import fusing
from vizsla.evaluating.fusing import FITTED, Found, FusingSettings, Way, fit_fusion
from vizsla.evaluating.measuring import evaluate, measure
from vizsla.retrievers.fusion import ReciprocalRank, Rule, WeightedSum, fuse
from vizsla.retrievers.pipeline import parse
from vizsla.retrievers.steps import ReciprocalRanks, WeightedScores

from ..retrievers.tables import Table  # noqa: TID252  # test folders are no packages

PASSAGES = 60


class Names:
    def many(self, positions: npt.NDArray[np.int64]) -> list[str]:
        return [f"p{position}" for position in positions.tolist()]


def drawn(signals: Mapping[str, float], queries: int = 200, seed: int = 0) -> tuple[dict[str, Table], Judgements]:
    """Tables whose scores hold so much of what is relevant, each on a scale of its own, and judgements."""
    draw = np.random.default_rng(seed)
    grades = (draw.random((queries, PASSAGES)) < 0.05) * draw.integers(1, 4, (queries, PASSAGES))
    tables = {}
    for scale, (name, signal) in enumerate(signals.items()):
        scores = (draw.normal(size=grades.shape) + signal * grades) * 10.0**scale
        scores[draw.random(grades.shape) < 0.3] = np.nan
        tables[name] = Table(scores.astype(np.float32))
    judged = {
        str(query): {
            f"p{place}": int(grades[query, place]) for place in range(PASSAGES) if place < 3 or grades[query, place]
        }
        for query in range(queries)
    }
    return tables, Judgements({query: query for query in judged}, judged)


def test_two_that_know_different_things_are_better_together() -> None:
    tables, judgements = drawn({"bm25": 0.8, "dense": 0.8})
    fitted = fit_fusion(Found.search(tables, judgements, depth=30), judgements, Names())
    means = fitted.comparison.means["nDCG@10"]
    even = ["rrf(bm25, dense)", "weighted(bm25, dense)", "weighted(bm25, dense, norm=zscore)"]
    assert list(means) == ["bm25", "dense", *even, FITTED]
    assert means[FITTED] > max(means["bm25"], means["dense"]) + 0.03
    assert fitted.pipeline.stages() == ("bm25", "dense")
    assert isinstance(fitted.pipeline.source, WeightedScores)
    assert fitted.pipeline.source.depth == 30
    assert abs(fitted.pipeline.source.weights[0] - 0.5) <= 0.2
    assert len(fitted.parts) == 5
    assert (fitted.gain.baseline, fitted.gain.run) == ("rrf(bm25, dense)", FITTED)
    assert fitted.gain.difference == pytest.approx(means[FITTED] - means["rrf(bm25, dense)"])
    assert fitted.gain.low < fitted.gain.difference < fitted.gain.high


def test_one_that_knows_nothing_is_left_out_and_rrf_is_beaten() -> None:
    tables, judgements = drawn({"bm25": 0.0, "dense": 2.0})
    fitted = fit_fusion(Found.search(tables, judgements, depth=30), judgements, Names())
    assert fitted.gain.low > 0
    other = next(one for one in fitted.comparison.contrasts if (one.baseline, one.run) == ("dense", FITTED))
    assert abs(other.difference) < 0.02
    source = fitted.pipeline.source
    assert source == "dense" or (isinstance(source, WeightedScores) and source.weights[1] > 0.8)


RULES: list[tuple[Way, Callable[[tuple[float, ...]], Rule]]] = [
    ("minmax", WeightedSum),
    ("zscore", lambda weights: WeightedSum(weights, "zscore")),
    ("rrf", ReciprocalRank),
]


@pytest.mark.parametrize(("way", "rule"), RULES)
def test_figures_are_those_of_the_measures_and_of_the_fusion(
    way: Way, rule: Callable[[tuple[float, ...]], Rule]
) -> None:
    tables, judgements = drawn({"bm25": 0.5, "dense": 1.0, "sparse": 0.3}, queries=60)
    found = Found.search(tables, judgements, depth=25)
    fitted = fit_fusion(found, judgements, Names(), FusingSettings((way,), cutoff=5))
    grades, ideal = fusing._grades(found, judgements, Names(), 5)
    block = fusing._Block.of(fusing._RULES[way], list(found.hits.values()), grades)
    for weights in ((0.2, 0.5, 0.3), (0.0, 1.0, 0.0), (0.0, 0.5, 0.5)):
        wanted = measured(fuse(list(found.hits.values()), rule(weights), 25), found, judgements)
        np.testing.assert_allclose(block.ndcg(weights, ideal, 5), wanted, atol=1e-12)
    means = fitted.comparison.means["nDCG@5"]
    alone = evaluate(tables["dense"], judgements, "nDCG@5", Names()).means["nDCG@5"]
    assert means["dense"] == pytest.approx(alone)
    for name in [name for name in means if name.endswith(")")]:
        even = parse(f"{name[:-1]}, depth=25)").make(tables, {}, NoTexts())
        assert means[name] == pytest.approx(evaluate(even, judgements, "nDCG@5", Names()).means["nDCG@5"])
    assert isinstance(fitted.pipeline.source, ReciprocalRanks if way == "rrf" else WeightedScores)


def measured(hits: Hits, found: Found, judgements: Judgements) -> list[float]:
    rows = [hits.row(row) for row in range(len(hits))]
    rankings = {
        query: list(zip(Names().many(positions), scores.tolist(), strict=True))
        for query, (positions, scores) in zip(found.queries, rows, strict=True)
    }
    return list(measure(Run("fused", rankings), judgements, "nDCG@5").values["nDCG@5"].values())


def test_what_is_reported_was_not_fitted_on() -> None:
    """Where nothing is to be learned, the best of many weights looks good on its own queries, and only there."""
    tables, judgements = drawn({"bm25": 0.0, "dense": 0.0, "sparse": 0.0}, queries=40, seed=3)
    found = Found.search(tables, judgements, depth=30)
    fitted = fit_fusion(found, judgements, Names())
    retriever = fitted.pipeline.make(tables, {}, NoTexts())
    on_its_own = evaluate(retriever, judgements, "nDCG@10", Names()).means["nDCG@10"]
    assert fitted.comparison.means["nDCG@10"][FITTED] < on_its_own - 0.01
    assert len(set(fitted.parts)) > 1


class NoTexts:
    def texts(self, positions: object) -> list[str | tuple[str, str]]:
        raise AssertionError(positions)


def test_the_seed_decides() -> None:
    tables, judgements = drawn({"bm25": 0.5, "dense": 0.5}, queries=60)
    found = Found.search(tables, judgements)
    first, again = (fit_fusion(found, judgements, Names(), FusingSettings(seed=1)) for _ in range(2))
    other = fit_fusion(found, judgements, Names(), FusingSettings(seed=2))
    assert first == again
    assert first.pipeline == other.pipeline
    assert first.gain != other.gain


@pytest.mark.parametrize("bases", [2, 3, 4, 5, 6])
def test_the_grid_covers_all_weights(bases: int) -> None:
    points = list(fusing._grid(bases))
    assert len(points) == len(set(points)) <= 300
    assert all(sum(point) == pytest.approx(1, abs=1e-5) and min(point) >= 0 for point in points)
    corners = [tuple(float(at == one) for at in range(bases)) for one in range(bases)]
    assert set(corners) <= set(points)
    assert max(points[0]) - min(points[0]) <= 0.35  # the most even first
    assert sorted(points[-bases:]) == sorted(corners)


def test_queries_that_find_nothing_count_0() -> None:
    tables, judgements = drawn({"a": 1.0, "b": 1.0}, queries=20)
    hits = {name: table.search(list(judgements.queries), 10) for name, table in tables.items()}
    silent = {name: Hits(each.positions.copy(), each.scores.copy()) for name, each in hits.items()}
    for each in silent.values():
        each.positions[10:] = -1
        each.scores[10:] = -np.inf
    full = fit_fusion(Found(tuple(judgements.queries), hits), judgements, Names(), FusingSettings(("rrf",)))
    half = fit_fusion(Found(tuple(judgements.queries), silent), judgements, Names(), FusingSettings(("rrf",)))
    name = "rrf(a, b)"
    assert half.comparison.means["nDCG@10"][name] < full.comparison.means["nDCG@10"][name]
    nothing = Found(tuple(judgements.queries), {"a": empty(20, 5), "b": empty(20, 5)})
    assert set(fit_fusion(nothing, judgements, Names()).comparison.means["nDCG@10"].values()) == {0.0}


def test_few_queries_are_said(caplog: pytest.LogCaptureFixture) -> None:
    tables, judgements = drawn({"a": 1.0, "b": 1.0}, queries=20)
    with caplog.at_level(logging.WARNING, "vizsla"):
        fit_fusion(Found.search(tables, judgements), judgements, Names())
    assert "found 20 queries to fit weights on" in caplog.text


def test_what_cannot_be_fitted() -> None:
    tables, judgements = drawn({"a": 1.0, "b": 1.0}, queries=6)
    found = Found.search(tables, judgements)
    with pytest.raises(SettingsError, match="unknown way to fuse 'mean'"):
        fit_fusion(found, judgements, Names(), FusingSettings(("mean",)))  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="folds=1"):
        fit_fusion(found, judgements, Names(), FusingSettings(folds=1))
    with pytest.raises(DataError, match="6 queries, 0 of them"):
        fit_fusion(found, judgements, Names(), FusingSettings(folds=7))
    with pytest.raises(DataError, match="6 queries, 6 of them without"):
        fit_fusion(found, Judgements({}, {}), Names())
    with pytest.raises(SettingsError, match="hits of 1 retrievers"):
        Found.search({"a": tables["a"]}, judgements)
    with pytest.raises(SettingsError, match="found 'c'"):
        Found.search({"a": tables["a"], "b c": tables["b"]}, judgements)
    with pytest.raises(ShapeError, match="'b' for 2 queries"):
        Found(("1",), {"a": empty(1, 2), "b": empty(2, 2)})
    with pytest.raises(DataError, match="1 judged queries without a text"):
        Found.search(tables, Judgements({}, {"x": {"p": 1}}))


def test_ties_stand_as_rank_puts_them() -> None:
    hits = Hits(np.array([[4, 2, 9]]), np.array([[1.0, 1.0, 1.0]], np.float32))
    block = fusing._Block.of(fusing._RULES["minmax"], [hits], [{9: 1}])
    assert rank(hits.positions[0], hits.scores[0], 3)[0].tolist() == [2, 4, 9]
    assert block.ndcg((1.0,), np.ones(1), 10).tolist() == [0.5]  # third: 1 / log2(4)
    assert block.ndcg((1.0,), np.ones(1), 2).tolist() == [0.0]


def test_a_base_of_weight_0_brings_no_passage_to_the_fit() -> None:
    parts = [Hits(np.array([[place]]), np.ones((1, 1), np.float32)) for place in (0, 1)]
    block = fusing._Block.of(fusing._RULES["minmax"], parts, [{1: 1}])
    assert block.ndcg((1.0, 0.0), np.ones(1), 10).tolist() == [0.0]
    assert block.ndcg((0.5, 0.5), np.ones(1), 10).tolist() == pytest.approx([1 / np.log2(3)])
