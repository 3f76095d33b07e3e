"""The order of hits, compiled: falling score, then rising position, as `vizsla.core.hits.rank` has it.

Scores of an inverted index are not below zero, so that they order as their bits do. Arrays in, arrays out.
"""

from typing import Any

import numpy as np

from vizsla.kernels.compiling import compiled

_FEW = 32
_DIGIT, _PASSES = 11, 3
"""Bits sorted by at a time, and how often: a score that is not below zero has 31."""


@compiled
def rank_into(positions: Any, scores: Any, out_positions: Any, out_scores: Any) -> None:
    """Put the best candidates, which come in rising order of positions, into a row as long as is wanted."""
    order = np.arange(len(positions))
    falling = np.uint32(0x7FFFFFFF) - scores.view(np.uint32)
    if len(positions) > _FEW:
        order = _sort_digits(falling, order)
    else:
        _insert(falling, order)
    for i in range(min(len(order), len(out_positions))):
        out_positions[i], out_scores[i] = positions[order[i]], scores[order[i]]


@compiled
def _insert(keys: Any, order: Any) -> None:
    """Sort a few numbers by their keys, equal ones as they stand."""
    for i in range(1, len(order)):
        one, j = order[i], i
        while j > 0 and keys[order[j - 1]] > keys[one]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = one


@compiled
def _sort_digits(keys: Any, order: Any) -> Any:
    """Sort numbers by their keys, digit after digit from the lowest, equal ones as they stand."""
    other, starts = np.empty_like(order), np.empty((1 << _DIGIT) + 1, np.int64)
    for turn in range(_PASSES):
        shift = np.uint32(turn * _DIGIT)
        starts[:] = 0
        for i in range(len(order)):
            starts[((keys[i] >> shift) & np.uint32((1 << _DIGIT) - 1)) + 1] += 1
        for digit in range(1 << _DIGIT):
            starts[digit + 1] += starts[digit]
        for i in range(len(order)):
            digit = (keys[order[i]] >> shift) & np.uint32((1 << _DIGIT) - 1)
            other[starts[digit]] = order[i]
            starts[digit] += 1
        order, other = other, order
    return order
