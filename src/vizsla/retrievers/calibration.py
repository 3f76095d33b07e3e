"""Calibration: from scores to the probability that a passage is relevant, as one artifact.

Knows the curve and how it is stored. Refuses to know how it is fitted (`vizsla.evaluating.calibrating`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core import artifacts
from vizsla.core import settings as plain
from vizsla.core.errors import ArtifactError, IncompatibleError, SettingsError, ShapeError
from vizsla.core.hits import Hits
from vizsla.core.vectors import Scores

KIND, VERSION = "calibration", 1
FIRST = 10
"""How many of a query's first hits a passage is held against."""

Scale: TypeAlias = Literal["log", "plain"]
Doubles = npt.NDArray[np.float64]

_FILE = "calibration.json"
_LARGEST = 1e100  # products with any float32 stay finite
_FARTHEST = 60.0  # |logit|: float32 holds many more probabilities below this one's


@dataclass(frozen=True, slots=True)
class Curve:
    """The probability of relevance of a hit, by its score and by those of the query's first ten.

    p = 1 / (1 + exp(-(bias + slope f(s) - rival f(r) - level m))), with s the score, r the best score of
    another passage, m the mean of f over the query's hits 2 to 10, f the logarithm or nothing. It
    rises with s within a query, because slope and rival are at least 0. A place among the ten that
    nothing was found for counts as the floor, or as the query's lowest score where that is less.

    Attributes:
        scale: f, `log` or `plain`.
        slope: of the score itself.
        rival: of the best other passage.
        level: of the mean of the others.
        bias: the logit where all else is 0.
        floor: f of the lowest score of the fit.

    Raises:
        SettingsError: a number that is not finite or beyond 1e100, or a slope or rival below 0.
    """

    scale: Scale
    slope: float
    rival: float
    level: float
    bias: float
    floor: float

    def __post_init__(self) -> None:
        numbers = (self.slope, self.rival, self.level, self.bias, self.floor)
        if not all(abs(number) <= _LARGEST for number in numbers) or self.slope < 0 or self.rival < 0:
            raise SettingsError(f"found {self}; wanted numbers, slope and rival at least 0: calibrate again")

    def alone(self, scores: Scores) -> Scores:
        """The probabilities of scores that are held against no others, as a reranker's or an encoder's: (n,).

        They rise with the score; scores so far out that float32 holds one probability for two of them share it.

        Raises:
            IncompatibleError: the curve was fitted on hits among others.
            ShapeError: a score without a logarithm, or NaN.
        """
        if self.rival or self.level:
            raise IncompatibleError("found a calibration of searches; wanted one of this model: vizsla calibrate MODEL")
        if np.isnan(scores).any():
            raise ShapeError("found a score that is NaN; wanted numbers")
        each = np.arange(len(scores))[:, None]
        logits = self.slope * scaled(Hits(each, np.asarray(scores, np.float32)[:, None]), self.scale)[:, 0] + self.bias
        return _sigmoid(logits)

    def probabilities(self, hits: Hits, first: Hits) -> Hits:
        """The same hits in the same order, with probabilities for scores.

        Different scores of one query get different probabilities, equal ones the same: where float32 would
        make two of them one, the lower takes the next number below.

        Args:
            hits: of any depth, any filter.
            first: the first ten of the same queries, without a filter.

        Raises:
            ShapeError: another number of first hits, or a score without a logarithm.
        """
        weights = np.array([self.slope, self.rival, self.level])
        logits = features(hits, first, self.scale, self.floor) @ weights + self.bias
        found = _sigmoid(logits)
        falls = np.zeros(hits.scores.shape, np.int64)
        falls[:, 1:] = hits.scores[:, 1:] < hits.scores[:, :-1]
        steps = np.cumsum(falls, axis=1)
        # Floats above 0 order as the whole numbers that share their bits.
        numbers = np.minimum.accumulate(found.view(np.int32) + steps, axis=1) - steps
        strict = numbers.astype(np.int32).view(np.float32)
        return Hits(hits.positions, np.where(hits.positions >= 0, strict, np.float32(-np.inf)))


