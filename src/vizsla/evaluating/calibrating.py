"""Calibrating: a retriever, or a scored run, and judgements to a curve from scores to probabilities.

Logistic regression on three numbers of a hit (`vizsla.retrievers.calibration.Curve`), fitted on the first ten
hits of each query; of a reranker's or an encoder's scores on one, the score itself. How right it is stands in the
record: each fifth of the queries is judged by a curve that was fitted on the others. Refuses to know files.
"""

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vizsla.core import settings as plain
from vizsla.core.errors import DataError, SettingsError
from vizsla.core.hits import Hits, empty, from_rows
from vizsla.core.protocols import Retriever
from vizsla.data.judgements import Judgements
from vizsla.data.runs import Run
from vizsla.evaluating.reliability import Reliability, reliability
from vizsla.evaluating.running import PassageIds
from vizsla.retrievers.calibration import FIRST, Calibration, Curve, Doubles, Scale, features, scaled

_ENOUGH = 100  # queries; from 50, the error on seven sets was up to five times that from 500
_LEAST = 2
_AT_ONCE = 256
_UNJUDGED = -(1 << 62)  # no grade
_LEAST_SPREAD = 1e-6
_FAR, _TRIES = 500.0, 1000
_log = logging.getLogger("vizsla")
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CalibrationSettings:
    """How a calibration is fitted.

    Attributes:
        queries: how many at most, drawn with the seed; more than 1,000 hardly change the curve.
        seed: of the draw.
        folds: in how many parts the queries are held out for the record.
        unjudged: whether a hit that nobody judged counts as irrelevant or not at all.
        scale: of the scores; `auto` takes logarithms where every score is above 0.
    """

    queries: int = 2000
    seed: int = 0
    folds: int = 5
    unjudged: Literal["irrelevant", "left out"] = "irrelevant"
    scale: Literal["auto", "log", "plain"] = "auto"


@dataclass(frozen=True, slots=True)
class _Judged:
    """Hits of queries, which of them count, and which are relevant: (q, k) each; whether scores stand alone."""

    hits: Hits
    counts: Truths
    relevant: Truths
    alone: bool = False

    def part(self, rows: Truths) -> "_Judged":
        hits = Hits(self.hits.positions[rows], self.hits.scores[rows])
        return _Judged(hits, self.counts[rows], self.relevant[rows], self.alone)

    def values(self, scale: Scale, floor: float) -> Doubles:
        """What the curve weighs, of those that count: (n, 3)."""
        if not self.alone:
            return features(self.hits, self.hits, scale, floor)[self.counts]
        own = scaled(self.hits, scale)[self.counts]
        return np.column_stack([own, np.zeros((len(own), 2))])

    def said(self, curve: Curve) -> npt.NDArray[np.float32]:
        """The probabilities of those that count: (n,)."""
        if not self.alone:
            return curve.probabilities(self.hits, self.hits).scores[self.counts]
        return curve.alone(self.hits.scores[self.counts])


def calibrate(
    retriever: Retriever,
    judgements: Judgements,
    ids: PassageIds,
    settings: CalibrationSettings | None = None,
    *,
    of: Mapping[str, str] | None = None,
    data: str = "",
) -> Calibration:
    """Fit probabilities on judged queries, which must be none of those that are measured on later.

    Args:
        retriever: what to search with.
        judgements: queries and grades; a grade above 0 is relevant.
        ids: the ids of the passages the retriever searches.
        settings: how many queries, and what an unjudged hit counts as.
        of: what the scores belong to, name to digest.
        data: what the judgements are, for the record.

    Raises:
        SettingsError: settings that cannot be.
        DataError: fewer than two queries with hits that count, or all or none of these relevant.
    """
    wanted = settings or CalibrationSettings()
    queries = draw(judgements, wanted)
    judged = _judged(_search(retriever, judgements, queries), judgements, queries, ids, wanted)
    return _made(judged, wanted, of or {}, data)


def calibrate_run(
    run: Run,
    judgements: Judgements,
    settings: CalibrationSettings | None = None,
    *,
    of: Mapping[str, str] | None = None,
    data: str = "",
) -> Calibration:
    """Fit probabilities of scores that stand alone: those that a reranker or an encoder gave the passages of a run.

    The share of relevant passages is that of the run: fit on candidates as deep as those to be judged by it.

    Args:
        run: passages and scores of judged queries; queries without a judgement are left out.
        judgements: a grade above 0 is relevant.
        settings: as of `calibrate`; `auto` leaves scores as they are.
        of: what the scores belong to, name to digest.
        data: what the judgements are, for the record.

    Raises:
        SettingsError: settings that cannot be.
        DataError: fewer than two queries with passages that count, or all or none of these relevant.
    """
    wanted = settings or CalibrationSettings()
    queries = [query for query in draw(judgements, wanted) if run.rankings.get(query)]
    names = sorted({passage for query in queries for passage, _ in run.rankings[query]})
    places = {passage: place for place, passage in enumerate(names)}
    hits = from_rows(
        [
            (np.array([places[passage] for passage, _ in row]), np.array([score for _, score in row], np.float32))
            for row in (run.rankings[query] for query in queries)
        ],
        max((len(run.rankings[query]) for query in queries), default=1),
    )
    judged = _judged(hits, judgements, queries, _Names(names), wanted)
    return _made(dataclasses.replace(judged, alone=True), wanted, of or {}, data)


