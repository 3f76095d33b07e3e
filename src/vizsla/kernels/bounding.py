"""Bounds by one-byte codes: from a query to every position whose score may be among the best.

Every posting has a code of one byte, rounded up, so that the sum of weight x code is never below the
exact sum and above it by at most `loose` codes a term; where codes were made under other norms, sums are
scaled to stay above, and may be above by a share as well. A frequent column has a code at every position
(tiles) and the largest code of every group of positions; the others are lists. A block of positions
is bounded by its lists and the groups' largest codes; where the bound reaches the best k so far, the
tiles are read, and where it still does, the position is a candidate.

Weights are scaled so that no sum passes UNITS: a histogram of units is the threshold, and no query
overflows. Arrays in, arrays out; refuses to know what a column is and what its exact value is.
"""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.compiling import compiled
from vizsla.kernels.summing import Query

GROUP = 16
"""Positions that share one largest code."""
TILE = 1 << 15
"""Positions of a tile, and of a block at most: their sums fit the second-level cache."""
UNITS = 4096
"""What the largest possible sum of a query is scaled to."""
_FIRST = 1 << 12
_FAINTEST = 1e-30
_SMALLEST = float(np.finfo(np.float32).smallest_subnormal)


class Postings(NamedTuple):
    """Codes by column: lists (starts, positions, codes); tiles (columns that have them, codes, groups)."""

    starts: Any
    positions: Any
    codes: Any
    frequent: Any
    tiles: Any
    groups: Any


class Span(NamedTuple):
    """Of `size` positions `first` to `last` (multiples of GROUP, or the end), and which may be returned.

    All may where `allowed` is empty.
    """

    first: int
    last: int
    size: int
    allowed: Any


class Best(NamedTuple):
    """Candidates so far: bounds (float32) and positions (int64), how many; and the threshold they make.

    `units` (int64, UNITS + 1) counts the bounds of each unit; `above` of them stand at or above `edge`, and once it
    has risen these are k or more.
    """

    bounds: Any
    positions: Any
    count: int
    units: Any
    above: int
    edge: int


@compiled
def prepare(postings: Postings, query: Query, span: Span) -> Any:
    """Where each list begins and ends within the span, the tiled columns' slots, and both's weights in units."""
    columns, steps, most = query.columns, query.steps, top(query.steps)
    cursors, ends = np.empty(len(columns), np.int64), np.empty(len(columns), np.int64)
    faint, heavy = np.empty(len(columns), np.float32), np.empty(len(columns), np.float32)
    slots = np.empty(len(columns), np.int64)
    lists, tiled, frequent = 0, 0, postings.frequent
    for i in range(len(columns)):
        column = columns[i]
        weight = np.float32(max(steps[i] / most * UNITS, _FAINTEST))
        slot = np.searchsorted(frequent, column)
        if slot < len(frequent) and frequent[slot] == column:
            slots[tiled], heavy[tiled] = slot, weight
            tiled += 1
            continue
        begin, end = postings.starts[column], postings.starts[column + 1]
        if not 0 <= begin <= end <= len(postings.positions):
            return False, cursors, ends, faint, slots, heavy
        cursors[lists] = reach(postings.positions, begin, end, span.first)
        ends[lists] = reach(postings.positions, cursors[lists], end, span.last)
        faint[lists] = weight
        lists += 1
    return True, cursors[:lists], ends[:lists], faint[:lists], slots[:tiled], heavy[:tiled]


@compiled
def top(steps: Any) -> float:
    """The largest sum that a query's codes can have."""
    largest = 0.0
    for i in range(len(steps)):
        largest += 255.0 * steps[i]
    return largest


@compiled
def margin(query: Query) -> float:
    """Units by which rounding may move a sum of bounds, or a score: float32 has 24 bits, and a smallest number."""
    rounding = (len(query.columns) + 8) * 2.0**-22
    return UNITS * min(1.0, rounding + _SMALLEST / top(query.steps))


