"""Fusion: the hits of several retrievers to one ranking, by rank or by normalised score.

Knows hits and weights. Refuses to know who found them. Scores of different retrievers mean different
things, so none is ever added as it is: what is added is a rank's reciprocal, or a score by its place
among the hits that its own retriever found for the same query.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import SettingsError, ShapeError
from vizsla.core.hits import Floats, Hits, Positions, from_rows, rank
from vizsla.core.settings import nearest
from vizsla.kernels import fusing

Doubles: TypeAlias = npt.NDArray[np.float64]
Norm: TypeAlias = Literal["minmax", "zscore"]
NORMS: tuple[Norm, ...] = ("minmax", "zscore")
HEAVIEST = 1e9
MOST_K = 1_000_000_000


class Rule(Protocol):
    """How hits are fused: what each is worth, and how much each base counts."""

    @property
    def weights(self) -> tuple[float, ...]: ...
    def worth(self, scores: Floats) -> tuple[Doubles, float]: ...


@dataclass(frozen=True, slots=True)
class ReciprocalRank:
    """Reciprocal rank fusion: a passage's score is the sum of w / (k + rank) over the bases that found it.

    Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank
    learning methods", SIGIR 2009. Ranks count from 1; a base that did not find a passage adds nothing.

    Attributes:
        weights: one a base; none makes every base count 1.
        k: what is added to every rank; 60 is the paper's.

    Raises:
        SettingsError: a weight that cannot be, or a k below 0 or above a milliard.
    """

    weights: tuple[float, ...] = ()
    k: int = 60

    def __post_init__(self) -> None:
        check_weights(self.weights)
        if not 0 <= self.k <= MOST_K:
            raise SettingsError(f"found k = {self.k} for reciprocal ranks; wanted 0 to {MOST_K:,}, usually 60")

    def worth(self, scores: Floats) -> tuple[Doubles, float]:
        """What each of a base's hits adds, (n,), and what a passage it did not find adds: 0."""
        return 1.0 / (self.k + np.arange(1, len(scores) + 1, dtype=np.float64)), 0.0


@dataclass(frozen=True, slots=True)
class WeightedSum:
    """A weighted sum of scores, each normalised over the hits that its base found for the query.

    `minmax`: (s - min) / (max - min), 1 where all hits score the same; a passage that the base did not
    find counts 0. `zscore`: (s - mean) / deviation (of all hits, divided by n), 0 where all score the
    same; a passage that the base did not find counts as the lowest of its hits. A base without hits
    for a query adds 0 to every passage.

    Attributes:
        weights: one a base; none makes every base count 1.
        norm: how scores are normalised.

    Raises:
        SettingsError: a weight that cannot be, or an unknown norm.
    """

    weights: tuple[float, ...] = ()
    norm: Norm = "minmax"

    def __post_init__(self) -> None:
        check_weights(self.weights)
        if self.norm not in NORMS:
            raise SettingsError(f"found the unknown norm '{self.norm}'; {nearest(self.norm, NORMS)}")

    def worth(self, scores: Floats) -> tuple[Doubles, float]:
        """What each of a base's hits adds, (n,), and what a passage it did not find adds.

        Raises:
            ShapeError: a score that is not finite.
        """
        if not np.isfinite(scores).all():
            found = scores[~np.isfinite(scores)][0]
            raise ShapeError(f"found the score {found} among hits to normalise; wanted finite ones, or fuse by rrf")
        values = scores.astype(np.float64)
        if len(values) == 0:
            return values, 0.0
        low, high = values.min(), values.max()
        if low == high:
            return np.full(len(values), 1.0 if self.norm == "minmax" else 0.0), 0.0
        if self.norm == "minmax":
            return (values - low) / (high - low), 0.0
        apart = values - values.mean()
        standard: Doubles = apart / np.sqrt((apart * apart).mean())
        return standard, float(standard.min())


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the bases found for one query.

    Attributes:
        positions: (n,) int64, rising, each once.
        worth: (n, bases) float64, what each base adds at weight 1.
        found: (n, bases), whether the base found the passage.
    """

    positions: Positions
    worth: Doubles
    found: npt.NDArray[np.bool_]

    def scores(self, weights: Sequence[float]) -> tuple[Positions, Floats]:
        """The passages that a base of a weight above 0 found, and the sum over the bases, in their order: (m,)."""
        kept, sums = fusing.add_up(self.positions, self.worth, self.found, np.array(weights, np.float64))
        return kept, sums


def gather(rule: Rule, rows: Sequence[tuple[Positions, Floats]]) -> Candidates:
    """Bring one query's hits of every base together, as `Hits.row` gives them."""
    each = [rule.worth(scores) for _, scores in rows]
    worth, missing = np.concatenate([values for values, _ in each]), np.array([lacking for _, lacking in each])
    ends = np.cumsum([len(values) for values, _ in each])
    return Candidates(*fusing.unite(np.concatenate([row for row, _ in rows]), worth, missing, ends))


def fuse(parts: Sequence[Hits], rule: Rule, k: int) -> Hits:
    """The k best of several retrievers' hits for the same queries.

    Args:
        parts: one a base; their depths may differ.
        rule: how they are fused.
        k: how many to keep.

    Raises:
        SettingsError: another number of weights than of parts.
        ShapeError: no parts, parts of different numbers of queries, or a score that cannot be normalised.
    """
    if not parts or len({len(part) for part in parts}) != 1:
        raise ShapeError(f"found parts of {[len(part) for part in parts]} queries; wanted at least one, all equal")
    weights = weights_of(rule, len(parts))
    rows = []
    for query in range(len(parts[0])):
        candidates = gather(rule, [part.row(query) for part in parts])
        rows.append(rank(*candidates.scores(weights), k))
    return from_rows(rows, k)


def weights_of(rule: Rule, bases: int) -> tuple[float, ...]:
    """One weight a base.

    Raises:
        SettingsError: another number of weights than of bases.
    """
    if rule.weights and len(rule.weights) != bases:
        raise SettingsError(f"found {len(rule.weights)} weights for {bases} retrievers; wanted one each, or none")
    return rule.weights or (1.0,) * bases


def check_weights(weights: Sequence[float]) -> None:
    """See that every weight counts for something or nothing, and one for something.

    Raises:
        SettingsError: a weight below 0, above a milliard or no number, or none above 0.
    """
    if not all(0 <= weight <= HEAVIEST for weight in weights) or (weights and not any(weights)):
        raise SettingsError(f"found the weights {tuple(weights)}; wanted 0 to {HEAVIEST:,.0f}, one of them above 0")
