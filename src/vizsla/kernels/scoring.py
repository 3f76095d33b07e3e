"""Queries to the best positions: bounds from one-byte codes first, exact sums of the few that can matter.

Every posting has a code of one byte, rounded up, so that the sum of weight x code is never below the
exact sum and above it by at most one code a term; where codes were made under other norms, sums are
scaled to stay above, and may be above by a share as well. A frequent column has a code at every position
(tiles) and the largest code of every group of positions; the others are lists. A block of positions
is bounded by its lists and the groups' largest codes; where the bound reaches the best k so far, the
tiles are read, and where it still does, the position is a candidate. Candidates are summed exactly
from their rows, in float64 and rising order of columns, and rounded once.

Weights are scaled so that no sum passes UNITS: a histogram of units is the threshold, and no query
overflows. Arrays in, arrays out; refuses to know what a column is.
"""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.compiling import compiled
from vizsla.kernels.summing import Query, Rows, sum_rows, table

GROUP = 16
"""Positions that share one largest code."""
TILE = 1 << 15
"""Positions of a tile, and of a block at most: their sums fit the second-level cache."""
UNITS = 4096
"""What the largest possible sum of a query is scaled to."""
_FIRST = 1 << 12
_FAINTEST = 1e-30
_LARGEST = float(np.finfo(np.float32).max)
_SMALLEST = float(np.finfo(np.float32).smallest_subnormal)


class Stored(NamedTuple):
    """An index: rows; lists (starts, positions, codes); tiles (columns that have them, codes, groups)."""

    rows: Rows
    starts: Any
    positions: Any
    codes: Any
    frequent: Any
    tiles: Any
    groups: Any


class Span(NamedTuple):
    """Positions `first` to `last` (multiples of GROUP, or the end), and which may be returned (all where empty)."""

    first: int
    last: int
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
def search(stored: Stored, norms: Any, query: Query, k: int, span: Span) -> tuple[int, Any, Any]:
    """The best k positions of a span, unordered, and those that might equal the worst of them.

    Where `norms` (float32, one a position) is empty, values are impacts; else term frequencies, which
    weigh value / (value + norm).

    Returns:
        1 (0 where the arrays contradict each other, which only an altered file does), positions, scores.
    """
    fine, cursors, ends, faint, slots, heavy = _prepare(stored, query, span)
    nothing = np.empty(0, np.int64), np.empty(0, np.float32)
    if not fine:
        return 0, nothing[0], nothing[1]
    slack = np.float32(UNITS / 255.0 * query.loose + _margin(query))
    # Sums beyond float32 are infinite, all of them equal: the threshold stays below.
    ceiling = np.int64(min(1.0, _LARGEST / _top(query.steps)) * UNITS)
    wanted = k, slack, ceiling, np.float32(query.tight)
    best = _sweep(stored, (cursors, ends, faint), (slots, heavy), wanted, span)
    if not np.array_equal(cursors, ends):
        return 0, nothing[0], nothing[1]
    fine, positions, scores = _settle(stored.rows, norms, query, k, best, slack)
    return fine, positions, scores


@compiled
def search_few(stored: Stored, norms: Any, query: Query, positions: Any) -> tuple[int, Any, Any]:
    """The exact scores of given positions, those left out that share no column with the query."""
    scores = np.empty(len(positions), np.float32)
    if not sum_rows(stored.rows, norms, query, table(query.columns), positions, scores):
        return 0, positions[:0], scores[:0]
    kept = scores >= 0
    return 1, positions[kept], scores[kept]


@compiled
def _prepare(stored: Stored, query: Query, span: Span) -> Any:
    """Where each list begins and ends within the span, the tiled columns' slots, and both's weights in units."""
    columns, steps, top = query.columns, query.steps, _top(query.steps)
    cursors, ends = np.empty(len(columns), np.int64), np.empty(len(columns), np.int64)
    faint, heavy = np.empty(len(columns), np.float32), np.empty(len(columns), np.float32)
    slots = np.empty(len(columns), np.int64)
    lists, tiled, frequent = 0, 0, stored.frequent
    for i in range(len(columns)):
        column = columns[i]
        weight = np.float32(max(steps[i] / top * UNITS, _FAINTEST))
        slot = np.searchsorted(frequent, column)
        if slot < len(frequent) and frequent[slot] == column:
            slots[tiled], heavy[tiled] = slot, weight
            tiled += 1
            continue
        begin, end = stored.starts[column], stored.starts[column + 1]
        if not 0 <= begin <= end <= len(stored.positions):
            return False, cursors, ends, faint, slots, heavy
        cursors[lists] = _reach(stored.positions, begin, end, span.first)
        ends[lists] = _reach(stored.positions, cursors[lists], end, span.last)
        faint[lists] = weight
        lists += 1
    return True, cursors[:lists], ends[:lists], faint[:lists], slots[:tiled], heavy[:tiled]