def _sigmoid(logits: Doubles) -> npt.NDArray[np.float32]:
    found: npt.NDArray[np.float32] = (1 / (1 + np.exp(-np.clip(logits, -_FARTHEST, _FARTHEST)))).astype(np.float32)
    return found


def features(hits: Hits, first: Hits, scale: Scale, floor: float) -> Doubles:
    """What the curve weighs, for every hit: f(s), -f(r) and -m, (q, k, 3); 0 where a row has ended.

    Raises:
        ShapeError: another number of first hits, or a score without a logarithm.
    """
    if first.positions.shape != (len(hits), FIRST):
        raise ShapeError(f"found first hits of shape {first.positions.shape}; wanted ({len(hits)}, {FIRST})")
    own, context = scaled(hits, scale), scaled(first, scale)
    found = first.positions >= 0
    lowest = np.where(found, context, np.inf).min(axis=1, keepdims=True)
    context = np.where(found, context, np.minimum(lowest, floor))
    rivals = np.where(hits.positions == first.positions[:, :1], context[:, 1:2], context[:, :1])
    level = np.broadcast_to(context[:, 1:].mean(axis=1, keepdims=True), own.shape)
    return np.where((hits.positions >= 0)[..., None], np.stack([own, -rivals, -level], axis=-1), 0.0)


def scaled(hits: Hits, scale: Scale) -> Doubles:
    """Every score as the curve takes it: f of it, (q, k); 0 where a row has ended.

    Raises:
        ShapeError: a score without a logarithm.
    """
    real = hits.positions >= 0
    scores = np.where(real, hits.scores, 1.0).astype(np.float64)
    if scale == "plain":
        return np.where(real, scores, 0.0)
    if (scores <= 0).any():
        found = f"the score {scores.min():g}"
        raise ShapeError(f"found {found}; wanted scores above 0, as they were at fitting: calibrate on the plain scale")
    logarithms: Doubles = np.log(scores)
    return logarithms


@dataclass(frozen=True, slots=True)
class Calibration:
    """A curve, what it belongs to, and how it was fitted.

    Attributes:
        curve: scores to probabilities.
        of: the parts whose scores it was fitted on, name to digest; it fits no others.
        record: the data, how much of it, and how right the curve is on queries it was not fitted on.
    """

    curve: Curve
    of: Mapping[str, str] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)

    def alone(self, scores: Scores) -> Scores:
        """As `Curve.alone`."""
        return self.curve.alone(scores)

    def check(self, parts: Mapping[str, str]) -> None:
        """See that it belongs to these parts.

        Raises:
            IncompatibleError: it was fitted on the scores of others.
        """
        other = [name for name in self.of.keys() | parts.keys() if self.of.get(name) != parts.get(name)]
        if other:
            found = f"a calibration of another {' and another '.join(sorted(other))}"
            wanted = "this model, loaded with the same settings" if "contract" in parts else "this index"
            raise IncompatibleError(f"found {found}; wanted one fitted on {wanted}: run vizsla calibrate again")

    def save(self, folder: str | Path) -> None:
        """Store it as an artifact; an older calibration at `folder` is replaced.

        Raises:
            ArtifactError: something else stands there.
        """
        settings = self.record.get("settings", {})
        with artifacts.draft(folder, kind=KIND, version=VERSION, settings=settings, made_from=self.of) as draft:
            whole = {"curve": plain.to_mapping(self.curve), "record": dict(self.record)}
            text = json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False)
            draft.path(_FILE).write_text(f"{text}\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> "Calibration":
        """Read a stored calibration.

        Raises:
            ArtifactError: missing, truncated, or not a curve.
        """
        artifact = artifacts.open_artifact(folder, kind=KIND, version=VERSION)
        try:
            stored = plain.from_mapping(_Stored, json.loads(artifact.path(_FILE).read_bytes()))
            of = plain.from_mapping(_Bound, {"of": artifact.manifest.get("made_from")}).of
            return cls(plain.from_mapping(Curve, stored.curve), of, stored.record)
        except (SettingsError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ArtifactError(f"{folder}: not a calibration ({error}); run vizsla calibrate again") from error


@dataclass(frozen=True, slots=True)
class _Stored:
    curve: dict[str, Any]
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Bound:
    of: dict[str, str]
