"""Dot products of chosen rows in one fixed order, so that nothing beside the two vectors changes a bit of a score.

Products of two float32 numbers are exact in float64. Lane l of LANES sums those of columns l, l + LANES, l + 2 LANES,
..., in this order; then the upper half of the lanes is added to the lower until one is left, which is rounded to
float32 once. Arrays in, arrays out; refuses to know how rows were chosen.
"""

from math import frexp, ldexp
from typing import Any

import numpy as np

from vizsla.kernels.compiling import compiled

LANES = 64
_AHEAD = 8
"""Rows asked of memory side by side, before they are multiplied one after another."""
_LINE = 16
"""Numbers that come from memory together."""
_WIDE, _SHIFT = np.uint32(0x7FFFFFFF), np.uint64(32)
_LARGEST, _SMALLEST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)


@compiled
def best_into(vectors: Any, query: Any, positions: Any, out_positions: Any, out_scores: Any) -> tuple[bool, float]:
    """Put the best of some positions, each given once, into a row as long as is wanted, as `core.hits.rank` has it.

    Args:
        vectors: (n, dim) float32.
        query: (dim,) float32.
        positions: (m,) int64, below 2^32.
        out_positions: (k,) int64; left as it is behind the last.
        out_scores: (k,) float32; as well.

    Returns:
        Whether every score is a number, else nothing was put; and a number of no meaning: what was touched.
    """
    scores, keys = np.empty(len(positions), np.float32), np.empty(len(positions), np.uint64)
    touched = score(vectors, query.astype(np.float64), positions, scores)
    bits = (scores + np.float32(0.0)).view(np.uint32)  # -0 is 0
    for i in range(len(positions)):
        if np.isnan(scores[i]):
            return False, touched
        falling = bits[i] if bits[i] > _WIDE else ~bits[i] & _WIDE
        keys[i] = (np.uint64(falling) << _SHIFT) | np.uint64(positions[i])
    count = min(len(positions), len(out_positions))
    if 0 < count < len(positions):
        keys = np.partition(keys, count - 1)[:count]
    keys = np.sort(keys)
    found = np.empty(count, np.uint32)
    for i in range(count):
        falling = np.uint32(keys[i] >> _SHIFT)
        found[i] = falling if falling > _WIDE else ~falling & _WIDE
        out_positions[i] = np.int64(keys[i] & np.uint64(0xFFFFFFFF))
    out_scores[:count] = found.view(np.float32)
    return True, touched


@compiled
def scaled(query: Any, peak: float, out: Any) -> tuple[float, float]:
    """A query times a power of two, so that no product with a row overflows; and what float32 may do to them.

    For u = 2^-24 a float32 product of n columns is off by at most n u / (1 - n u) x |row| x |query|, in whatever
    order it is summed, and by the smallest normal number for each product that vanishes (Higham, Accuracy and
    Stability of Numerical Algorithms, 3.1). The bound is doubled, for it may be off above and below, and doubled
    again, which also covers what rounding a score to float32 may move.

    Args:
        query: (dim,) float32.
        peak: no row is longer.
        out: (dim,) float32, where the query goes.

    Returns:
        By how much a product may be too low to be a candidate; and where scores beyond float32 begin, which are equal.
    """
    squares = 0.0
    for column in range(len(query)):
        squares += np.float64(query[column]) * np.float64(query[column])
    norm = np.sqrt(squares)
    scale = ldexp(1.0, -16 - frexp(norm)[1])
    for column in range(len(query)):
        out[column] = np.float32(np.float64(query[column]) * scale)
    vanishing = 4 * (len(query) + 1) * _SMALLEST * max(1.0, scale) * max(1.0, peak)
    return 4 * (len(query) + 2) * 2.0**-24 * (peak * norm * scale) + vanishing, _LARGEST * scale


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
