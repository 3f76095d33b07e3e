"""Reliability: how right probabilities are, by what turned out to be relevant.

Knows probabilities and truths. Refuses to know where either comes from.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ShapeError

BINS = 10
_LEAST = 1e-9  # so that one sure mistake does not make a log loss infinite


@dataclass(frozen=True, slots=True)
class Bin:
    """The hits whose probability lies between two bounds; the upper one is outside, but for 1."""

    low: float
    high: float
    hits: int
    said: float
    relevant: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How right probabilities are.

    Attributes:
        hits: how many.
        rate: the share of them that is relevant.
        log_loss: the mean of -log of the probability given to what was the case, in nats.
        log_loss_of_rate: the same for one who always says the rate.
        brier: the mean squared difference to 1 for relevant and 0 for others.
        brier_of_rate: the same for one who always says the rate.
        error: expected calibration error, the mean over hits of |said - relevant| in their bin.
        bins: ten of equal width; in an empty one, both means are 0.
    """

    hits: int
    rate: float
    log_loss: float
    log_loss_of_rate: float
    brier: float
    brier_of_rate: float
    error: float
    bins: tuple[Bin, ...]

    def above(self, low: float) -> tuple[int, float]:
        """How many hits have at least a probability, a tenth, and the share of them that is relevant."""
        kept = [one for one in self.bins if one.low >= low - 1e-9]
        count = sum(one.hits for one in kept)
        return count, math.fsum(one.hits * one.relevant for one in kept) / max(count, 1)


def reliability(probabilities: npt.ArrayLike, relevant: npt.ArrayLike) -> Reliability:
    """Hold probabilities against truths.

    >>> found = reliability([0.9, 0.9, 0.1, 0.1], [True, True, False, False])
    >>> round(found.brier, 3), round(found.error, 3), found.above(0.5)
    (0.01, 0.1, (2, 1.0))

    Args:
        probabilities: (n,) from 0 to 1.
        relevant: (n,) true or false.

    Raises:
        ShapeError: none at all, two lengths, or something that is no probability.
    """
    said, truth = np.asarray(probabilities, np.float64), np.asarray(relevant, np.bool_)
    if said.ndim != 1 or said.shape != truth.shape or not len(said):
        raise ShapeError(f"found shapes {said.shape} and {truth.shape}; wanted two equal ones, (n,), n at least 1")
    if not ((said >= 0) & (said <= 1)).all():
        raise ShapeError("found a number that is no probability; wanted numbers from 0 to 1")
    rate = float(truth.mean())
    bins = tuple(_bin(said, truth, place) for place in range(BINS))
    return Reliability(
        hits=len(said),
        rate=rate,
        log_loss=_log_loss(said, truth),
        log_loss_of_rate=_log_loss(np.full(len(said), rate), truth),
        brier=float(np.mean((said - truth) ** 2)),
        brier_of_rate=rate * (1 - rate),
        error=math.fsum(one.hits * abs(one.said - one.relevant) for one in bins) / len(said),
        bins=bins,
    )


def _bin(said: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_], place: int) -> Bin:
    inside = np.minimum((said * BINS).astype(np.int64), BINS - 1) == place
    means = (float(said[inside].mean()), float(truth[inside].mean())) if inside.any() else (0.0, 0.0)
    return Bin(place / BINS, (place + 1) / BINS, int(inside.sum()), *means)


def _log_loss(said: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]) -> float:
    kept = np.clip(said, _LEAST, 1 - _LEAST)
    return float(-np.mean(np.log(np.where(truth, kept, 1 - kept))))
