"""Fusing: hits of several retrievers and judgements to the weights under which they are best fused.

A grid over the weights, and over the ways to fuse, by nDCG on hits that were found once. What the fit
is worth is measured on queries that it did not see: each part of the queries is ranked by weights
fitted on the others. Refuses to know files, and to search more than once.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import DataError, SettingsError, ShapeError
from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever
from vizsla.data.judgements import Judgements
from vizsla.evaluating.compare import Comparison, Contrast, compare
from vizsla.evaluating.measuring import Measured
from vizsla.evaluating.running import PassageIds
from vizsla.retrievers.fusion import Doubles, ReciprocalRank, Rule, WeightedSum, gather
from vizsla.retrievers.pipeline import parse
from vizsla.retrievers.steps import Pipeline, ReciprocalRanks, WeightedScores

FITTED = "fitted, on queries held out"
Way: TypeAlias = Literal["rrf", "minmax", "zscore"]
Weights: TypeAlias = tuple[float, ...]

_RULES: dict[Way, Rule] = {"rrf": ReciprocalRank(), "minmax": WeightedSum(), "zscore": WeightedSum(norm="zscore")}
_EVEN: dict[Way, str] = {"rrf": "rrf({})", "minmax": "weighted({})", "zscore": "weighted({}, norm=zscore)"}
_POINTS = 300  # of the grid at most: steps of 1/20 for two or three retrievers, 1/10 for four
_FINEST = 20
_LEAST = 2
_ENOUGH = 50  # queries
_AT_ONCE = 256
_ROUNDING = 1e-12
_log = logging.getLogger("vizsla")


@dataclass(frozen=True, slots=True)
class FusingSettings:
    """How weights are fitted.

    Attributes:
        ways: to fuse, of which the best is taken: `rrf`, and sums of scores normalised by `minmax` or `zscore`.
        cutoff: of the nDCG that is fitted and reported.
        folds: in how many parts the queries are held out.
        seed: of the division into parts.
    """

    ways: tuple[Way, ...] = ("minmax", "zscore", "rrf")
    cutoff: int = 10
    folds: int = 5
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What several retrievers found for the same queries.

    Attributes:
        queries: ids, a row of hits each.
        hits: by the retriever's pipeline, which may be the name of a stage alone.

    Raises:
        ShapeError: hits of another number of queries.
        SettingsError: fewer than two retrievers, or a name that is no pipeline.
    """

    queries: tuple[str, ...]
    hits: Mapping[str, Hits]

    def __post_init__(self) -> None:
        if len(self.hits) < _LEAST:
            raise SettingsError(f"found hits of {len(self.hits)} retrievers; wanted at least {_LEAST} to fuse")
        for name, hits in self.hits.items():
            parse(name)
            if len(hits) != len(self.queries):
                raise ShapeError(f"found hits of '{name}' for {len(hits)} queries; wanted {len(self.queries)}")

    @classmethod
    def search(cls, retrievers: Mapping[str, Retriever], judgements: Judgements, *, depth: int = 100) -> "Found":
        """Search every judged query with every retriever.

        Args:
            retrievers: by pipeline, which may be the name of a stage alone.
            judgements: queries and grades.
            depth: how many hits of each are fused, later as in the fit.

        Raises:
            DataError: a judged query without a text.
        """
        queries = [query for query, grades in judgements.grades.items() if grades]
        textless = [query for query in queries if query not in judgements.queries]
        if textless:
            count = f"{len(textless)} judged queries without a text, the first '{textless[0]}'"
            raise DataError(f"found {count}; wanted a text for each: give the queries' file with the judgements")
        texts = [judgements.queries[query] for query in queries]
        return cls(tuple(queries), {name: _searched(one, texts, depth) for name, one in retrievers.items()})


@dataclass(frozen=True, slots=True)
class FittedFusion:
    """Fitted weights, and what they are worth.

    Attributes:
        pipeline: the fusion, fitted on all queries; a retriever that it gives no weight is left out.
        parts: what was fitted while each part of the queries was held out; far apart means uncertain.
        comparison: each retriever alone, all of them with equal weights by rrf and by every other way that
            was tried, and `FITTED`: each query as the weights rank it that were fitted without its part.
    """

    pipeline: Pipeline
    parts: tuple[Pipeline, ...]
    comparison: Comparison

    @property
    def gain(self) -> Contrast:
        """What fitting gains over rrf without weights, on queries held out, with its interval."""
        return next(one for one in self.comparison.contrasts if one.run == FITTED and one.baseline.startswith("rrf("))