def draw(judgements: Judgements, settings: CalibrationSettings) -> list[str]:
    """The judged queries that a fit looks at, drawn with the seed.

    Raises:
        SettingsError: fewer than two queries or folds.
    """
    if settings.queries < _LEAST or settings.folds < _LEAST:
        found = f"{settings.queries} queries in {settings.folds} folds"
        raise SettingsError(f"found {found}; wanted at least {_LEAST} of each")
    known = sorted(query for query, row in judgements.grades.items() if row and query in judgements.queries)
    drawn = np.random.default_rng(settings.seed).permutation(len(known))[: settings.queries].tolist()
    return [known[place] for place in drawn]


@dataclass(frozen=True, slots=True)
class _Names:
    """Ids by position."""

    ids: list[str]

    def many(self, positions: npt.NDArray[np.int64]) -> list[str]:
        return [self.ids[place] for place in positions.tolist()]


def _made(judged: _Judged, wanted: CalibrationSettings, of: Mapping[str, str], data: str) -> Calibration:
    _check(judged)
    scale: Scale = wanted.scale if wanted.scale != "auto" else _scale(judged)
    held_out = dataclasses.asdict(_held_out(judged, scale, wanted.folds))
    record = {"data": data, "queries": len(judged.hits), "settings": plain.to_mapping(wanted), "held_out": held_out}
    return Calibration(_fit(judged, scale), dict(of), record)


def _search(retriever: Retriever, judgements: Judgements, queries: list[str]) -> Hits:
    parts = [
        retriever.search([judgements.queries[query] for query in queries[start : start + _AT_ONCE]], FIRST)
        for start in range(0, len(queries), _AT_ONCE)
    ] or [empty(0, FIRST)]
    return Hits(np.concatenate([part.positions for part in parts]), np.concatenate([part.scores for part in parts]))


def _judged(
    hits: Hits, judgements: Judgements, queries: list[str], ids: PassageIds, settings: CalibrationSettings
) -> _Judged:
    """Hits with their grades; queries without a hit that counts are left out."""
    grades = np.full(hits.positions.shape, 0 if settings.unjudged == "irrelevant" else _UNJUDGED)
    for row, query in enumerate(queries):
        named = ids.many(hits.row(row)[0])
        grades[row, : len(named)] = [judgements.grades[query].get(passage, grades[row, 0]) for passage in named]
    counts = (hits.positions >= 0) & (grades != _UNJUDGED)
    return _Judged(hits, counts, counts & (grades > 0)).part(counts.any(axis=1))


def _check(judged: _Judged) -> None:
    queries, hits, relevant = len(judged.hits), int(judged.counts.sum()), int(judged.relevant.sum())
    if queries < _LEAST or not 0 < relevant < hits:
        found = f"{queries} judged queries with hits, {hits} hits that count, {relevant} of them relevant"
        raise DataError(f"found {found}; wanted at least {_LEAST} queries, and both relevant and irrelevant hits")
    if queries < _ENOUGH:
        _log.warning("found %d judged queries with hits; from fewer than %d, probabilities are rough", queries, _ENOUGH)


def _scale(judged: _Judged) -> Scale:
    hits = judged.hits
    return "log" if not judged.alone and (hits.scores[hits.positions >= 0] > 0).all() else "plain"


def _held_out(judged: _Judged, scale: Scale, folds: int) -> Reliability:
    """How right curves are on queries that they were not fitted on."""
    fold = np.arange(len(judged.hits)) % min(folds, len(judged.hits))
    said = np.zeros(judged.counts.shape)
    for one in range(int(fold.max()) + 1):
        curve, part = _fit(judged.part(fold != one), scale), judged.part(fold == one)
        said[judged.counts & (fold == one)[:, None]] = part.said(curve)
    return reliability(said[judged.counts], judged.relevant[judged.counts])


def _fit(judged: _Judged, scale: Scale) -> Curve:
    """The curve of the least log loss, with a standard normal prior on its weights at unit spread."""
    from scipy.optimize import minimize

    floor = float(scaled(judged.hits, scale)[judged.hits.positions >= 0].min())
    values = judged.values(scale, floor)
    truths = judged.relevant[judged.counts]
    middle, spread = values.mean(axis=0), np.maximum(values.std(axis=0), _LEAST_SPREAD)
    rows = np.column_stack([(values - middle) / spread, np.ones(len(values))])
    prior = np.array([1.0, 1.0, 1.0, 0.0]) / len(rows)

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        logits = rows @ weights
        slopes = rows.T @ (1 / (1 + np.exp(-np.clip(logits, -_FAR, _FAR))) - truths) / len(rows)
        value = np.mean(np.logaddexp(0, logits) - truths * logits) + 0.5 * prior @ weights**2
        return float(value), slopes + prior * weights

    bounds = [(0, None), (0, None), (None, None), (None, None)]
    found = minimize(loss, np.zeros(4), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _TRIES}).x
    slope, rival, level = (found[:3] / spread).tolist()
    return Curve(scale, slope, rival, level, float(found[3] - np.dot(found[:3] / spread, middle)), floor)