@compiled
def _top(steps: Any) -> float:
    """The largest sum that a query's codes can have."""
    top = 0.0
    for i in range(len(steps)):
        top += 255.0 * steps[i]
    return top


@compiled
def _margin(query: Query) -> float:
    """Units by which rounding may move a sum of bounds, or a score: float32 has 24 bits, and a smallest number."""
    rounding = (len(query.columns) + 8) * 2.0**-22
    return UNITS * min(1.0, rounding + _SMALLEST / _top(query.steps))


@compiled
def _reach(positions: Any, low: int, high: int, stop: int) -> int:
    """Where positions from `low` on reach `stop`."""
    while low < high:
        middle = (low + high) >> 1
        if positions[middle] < stop:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _sweep(stored: Stored, lists: Any, tiled: Any, wanted: Any, span: Span) -> Best:
    """Every position whose bound reaches what the best k so far allow.

    Blocks double, so that the first, for which nothing is known, is small; a block ends where its tile does, for
    within a tile the codes of a column lie side by side.
    """
    columns, padded = len(stored.frequent), (len(stored.rows.ends) + GROUP - 2) // GROUP * GROUP
    room = min(TILE, padded)
    sums, bounds, which = (
        np.zeros(room, np.float32),
        np.empty(room // GROUP, np.float32),
        np.empty(room // GROUP + 1, np.int32),
    )
    best = Best(np.empty(0, np.float32), np.empty(0, np.int64), 0, np.zeros(UNITS + 1, np.int64), 0, 0)
    begin, most = span.first, _FIRST
    while begin < span.last:
        tile = begin // TILE * TILE
        stop, width = min(begin + most, tile + TILE, span.last), min(TILE, padded - tile)
        count = (stop - begin + GROUP - 1) // GROUP
        near, groups, place = sums[: count * GROUP], bounds[:count], tile * columns + begin - tile
        theta = np.float32(best.edge) * wanted[3] - wanted[1]
        _add_lists(stored, lists, begin, stop, near)
        found = count
        if theta > 0:
            _largest(near, groups)
            _add_tiles(stored.groups, tiled, (tile * columns + begin - tile) // GROUP, width // GROUP, groups)
            found = _reaching(groups, theta, which)
        if 3 * found > count:
            _add_tiles(stored.tiles, tiled, place, width, near)
            _largest(near, groups)
            found = _reaching(groups, theta, which)
        else:
            _add_groups(stored.tiles, tiled, place, width, near, which[:found])
        near[stop - begin :] = 0.0  # behind the last position nothing stands, unless tiles were altered
        best = _with_room(best, found * GROUP, theta)
        best = _take(near, which[:found], begin, span.allowed, best, wanted)
        near[:] = 0.0
        begin, most = stop, min(2 * most, TILE)
    return best


@compiled
def _add_lists(stored: Stored, lists: Any, begin: int, stop: int, sums: Any) -> None:
    """Add the lists' bounds of positions `begin` to `stop`; cursors move on."""
    cursors, ends, weights = lists
    positions, codes, last = stored.positions, stored.codes, np.uint32(stop - begin - 1)
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


@compiled
def _settle(rows: Rows, norms: Any, query: Query, k: int, best: Best, slack: float) -> Any:
    """Exact scores of the candidates: of those at or above the edge, then of those that may reach the k-th of these."""
    bounds, positions, count, _, _, edge = best
    places, scores = table(query.columns), np.empty(count, np.float32)
    first = _part(bounds, positions, 0, count, np.float32(edge))
    if not sum_rows(rows, norms, query, places, positions[:first], scores[:first]):
        return 0, positions[:0], scores[:0]
    least = np.float32(edge) * np.float32(query.tight) - slack
    if first >= k and first < count:
        worst = min(np.float64(np.partition(scores[:first], first - k)[first - k]), _LARGEST)
        least = max(least, np.float32(worst / _top(query.steps) * UNITS - _margin(query)))
    last = _part(bounds, positions, first, count, least)
    if not sum_rows(rows, norms, query, places, positions[first:last], scores[first:last]):
        return 0, positions[:0], scores[:0]
    for i in range(last):
        if scores[i] < 0:  # a bound, and nothing in its row
            return 0, positions[:0], scores[:0]
    return 1, positions[:last], scores[:last]


@compiled
def _part(bounds: Any, positions: Any, begin: int, end: int, least: float) -> int:
    """Move candidates of at least so much to the front; returns where they end."""
    kept = begin
    for i in range(begin, end):
        if bounds[i] >= least:
            bounds[i], bounds[kept] = bounds[kept], bounds[i]
            positions[i], positions[kept] = positions[kept], positions[i]
            kept += 1
    return kept
