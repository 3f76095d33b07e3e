"""Hits: what a search returns, and the one function that orders candidates.

The order is falling score, then rising position, everywhere. A row with fewer than k hits ends in
position -1 and score -inf. NaN is refused, so it can never be ranked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ShapeError

Positions = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
_WIDE = np.uint32(0x7FFFFFFF)
_FEW = 512
"""As many candidates are sorted sooner than the best of them are found."""


@dataclass(frozen=True, slots=True)
class Hits:
    """The best passages of each query, in order.

    Attributes:
        positions: (q, k) int64, -1 where a row has ended.
        scores: (q, k) float32, -inf where a row has ended.
    """

    positions: Positions
    scores: Floats

    def __post_init__(self) -> None:
        if self.positions.ndim != 2 or self.positions.shape != self.scores.shape:
            found = f"positions {self.positions.shape} and scores {self.scores.shape}"
            raise ShapeError(f"found {found}; wanted two equal shapes (queries, k)")

    def __len__(self) -> int:
        return len(self.positions)

    def counts(self) -> npt.NDArray[np.int64]:
        """How many hits each row holds: (q,)."""
        counts: npt.NDArray[np.int64] = np.count_nonzero(self.positions >= 0, axis=1).astype(np.int64)
        return counts

    def top(self, k: int) -> "Hits":
        """The first k columns."""
        return Hits(self.positions[:, :k], self.scores[:, :k])

    def padded(self, k: int) -> "Hits":
        """The first k columns; where there are fewer, columns behind them in which every row has ended."""
        width = self.positions.shape[1]
        if width >= k:
            return self if width == k else self.top(k)
        hits = empty(len(self), k)
        hits.positions[:, :width], hits.scores[:, :width] = self.positions, self.scores
        return hits

    def above(self, score: float) -> "Hits":
        """Those hits that score at least so much, in the same order and width."""
        kept = self.scores.astype(np.float64) >= score
        return Hits(np.where(kept, self.positions, -1), np.where(kept, self.scores, np.float32(-np.inf)))

    def row(self, query: int) -> tuple[Positions, Floats]:
        """One query's positions and scores without the ended tail: two (n,) arrays."""
        count = int(np.count_nonzero(self.positions[query] >= 0))
        return self.positions[query, :count], self.scores[query, :count]


def empty(queries: int, k: int) -> Hits:
    """Hits with every row ended at once."""
    return Hits(np.full((queries, k), -1, dtype=np.int64), np.full((queries, k), -np.inf, dtype=np.float32))


def rank(positions: Positions, scores: Floats, k: int) -> tuple[Positions, Floats]:
    """Order candidates by falling score, then rising position, and keep k.

    Args:
        positions: (n,) int64; entries below 0 are dropped.
        scores: (n,) float32.
        k: how many to keep.

    Returns:
        Positions and scores of at most k candidates, (m,) each.

    Raises:
        ShapeError: a score is NaN.
    """
    if np.isnan(scores).any():
        raise ShapeError("found a score that is NaN; wanted numbers: a NaN cannot be ranked")
    if positions.min(initial=0) < 0:
        real = positions >= 0
        positions, scores = positions[real], scores[real]
    if k < len(scores) > _FEW:
        near = scores >= np.partition(scores, len(scores) - k)[len(scores) - k]
        positions, scores = positions[near], scores[near]
    scores = scores + np.float32(0.0)  # -0 is 0
    if positions.max(initial=0) > _WIDE:
        order = np.lexsort((positions, -scores))[:k]
        return positions[order], scores[order]
    # Falling score and rising position as one whole number: a plain sort of these is several times as fast.
    bits = scores.view(np.uint32)
    keys = np.where(bits >> 31, bits, bits ^ _WIDE).astype(np.uint64) << np.uint64(32)
    order = np.argsort(keys | positions.astype(np.uint64))[:k]
    return positions[order], scores[order]


def from_rows(rows: Sequence[tuple[Positions, Floats]], k: int) -> Hits:
    """Pad one (positions, scores) pair a query to a block of width k."""
    hits = empty(len(rows), k)
    for row, (positions, scores) in enumerate(rows):
        hits.positions[row, : len(positions)] = positions
        hits.scores[row, : len(scores)] = scores
    return hits


def merge(parts: Sequence[Hits], k: int) -> Hits:
    """The k best over several hits of the same queries; positions must not repeat between parts.

    Law: the merge of the shards' hits equals the search over the whole.

    Raises:
        ShapeError: no parts, or parts of different numbers of queries.
    """
    if not parts or len({len(part) for part in parts}) != 1:
        raise ShapeError(f"found parts of {[len(part) for part in parts]} queries; wanted at least one, all equal")
    if len(parts) == 1:
        return parts[0].padded(k)
    positions = np.concatenate([part.positions for part in parts], axis=1)
    scores = np.concatenate([part.scores for part in parts], axis=1)
    return from_rows([rank(p, s, k) for p, s in zip(positions, scores, strict=True)], k)
