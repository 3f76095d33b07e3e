"""Exact scores of chosen positions, from their rows: float64 sums in rising order of columns, rounded once.

Arrays in, arrays out; refuses to know how positions were chosen.
"""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.compiling import compiled

_AHEAD = 16
"""Rows asked of memory side by side, before they are summed one after another."""


class Rows(NamedTuple):
    """What each position holds: where its entries end (int64, one more than positions), columns and values."""

    ends: Any
    columns: Any
    values: Any


class Query(NamedTuple):
    """Columns (int64, rising), exact weights (float64), what one code adds to a bound (float64).

    `loose` is how many codes of each column a bound may lie above the exact sum: 1, or 0 where codes are exact. An
    exact sum is at least `tight` of its bound less these: 1, or less where codes were made under other norms.
    """

    columns: Any
    weights: Any
    steps: Any
    loose: float
    tight: float


@compiled
def table(columns: Any) -> Any:
    """A hash table of the query's columns, at most an eighth full: the place of each, -1 where none is."""
    size = 1024
    while size < 8 * len(columns):
        size *= 2
    places = np.full(size, -1, np.int32)
    for i in range(len(columns)):
        at = columns[i] & (size - 1)
        while places[at] >= 0:
            at = (at + 1) & (size - 1)
        places[at] = i
    return places


@compiled
def sum_rows(rows: Rows, norms: Any, query: Query, places: Any, positions: Any, scores: Any) -> int:
    """The exact score of each position, -1 where it shares no column; returns 0 where rows end out of place.

    A few rows are touched before they are summed, so that they come from memory side by side.
    """
    ends, columns, values = rows
    matched, bounds, touched = np.empty(256, np.int64), np.empty((_AHEAD, 2), np.int64), 0.0
    for begin in range(0, len(positions), _AHEAD):
        few, longest = positions[begin : begin + _AHEAD], np.int64(0)
        # First where the rows are, then the rows: no load waits for another to say how far to go.
        for i in range(len(few)):
            bounds[i, 0], bounds[i, 1] = ends[few[i]], ends[few[i] + 1]
            touched += np.float64(norms[few[i]]) if len(norms) > 0 else 0.0
        for i in range(len(few)):
            first, last = bounds[i]
            if not 0 <= first <= last <= len(columns):
                return 0
            longest = max(longest, last - first)
            for j in range(first, last, 16):
                touched += np.float64(columns[j]) + np.float64(values[j])
        if longest > len(matched):
            matched = np.empty(2 * longest, np.int64)
        for i in range(len(few)):
            scores[begin + i] = _sum_row(rows, norms, query, places, few[i], matched)
    return touched >= 0.0  # which what was written is: the compiler may not leave the touching out


@compiled
def _sum_row(rows: Rows, norms: Any, query: Query, places: Any, position: int, matched: Any) -> float:
    """Sum of weight x value, or of weight x value / (value + norm), in rising order of columns.

    What hashes to a place of the table that is taken is noted first, without a branch: most does not.
    """
    ends, columns, values = rows
    mask, count = len(places) - 1, 0
    for i in range(ends[position], ends[position + 1]):
        matched[count] = i
        count += places[columns[i] & mask] >= 0
    score, shared = 0.0, False
    for j in range(count):
        i = matched[j]
        at = columns[i] & mask
        while places[at] >= 0 and query.columns[places[at]] != columns[i]:
            at = (at + 1) & mask
        if places[at] < 0:
            continue
        value, weight, shared = np.float64(values[i]), query.weights[places[at]], True
        score += weight * (value / (value + np.float64(norms[position])) if len(norms) > 0 else value)
    return np.float32(score) if shared else np.float32(-1.0)
