"""The largest of a stream of scores: what may still be among the best k is kept, and a threshold rises.

A score is kept while it is not below the k-th largest so far, less a slack; equals of the k-th stay, all of them, so
what is left in the end does not depend on the blocks that the stream came in. NaN is never below anything and stays,
for whoever looks at what is left. Arrays in, arrays out.
"""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.compiling import compiled

_ROOM = 256
_STRETCH = 128
"""Scores between which the threshold may rise."""
_GROUP = 16
"""Scores looked at together: most groups hold none that could stay."""


class Best(NamedTuple):
    """Candidates so far: scores (float32), positions (int64), how many, and what none of them may be below."""

    scores: Any
    positions: Any
    count: int
    theta: float


@compiled
def nothing(k: int) -> Best:
    """No candidates yet, and room for the best k."""
    room = 2 * k + _ROOM
    return Best(np.empty(room, np.float32), np.empty(room, np.int64), 0, np.float32(-np.inf))


@compiled
def take(scores: Any, first: int, allowed: Any, best: Best, wanted: Any) -> Best:
    """Put the scores of positions from `first` on among the candidates.

    In a group that holds one that stays every score is written, and counted where it stays: a branch would be guessed
    wrong too often.

    Args:
        scores: (m,) float32.
        first: the position of the first.
        allowed: (m,) which of them may be taken; all where empty.
        best: the candidates so far.
        wanted: k; the slack; and from where on scores are equal, above it and below its negative (both float64).
    """
    every = len(allowed) == 0
    for start in range(0, len(scores), _STRETCH):
        last = min(start + _STRETCH, len(scores))
        if best.count + _STRETCH > len(best.scores):
            best = narrowed(best, wanted, _STRETCH)
        kept, positions, count, theta = best.scores, best.positions, np.uint64(best.count), best.theta
        for begin in range(start, last, _GROUP):
            end, near = min(begin + _GROUP, last), 1
            if end - begin == _GROUP:
                some, near = scores[begin:end], 0
                for i in range(_GROUP):
                    near += not some[i] < theta
            if near > 0:
                for i in range(begin, end):
                    kept[count], positions[count] = scores[i], first + i
                    count += np.uint64((not scores[i] < theta) & (every or allowed[i]))
        best = Best(kept, positions, np.int64(count), theta)
    return best


@compiled
def narrowed(best: Best, wanted: Any, more: int) -> Best:
    """The candidates that the k-th largest so far leaves, with room for more."""
    scores, positions, count, theta = best
    k, slack, ceiling = wanted
    if count > k:
        edge = min(np.float64(np.partition(scores[:count], count - k)[count - k]), ceiling) - slack
        theta = max(theta, np.float32(edge)) if edge > -ceiling else theta
    kept = 0
    for i in range(count):
        scores[kept], positions[kept] = scores[i], positions[i]
        kept += not scores[i] < theta
    if kept + more <= len(scores) and (more == 0 or 4 * kept <= 3 * len(scores)):
        return Best(scores, positions, kept, theta)
    wider, places = np.empty(2 * (kept + more), np.float32), np.empty(2 * (kept + more), np.int64)
    wider[:kept], places[:kept] = scores[:kept], positions[:kept]
    return Best(wider, places, kept, theta)


@compiled
def most(scores: Any, allowed: Any, wanted: Any) -> Any:
    """Positions of the scores that are left of a stream of these alone: (m,) int64."""
    best = narrowed(take(scores, 0, allowed, nothing(wanted[0]), wanted), wanted, 0)
    return best.positions[: best.count]