def fit_fusion(
    found: Found, judgements: Judgements, ids: PassageIds, settings: FusingSettings | None = None
) -> FittedFusion:
    """Fit weights on judged queries, which must be none of those that are measured on later.

    Of equal ways and weights the first way is taken, and the most even weights.

    Args:
        found: hits of two or more retrievers.
        judgements: the grades; a query of `found` without any is an error.
        ids: the ids of the passages the retrievers search.
        settings: what is tried.

    Raises:
        SettingsError: settings that cannot be.
        DataError: fewer queries than parts, or a query without a judgement.
    """
    wanted = settings or FusingSettings()
    _check(found, judgements, wanted)
    names, parts = list(found.hits), list(found.hits.values())
    gains, ideal = _grades(found, judgements, ids, wanted.cutoff)
    ways: list[Way] = ["rrf", *(way for way in wanted.ways if way != "rrf")]
    blocks = {way: _Block.of(_RULES[way], parts, gains) for way in ways}
    grid = list(_grid(len(parts)))
    choices = [(way, weights) for way in wanted.ways for weights in grid]
    values = np.array([blocks[way].ndcg(weights, ideal, wanted.cutoff) for way, weights in choices])
    fold = np.random.default_rng(wanted.seed).permutation(len(found.queries)) % wanted.folds
    chosen = [_best(values[:, fold != part]) for part in range(wanted.folds)]
    held_out = np.array([values[chosen[part], query] for query, part in enumerate(fold.tolist())])

    pipelines = [_pipeline(*choices[at], found) for at in (_best(values), *chosen)]
    alone = [tuple(float(at == one) for at in range(len(names))) for one in range(len(names))]
    runs = {name: blocks["rrf"].ndcg(weights, ideal, wanted.cutoff) for name, weights in zip(names, alone, strict=True)}
    even = (1.0,) * len(names)
    runs |= {_EVEN[way].format(", ".join(names)): blocks[way].ndcg(even, ideal, wanted.cutoff) for way in ways}
    runs[FITTED] = held_out
    measure = f"nDCG@{wanted.cutoff}"
    measured = [
        Measured(name, {measure: dict(zip(found.queries, each.tolist(), strict=True))}) for name, each in runs.items()
    ]
    return FittedFusion(pipelines[0], tuple(pipelines[1:]), compare(measured, judgements, all_pairs=True))


@dataclass(frozen=True, slots=True)
class _Block:
    """Every query's candidates under one rule, padded to the same number: (queries, candidates, bases).

    Attributes:
        worth: what each base adds at weight 1.
        found: whether the base found the candidate.
        relevant: the rows and columns of the candidates with a grade above 0: (m,) each.
        gains: their grades: (m,).
    """

    worth: Doubles
    found: npt.NDArray[np.bool_]
    relevant: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    gains: Doubles

    @classmethod
    def of(cls, rule: Rule, parts: Sequence[Hits], grades: Sequence[Mapping[int, int]]) -> "_Block":
        rows = [gather(rule, [part.row(query) for part in parts]) for query in range(len(grades))]
        shape = len(rows), max((len(row.positions) for row in rows), default=0), len(parts)
        worth, found = np.zeros(shape), np.zeros(shape, np.bool_)
        gains = np.zeros(shape[:2])
        for query, (row, judged) in enumerate(zip(rows, grades, strict=True)):
            count = len(row.positions)
            worth[query, :count], found[query, :count] = row.worth, row.found
            gains[query, :count] = [judged.get(position, 0) for position in row.positions.tolist()]
        judged_rows, columns = np.nonzero(gains > 0)
        relevant = judged_rows.astype(np.int64), columns.astype(np.int64)
        return cls(worth, found, relevant, gains[relevant])

    def ndcg(self, weights: Weights, ideal: Doubles, cutoff: int) -> Doubles:
        """Every query's nDCG: (queries,).

        A relevant candidate's rank is how many candidates stand before it: those of a higher score, and
        those of the same score and a lower position. Columns stand in rising position.
        """
        total = np.zeros(self.worth.shape[:2])
        for base, weight in enumerate(weights):
            total += weight * self.worth[..., base]
        counting = np.array(weights) > 0
        scores = np.where(self.found[..., counting].any(axis=-1), total.astype(np.float32), np.float32(-np.inf))
        sums = np.zeros(len(scores))
        for begin in range(0, len(self.gains), _AT_ONCE):
            rows, columns = (each[begin : begin + _AT_ONCE] for each in self.relevant)
            own = scores[rows, columns][:, None]
            before = np.arange(scores.shape[1]) < columns[:, None]
            ranks = 1 + ((scores[rows] > own) | ((scores[rows] == own) & before)).sum(axis=1)
            seen = (ranks <= cutoff) & np.isfinite(own[:, 0])
            np.add.at(sums, rows[seen], self.gains[begin : begin + _AT_ONCE][seen] / np.log2(1 + ranks[seen]))
        return np.divide(sums, ideal, out=np.zeros(len(sums)), where=ideal > 0)


