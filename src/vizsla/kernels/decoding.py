"""Exact scores of candidates from their codes, where a code says which value it stands for.

A whole impact up to 255 is its own code. A small term frequency is found again by its position's
norm, as the one number that makes this code; any other is looked up in the position's row, which is
in rising order of columns. For many candidates of long rows, this is sooner than reading each row.
Arrays in, arrays out; refuses to know how candidates were found.
"""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.bounding import GROUP, TILE, Postings, Span, reach
from vizsla.kernels.compiling import compiled
from vizsla.kernels.postings import code_frequency
from vizsla.kernels.summing import Query, Rows

_MOST_TERMS = 256
"""Queries of more are summed from rows: a tile of codes would be large."""
_FREQUENCIES = 16
"""Term frequencies below this are told from their codes."""
_UNKNOWN = 255


class Norms(NamedTuple):
    """The norm of each position (float32): that weighs term frequencies now, and that made their codes."""

    live: Any
    coded: Any


@compiled
def worth_decoding(postings: Postings, entries: int, norms: Norms, query: Query, positions: Any, span: Span) -> bool:
    """Whether the codes of so many candidates say their values, and are read sooner than their rows.

    Reckoned in nanoseconds as measured: a row waits for memory and takes 2.5 a entry it holds, a posting of a list 1.2,
    a code of a tile 2, or 8 where tiles do not fit the cache.
    """
    terms, count = len(query.columns), len(positions)
    if terms > _MOST_TERMS or (len(norms.live) == 0 and query.loose > 0):
        return False
    listed, tiled = 0, 0
    for i in range(terms):
        size = postings.starts[query.columns[i] + 1] - postings.starts[query.columns[i]]
        listed += size
        tiled += size == 0
    by_rows = count * (150.0 + 2.5 * entries / span.size)
    each = 2.0 if span.size < 1 << 18 else 8.0
    return 1.2 * listed * (span.last - span.first) / span.size + count * (60.0 + 2.0 * terms + each * tiled) < by_rows


@compiled
def sum_codes(
    rows: Rows, postings: Postings, norms: Norms, query: Query, positions: Any, scores: Any, span: Span
) -> None:
    """The exact score of each position (rising); -1 where codes and rows contradict each other.

    The candidates of a tile are numbered, its part of every list is read, and each posting of a candidate goes to the
    candidate's row; those of others go to row 0.
    """
    numbers, known = np.zeros(TILE, np.uint16), np.full(256, _UNKNOWN, np.uint8)
    made, weights = np.zeros(_FREQUENCIES + 1, np.float64), np.zeros(_FREQUENCIES + 1, np.float64)
    known[0], begin = 0, 0
    while begin < len(positions):
        tile, end = positions[begin] // TILE * TILE, begin
        while end < len(positions) and positions[end] < tile + TILE:
            end += 1
            numbers[positions[end - 1] - tile] = end - begin
        held = np.zeros((end - begin + 1, len(query.columns)), np.uint8)
        _read_tile(postings, query, positions[begin:end], (tile, span, numbers), held)
        for i in range(begin, end):
            numbers[positions[i] - tile] = 0
            codes = held[i - begin + 1]
            if len(norms.live) == 0:
                scores[i] = _sum_impacts(codes, query)
            else:
                scores[i] = _sum_frequencies(codes, rows, norms, query, positions[i], (known, made, weights))
        begin = end


@compiled
def _read_tile(postings: Postings, query: Query, positions: Any, where: Any, held: Any) -> None:
    """The code of each candidate of a tile for each column of a query, 0 where it has none: `held` (1 + n, terms)."""
    tile, span, numbers = where
    padded = (span.size + GROUP - 1) // GROUP * GROUP
    columns, width, last = len(postings.frequent), min(TILE, padded - tile), np.uint32(TILE - 1)
    for term in range(len(query.columns)):
        column = query.columns[term]
        slot = np.searchsorted(postings.frequent, column)
        if slot < columns and postings.frequent[slot] == column:
            codes = postings.tiles[tile * columns + slot * width : tile * columns + (slot + 1) * width]
            for i in range(len(positions)):
                held[i + 1, term] = codes[positions[i] - tile]
            continue
        begin, end = postings.starts[column], postings.starts[column + 1]
        for i in range(reach(postings.positions, begin, end, tile), end):
            if postings.positions[i] >= tile + TILE:
                break
            # The smaller of the two keeps positions of an altered file inside the tile.
            held[numbers[min(np.uint32(postings.positions[i] - tile), last)], term] = postings.codes[i]


@compiled
def _sum_impacts(codes: Any, query: Query) -> float:
    """Sum of weight x code in rising order of columns; what is not there adds 0."""
    score, shared = 0.0, np.uint8(0)
    for term in range(len(codes)):
        shared |= codes[term]
        score += query.weights[term] * np.float64(codes[term])
    return np.float32(score) if shared > 0 else np.float32(-1.0)


@compiled
def _sum_frequencies(codes: Any, rows: Rows, norms: Norms, query: Query, position: int, scratch: Any) -> float:
    """Sum of weight x tf / (tf + norm) in rising order of columns; what is not there adds 0.

    `known` says of each code which frequency it stands for: 0 of code 0, and at entry and exit unknown of all others.
    """
    known, made, weights = scratch
    coded, live = np.float64(norms.coded[position]), np.float64(norms.live[position])
    for frequency in range(1, _FREQUENCIES + 1):
        value = np.float64(frequency)
        made[frequency] = code_frequency(value, coded)
        weights[frequency] = value / (value + live)
    for i in range(1, _FREQUENCIES):
        known[np.int64(made[i])] = i if made[i - 1] < made[i] < made[i + 1] else _UNKNOWN
    score, shared, fine = 0.0, np.uint8(0), True
    for term in range(len(codes)):
        frequency = known[codes[term]]
        if frequency == _UNKNOWN:
            value = _look_up(rows, position, query.columns[term])
            fine = fine and value >= 0
            score += query.weights[term] * (value / (value + live))
        else:
            score += query.weights[term] * weights[frequency]
        shared |= codes[term]
    for i in range(1, _FREQUENCIES):
        known[np.int64(made[i])] = _UNKNOWN
    return np.float32(score) if fine and shared > 0 else np.float32(-1.0)


@compiled
def _look_up(rows: Rows, position: int, column: int) -> float:
    """What a position holds in a column, -1 where it holds nothing or its row ends out of place."""
    low, last = rows.ends[position], rows.ends[position + 1]
    if not 0 <= low < last <= len(rows.columns):
        return -1.0
    size = last - low
    while size > 1:  # halves without a branch: which half it is cannot be foreseen
        half = size >> 1
        low += half * np.int64(rows.columns[low + half] <= column)
        size -= half
    return np.float64(rows.values[low]) if rows.columns[low] == column else -1.0
