"""Estimates of dot products from one bit a column: which side of a centre, after a rotation, each column lies.

A query is small whole numbers, -3 to 3, in three planes of bits (two's complement). What the signs add up to is
2 x sum(bit x number) - sum(number), by AND and counting bits; times a row's factor it estimates the product of its
distance from the centre of its cell. Rows lie cell after cell, their bits in tiles of TILE rows at most, word after
word. Arrays in, arrays out; refuses to know how rows were put into cells.
"""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.compiling import compiled
from vizsla.kernels.selecting import narrowed, nothing, take

TILE = 512
WORD = 64
_MOST = 3.0
_STEPS = 5 / 3
"""Steps of a query's numbers to a standard deviation of its turned columns: seven of them are best about so."""
_PAIRS, _FOURS, _EIGHTS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_ONE, _TWO, _FOUR, _LAST = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


class Codes(NamedTuple):
    """Rows of codes, cell after cell.

    Attributes:
        bits: (places x words,) uint64; of a tile of rows, word after word.
        factors: (n,) float32.
        positions: (n,) int32, of each row; a row's own number where empty.
        firsts: (cells + 1,) int64, the first row of each cell, and behind the last.
        places: (cells + 1,) int64, where the bits of each cell begin, in rows of words, and behind the last.
        lengths: (cells,) float32, by which the directions of cells are multiplied to be their centres.
    """

    bits: Any
    factors: Any
    positions: Any
    firsts: Any
    places: Any
    lengths: Any


class Asked(NamedTuple):
    """A query.

    Attributes:
        planes: (words, 3) uint64 that weigh 1, 2 and -4.
        total: the sum of its numbers.
        step: what one of them is worth.
        products: (cells,) float32, with the direction of each.
    """

    planes: Any
    total: int
    step: float
    products: Any


@compiled
def planes(turned: Any, products: Any) -> Asked:
    """A query whose turned columns (whole words) are rounded to numbers."""
    squares = 0.0
    for column in range(len(turned)):
        squares += np.float64(turned[column]) * np.float64(turned[column])
    step = np.sqrt(squares / max(1, len(turned))) / _STEPS
    found, total = np.zeros((len(turned) // WORD, 3), np.uint64), 0
    for column in range(len(turned)):
        scaled = turned[column] / step if step > 0 else 0.0
        number = np.int64(min(max(np.rint(scaled), -_MOST), _MOST))
        total += number
        for plane in range(3):
            found[column // WORD, plane] |= np.uint64((number >> plane) & 1) << np.uint64(column % WORD)
    return Asked(found, total, np.float32(step), products)


@compiled
def ranked(products: Any) -> Any:
    """The cells, those with the largest products first, equals as they stand: (cells,)."""
    return np.argsort(-products, kind="mergesort")


@compiled
def scan(codes: Codes, query: Asked, rows: int, depth: int, outer: int, allowed: Any) -> tuple[Any, bool]:
    """Positions whose estimates are among the largest `depth` of what is read, equals of the last of these with them.

    And whether all of these are among the largest `outer` of what is read, taken or not: where what is near a query may
    not be taken, they lie farther out than others.

    Args:
        codes: of all rows.
        query: as it is asked.
        rows: cells are read, the nearest first, until so many rows that may be taken have been seen.
        depth: how many.
        outer: how many of all that are read; of no matter where all may be taken.
        allowed: (n,) which positions may be taken; all where empty.
    """
    size, few = len(codes.factors), len(allowed) > 0
    order = ranked(query.products) if rows < size else np.arange(len(query.products))
    best, wanted, seen = nothing(depth), (depth, 0.0, np.inf), 0
    every, among, all_of_them = nothing(outer if few else 0), (outer, 0.0, np.inf), np.empty(0, np.bool_)
    sums, estimates = np.empty(TILE, np.int64), np.empty(TILE, np.float32)
    chosen = np.empty(TILE if few else 0, np.bool_)
    for cell in order:
        if seen >= rows:
            break
        for first in range(codes.firsts[cell], codes.firsts[cell + 1], TILE):
            count = min(TILE, codes.firsts[cell + 1] - first)
            taken = _chosen(codes.positions, allowed, first, chosen[:count]) if few else count
            seen += taken
            if taken > 0 or few:
                _estimate(codes, query, cell, first, sums, estimates[:count])
            if few:
                every = take(estimates[:count], first, all_of_them, every, among)
            if taken > 0:
                best = take(estimates[:count], first, chosen[:count] if few else chosen, best, wanted)
    best = narrowed(best, wanted, 0)
    near = not few or best.count == 0 or not narrowed(every, among, 0).theta > best.scores[: best.count].min()
    found = best.positions[: best.count]
    if len(codes.positions) > 0:
        for i in range(len(found)):
            found[i] = codes.positions[found[i]]
    return found, near


@compiled
def estimate(codes: Codes, query: Asked, cells: Any, estimates: Any) -> None:
    """The estimates of the rows of some cells, one cell after another: (their rows,) float32."""
    sums, at = np.empty(TILE, np.int64), 0
    for cell in cells:
        for first in range(codes.firsts[cell], codes.firsts[cell + 1], TILE):
            count = min(TILE, codes.firsts[cell + 1] - first)
            _estimate(codes, query, cell, first, sums, estimates[at : at + count])
            at += count


@compiled
def _chosen(positions: Any, allowed: Any, first: int, chosen: Any) -> int:
    """Which rows of a tile may be taken, and how many."""
    taken = 0
    for i in range(len(chosen)):
        chosen[i] = allowed[positions[first + i] if len(positions) > 0 else first + i]
        taken += chosen[i]
    return taken


@compiled
def _estimate(codes: Codes, query: Asked, cell: int, first: int, sums: Any, estimates: Any) -> None:
    """The rows of one tile. Two words at a time: half as often to memory and back."""
    words, count = len(query.planes), len(estimates)
    place = codes.places[cell] + first - codes.firsts[cell]
    stride = min(TILE, codes.places[cell + 1] - place)
    begin = place * words
    sums[:count] = 0
    for word in range(0, words, 2):
        one, two, four = query.planes[word, 0], query.planes[word, 1], query.planes[word, 2]
        near = codes.bits[begin + word * stride : begin + word * stride + count]
        far, other, more, most = near, np.uint64(0), np.uint64(0), np.uint64(0)
        if word + 1 < words:
            far = codes.bits[begin + (word + 1) * stride : begin + (word + 1) * stride + count]
            other, more, most = query.planes[word + 1, 0], query.planes[word + 1, 1], query.planes[word + 1, 2]
        for i in range(count):
            ones = np.int64(_ones(near[i] & one)) + np.int64(_ones(far[i] & other))
            twos = np.int64(_ones(near[i] & two)) + np.int64(_ones(far[i] & more))
            fours = np.int64(_ones(near[i] & four)) + np.int64(_ones(far[i] & most))
            sums[i] += ones + 2 * twos - 4 * fours
    factors, step = codes.factors[first : first + count], np.float32(query.step)
    base = codes.lengths[cell] * query.products[cell]
    for i in range(count):
        estimates[i] = factors[i] * (step * np.float32(2 * sums[i] - query.total)) + base


@compiled
def _ones(word: int) -> int:
    """How many bits are set, in the form that compilers know as one instruction, over several words at a time."""
    word = word - ((word >> _ONE) & _PAIRS)
    word = (word & _FOURS) + ((word >> _TWO) & _FOURS)
    word = (word + (word >> _FOUR)) & _EIGHTS
    return (word * _BYTES) >> _LAST
