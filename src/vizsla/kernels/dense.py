"""Dot products of chosen rows in one fixed order, so that nothing beside the two vectors changes a bit of a score.

Products of two float32 numbers are exact in float64. Lane l of LANES sums those of columns l, l + LANES, l + 2 LANES,
..., in this order; then the upper half of the lanes is added to the lower until one is left, which is rounded to
float32 once. Arrays in, arrays out; refuses to know how rows were chosen.
"""

from typing import Any

import numpy as np

from vizsla.kernels.compiling import compiled

LANES = 64
_AHEAD = 8
"""Rows asked of memory side by side, before they are multiplied one after another."""
_LINE = 16
"""Numbers that come from memory together."""


@compiled
def score(vectors: Any, query: Any, positions: Any, scores: Any) -> float:
    """Products of some rows of `vectors` (n, dim) float32 with `query` (dim,) float64, into `scores` (m,) float32.

    Returns:
        A number of no meaning: what was touched, which the compiler may so not leave out.
    """
    lanes, touched = np.empty(LANES, np.float64), np.float32(0.0)
    for begin in range(0, len(positions), _AHEAD):
        few = positions[begin : begin + _AHEAD]
        for position in few:
            row = vectors[position]
            for column in range(0, len(row), _LINE):
                touched += row[column]
        for i in range(len(few)):
            scores[begin + i] = _product(vectors[few[i]], query, lanes)
    return touched


@compiled
def _product(row: Any, query: Any, lanes: Any) -> float:
    """Two blocks of columns at a time: half as often to memory and back, in the same order."""
    lanes[:] = 0.0
    begin, end = 0, len(query) // LANES * LANES
    while begin + 2 * LANES <= end:
        middle, stop = begin + LANES, begin + 2 * LANES
        near, far, one, other = row[begin:middle], row[middle:stop], query[begin:middle], query[middle:stop]
        for lane in range(LANES):
            lanes[lane] = (lanes[lane] + np.float64(near[lane]) * one[lane]) + np.float64(far[lane]) * other[lane]
        begin = stop
    while begin < len(query):
        near, one = row[begin : begin + LANES], query[begin : begin + LANES]
        for lane in range(len(one)):
            lanes[lane] += np.float64(near[lane]) * one[lane]
        begin += LANES
    half = LANES // 2
    while half > 0:
        for lane in range(half):
            lanes[lane] += lanes[lane + half]
        half //= 2
    return np.float32(lanes[0])