@compiled
def reach(positions: Any, low: int, high: int, stop: int) -> int:
    """Where positions from `low` on reach `stop`."""
    while low < high:
        middle = (low + high) >> 1
        if positions[middle] < stop:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def sweep(postings: Postings, lists: Any, tiled: Any, wanted: Any, span: Span) -> Best:
    """Every position whose bound reaches what the best k so far allow.

    Blocks double, so that the first, for which nothing is known, is small; a block ends where its tile does, for
    within a tile the codes of a column lie side by side.
    """
    columns, padded = len(postings.frequent), (span.size + GROUP - 1) // GROUP * GROUP
    room = min(TILE, padded)
    sums, bounds = np.zeros(room, np.float32), np.empty(room // GROUP, np.float32)
    which = np.empty(room // GROUP + 1, np.int32)
    best = Best(np.empty(0, np.float32), np.empty(0, np.int64), 0, np.zeros(UNITS + 1, np.int64), 0, 0)
    begin, most = span.first, _FIRST
    while begin < span.last:
        tile = begin // TILE * TILE
        stop, width = min(begin + most, tile + TILE, span.last), min(TILE, padded - tile)
        count = (stop - begin + GROUP - 1) // GROUP
        near, groups, place = sums[: count * GROUP], bounds[:count], tile * columns + begin - tile
        theta = np.float32(best.edge) * wanted[3] - wanted[1]
        _add_lists(postings, lists, begin, stop, near)
        found = count
        if theta > 0:
            _largest(near, groups)
            _add_tiles(postings.groups, tiled, (tile * columns + begin - tile) // GROUP, width // GROUP, groups)
            found = _reaching(groups, theta, which)
        if 3 * found > count:
            _add_tiles(postings.tiles, tiled, place, width, near)
            _largest(near, groups)
            found = _reaching(groups, theta, which)
        else:
            _add_groups(postings.tiles, tiled, place, width, near, which[:found])
        near[stop - begin :] = 0.0  # behind the last position nothing stands, unless tiles were altered
        best = _with_room(best, found * GROUP, theta)
        best = _take(near, which[:found], begin, span.allowed, best, wanted)
        near[:] = 0.0
        begin, most = stop, min(2 * most, TILE)
    return best


@compiled
def _add_lists(postings: Postings, lists: Any, begin: int, stop: int, sums: Any) -> None:
    """Add the lists' bounds of positions `begin` to `stop`; cursors move on."""
    cursors, ends, weights = lists
    positions, codes, last = postings.positions, postings.codes, np.uint32(stop - begin - 1)
    for term in range(len(weights)):
        i, end, weight = cursors[term], ends[term], weights[term]
        while i < end:
            position = positions[i]
            if position >= stop:
                break
            # The smaller of the two keeps positions of an altered file inside the block.
            sums[min(np.uint32(position - begin), last)] += weight * np.float32(codes[i])
            i += 1
        cursors[term] = i


@compiled
def _add_tiles(codes: Any, tiled: Any, place: int, width: int, sums: Any) -> None:
    """Add the bounds of tiled columns, four at a time; a column's codes begin at `place` + slot x width."""
    slots, weights = tiled
    size, i = len(sums), 0
    while i + 4 <= len(slots):
        a, b = place + slots[i] * width, place + slots[i + 1] * width
        c, d = place + slots[i + 2] * width, place + slots[i + 3] * width
        _add_four(
            (codes[a : a + size], codes[b : b + size], codes[c : c + size], codes[d : d + size]),
            weights[i : i + 4],
            sums,
        )
        i += 4
    while i < len(slots):
        a = place + slots[i] * width
        _add_one(codes[a : a + size], weights[i], sums)
        i += 1


@compiled
def _add_four(codes: Any, weights: Any, sums: Any) -> None:
    a, b, c, d = codes
    first, second, third, fourth = weights[0], weights[1], weights[2], weights[3]
    for i in range(len(sums)):
        one = first * np.float32(a[i]) + second * np.float32(b[i])
        sums[i] += one + (third * np.float32(c[i]) + fourth * np.float32(d[i]))


@compiled
def _add_one(codes: Any, weight: float, sums: Any) -> None:
    for i in range(len(sums)):
        sums[i] += weight * np.float32(codes[i])


@compiled
def _add_groups(codes: Any, tiled: Any, place: int, width: int, sums: Any, which: Any) -> None:
    """As `_add_tiles`, for some groups only."""
    slots, weights = tiled
    for group in which:
        begin, term = GROUP * np.int64(group), 0
        at = place + begin
        while term + 4 <= len(slots):
            a, b = at + slots[term] * width, at + slots[term + 1] * width
            c, d = at + slots[term + 2] * width, at + slots[term + 3] * width
            first, second, third, fourth = weights[term], weights[term + 1], weights[term + 2], weights[term + 3]
            for i in range(GROUP):
                one = first * np.float32(codes[a + i]) + second * np.float32(codes[b + i])
                sums[begin + i] += one + (third * np.float32(codes[c + i]) + fourth * np.float32(codes[d + i]))
            term += 4
        while term < len(slots):
            a, first = at + slots[term] * width, weights[term]
            for i in range(GROUP):
                sums[begin + i] += first * np.float32(codes[a + i])
            term += 1


@compiled
def _largest(sums: Any, out: Any) -> None:
    """The largest sum of each group: none is below zero, so their order is that of their bits as whole numbers."""
    bits, found = sums.view(np.int32), out.view(np.int32)
    for group in range(len(out)):
        largest = np.int32(0)
        for i in range(GROUP * group, GROUP * group + GROUP):
            largest = max(largest, bits[i])
        found[group] = largest


@compiled
def _reaching(bounds: Any, theta: float, which: Any) -> int:
    """The groups whose bound reaches theta and is above zero; returns how many."""
    count = 0
    for group in range(len(bounds)):
        which[count] = group
        count += (bounds[group] >= theta) & (bounds[group] > 0)
    return count


@compiled
def _with_room(best: Best, more: int, theta: float) -> Best:
    """The candidates that still reach theta, with room for more."""
    bounds, positions, count, units, above, edge = best
    if count + more <= len(bounds):
        return best
    kept = 0
    for i in range(count):
        bounds[kept], positions[kept] = bounds[i], positions[i]
        kept += bounds[i] >= theta
    if 2 * kept + more <= len(bounds):
        return Best(bounds, positions, kept, units, above, edge)
    wider, places = np.empty(2 * (kept + more), np.float32), np.empty(2 * (kept + more), np.int64)
    wider[:kept], places[:kept] = bounds[:kept], positions[:kept]
    return Best(wider, places, kept, units, above, edge)


@compiled
def _take(sums: Any, which: Any, begin: int, allowed: Any, best: Best, wanted: Any) -> Best:
    """Put the positions that reach the threshold among the candidates; it rises with them."""
    bounds, positions, count, units, above, edge = best
    k, slack, ceiling, tight = wanted
    theta = np.float32(edge) * tight - slack
    for group in which:
        first = GROUP * np.int64(group)
        for i in range(first, first + GROUP):
            bound = sums[i]
            if bound < theta or bound <= 0 or (len(allowed) > 0 and not allowed[begin + i]):
                continue
            bounds[count], positions[count] = bound, begin + i
            count += 1
            unit = min(np.int64(bound), UNITS)
            units[unit] += 1
            above += unit >= edge
            while edge < ceiling and above - units[edge] >= k:
                above -= units[edge]
                edge += 1
                theta = np.float32(edge) * tight - slack
    return Best(bounds, positions, count, units, above, edge)
