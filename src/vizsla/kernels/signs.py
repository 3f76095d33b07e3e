"""Estimates of dot products from one bit a column: which side of a mean, after a rotation, each column lies.

A query is small whole numbers, -3 to 3, in three planes of bits (two's complement). What the signs add up to is
2 x sum(bit x number) - sum(number), by AND and counting bits; times a position's factor it estimates the product of
its distance from the mean. Bits lie in tiles of TILE positions, word after word. Arrays in, arrays out.
"""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.compiling import compiled
from vizsla.kernels.selecting import narrowed, nothing, take

TILE = 512
WORD = 64
_MOST = 3.0
_PAIRS, _FOURS, _EIGHTS = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
_BYTES = np.uint64(0x0101010101010101)
_ONE, _TWO, _FOUR, _LAST = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


class Codes(NamedTuple):
    """Bits (tiles, words, TILE) uint64, and factors (n,) float32."""

    bits: Any
    factors: Any


class Asked(NamedTuple):
    """A query: planes (words, 3) uint64 that weigh 1, 2 and -4, and the sum of its numbers."""

    planes: Any
    total: int


@compiled
def planes(turned: Any, steps: float) -> tuple[Any, int]:
    """A query's numbers, `steps` times its columns (whole words) rounded: their planes, and their sum."""
    found, total = np.zeros((len(turned) // WORD, 3), np.uint64), 0
    for column in range(len(turned)):
        number = np.int64(min(max(np.rint(turned[column] * steps), -_MOST), _MOST))
        total += number
        for plane in range(3):
            found[column // WORD, plane] |= np.uint64((number >> plane) & 1) << np.uint64(column % WORD)
    return found, total


@compiled
def scan(codes: Codes, query: Asked, depth: int, span: Any, allowed: Any) -> tuple[Any, Any]:
    """Positions whose estimates are among the largest `depth`, equals of the last of these with them, and estimates.

    Args:
        codes: of all positions.
        query: as it is asked.
        depth: how many.
        span: the first position (a multiple of TILE), and behind the last.
        allowed: (n,) which positions may be taken; all where empty.
    """
    first, last = span
    best, wanted = nothing(depth), (depth, 0.0, np.inf)
    sums, estimates = np.empty(TILE, np.int64), np.empty(TILE, np.float32)
    for begin in range(first, last, TILE):
        count = min(TILE, last - begin)
        _estimate(codes.bits[begin // TILE], codes.factors[begin : begin + count], query, sums, estimates)
        best = take(estimates[:count], begin, allowed, best, wanted)
    best = narrowed(best, wanted, 0)
    return best.positions[: best.count], best.scores[: best.count]


@compiled
def estimate(codes: Codes, query: Asked, estimates: Any) -> None:
    """The estimate of every position, into (n,) float32."""
    sums = np.empty(TILE, np.int64)
    for begin in range(0, len(estimates), TILE):
        some = estimates[begin : begin + TILE]
        _estimate(codes.bits[begin // TILE], codes.factors[begin : begin + len(some)], query, sums, some)


@compiled
def _estimate(bits: Any, factors: Any, query: Asked, sums: Any, estimates: Any) -> None:
    """Two words at a time: half as often to memory and back."""
    sums[:] = 0
    for word in range(0, len(query.planes), 2):
        one, two, four = query.planes[word, 0], query.planes[word, 1], query.planes[word, 2]
        near, far, other = bits[word], bits[word], np.uint64(0)
        more, most = other, other
        if word + 1 < len(query.planes):
            far = bits[word + 1]
            other, more, most = query.planes[word + 1, 0], query.planes[word + 1, 1], query.planes[word + 1, 2]
        for i in range(TILE):
            ones = np.int64(_ones(near[i] & one)) + np.int64(_ones(far[i] & other))
            twos = np.int64(_ones(near[i] & two)) + np.int64(_ones(far[i] & more))
            fours = np.int64(_ones(near[i] & four)) + np.int64(_ones(far[i] & most))
            sums[i] += ones + 2 * twos - 4 * fours
    for i in range(len(factors)):
        estimates[i] = factors[i] * np.float32(2 * sums[i] - query.total)


@compiled
def _ones(word: int) -> int:
    """How many bits are set, in the form that compilers know as one instruction, over several words at a time."""
    word = word - ((word >> _ONE) & _PAIRS)
    word = (word & _FOURS) + ((word >> _TWO) & _FOURS)
    word = (word + (word >> _FOUR)) & _EIGHTS
    return (word * _BYTES) >> _LAST