def _grades(found: Found, judgements: Judgements, ids: PassageIds, cutoff: int) -> tuple[list[dict[int, int]], Doubles]:
    """Each query's grades above 0 by position, and what a perfect ranking would gain: (queries,)."""
    grades, ideal = [], np.zeros(len(found.queries))
    for row, query in enumerate(found.queries):
        positions = np.unique(np.concatenate([hits.row(row)[0] for hits in found.hits.values()]))
        judged = judgements.grades[query]
        named = zip(positions.tolist(), ids.many(positions), strict=True)
        grades.append({position: judged[id_] for position, id_ in named if judged.get(id_, 0) > 0})
        best = np.array(sorted((grade for grade in judged.values() if grade > 0), reverse=True)[:cutoff], np.float64)
        ideal[row] = (best / np.log2(np.arange(len(best)) + 2)).sum()
    return grades, ideal


def _grid(bases: int) -> Iterator[Weights]:
    """Points spread evenly over all weights that sum to 1, the most even ones first."""
    steps = _FINEST
    while steps > 1 and _points(bases, steps) > _POINTS:
        steps -= 1
    points = [
        tuple(right - left - 1 for left, right in zip((-1, *cut), (*cut, steps + bases - 1), strict=True))
        for cut in combinations(range(steps + bases - 1), bases - 1)
    ]
    for point in sorted(points, key=lambda point: (sum(each * each for each in point), point)):
        yield tuple(round(each / steps, 6) for each in point)


def _points(bases: int, steps: int) -> int:
    count = 1
    for base in range(1, bases):
        count = count * (steps + base) // base
    return count


def _best(values: Doubles) -> int:
    """The first row of the highest mean, but for rounding."""
    means = values.mean(axis=1)
    return int(np.argmax(means >= means.max() - _ROUNDING))


def _pipeline(way: Way, weights: Weights, found: Found) -> Pipeline:
    used = [(parse(name), weight) for name, weight in zip(found.hits, weights, strict=True) if weight > 0]
    if len(used) == 1:
        return used[0][0]
    bases, kept = tuple(base for base, _ in used), tuple(weight for _, weight in used)
    depth = max(hits.positions.shape[1] for hits in found.hits.values())
    if way == "rrf":
        return Pipeline(ReciprocalRanks(bases, kept, depth=depth))
    return Pipeline(WeightedScores(bases, kept, way, depth))


def _check(found: Found, judgements: Judgements, settings: FusingSettings) -> None:
    if not settings.ways or settings.folds < _LEAST or settings.cutoff < 1:
        raise SettingsError(f"found {settings}; wanted a way to fuse, at least {_LEAST} folds and a cutoff above 0")
    unknown = [way for way in settings.ways if way not in _RULES]
    if unknown:
        raise SettingsError(f"found the unknown way to fuse '{unknown[0]}'; wanted some of {', '.join(_RULES)}")
    unjudged = [query for query in found.queries if not judgements.grades.get(query)]
    if unjudged or len(found.queries) < settings.folds:
        count = f"{len(found.queries)} queries, {len(unjudged)} of them without a judgement"
        raise DataError(f"found {count}; wanted at least {settings.folds}, all of them judged")
    if len(found.queries) < _ENOUGH:
        _log.warning(
            "found %d queries to fit weights on; from fewer than %d they are rough", len(found.queries), _ENOUGH
        )


def _searched(retriever: Retriever, texts: Sequence[str], depth: int) -> Hits:
    parts = [retriever.search(texts[at : at + _AT_ONCE], depth) for at in range(0, max(len(texts), 1), _AT_ONCE)]
    return Hits(np.concatenate([part.positions for part in parts]), np.concatenate([part.scores for part in parts]))
