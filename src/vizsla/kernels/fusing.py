"""What several retrievers found for one query, brought together and added up.

Arrays in, arrays out. Sums are made in the order of the retrievers, so that they are the same to the last bit however
many are fused at once. Refuses to know what a worth means, and who found what.
"""

from typing import Any

import numpy as np

from vizsla.kernels.compiling import compiled


@compiled
def unite(positions: Any, worth: Any, missing: Any, ends: Any) -> Any:
    """Every position once, rising, with what each base adds to it and whether that base found it.

    Args:
        positions: (n,) int64, the bases' hits one after another; no base holds a position twice.
        worth: (n,) float64, what each hit adds.
        missing: (bases,) float64, what a base adds to a position that it did not find.
        ends: (bases,) int64, where each base's hits end.

    Returns:
        (m,) positions, (m, bases) float64 and (m, bases) bool.
    """
    bases, count = len(ends), -1
    owners = np.searchsorted(ends, np.arange(len(positions)), side="right")
    distinct = np.empty(len(positions), np.int64)
    added, found = np.empty((len(positions), bases)), np.zeros((len(positions), bases), np.bool_)
    for one in np.argsort(positions):
        if count < 0 or positions[one] != distinct[count]:
            count += 1
            distinct[count], added[count] = positions[one], missing
        added[count, owners[one]], found[count, owners[one]] = worth[one], True
    return distinct[: count + 1], added[: count + 1], found[: count + 1]


@compiled
def add_up(positions: Any, worth: Any, found: Any, weights: Any) -> Any:
    """The positions that a base of a weight above 0 found, in their order, and the weighted sum of all bases.

    Args:
        positions: (m,) int64.
        worth: (m, bases) float64.
        found: (m, bases) bool.
        weights: (bases,) float64.

    Returns:
        (n,) positions and (n,) float32.
    """
    kept, sums, count = np.empty_like(positions), np.empty(len(positions), np.float32), 0
    for row in range(len(positions)):
        total, counts = 0.0, False
        for base in range(len(weights)):
            total += weights[base] * worth[row, base]
            counts |= found[row, base] and weights[base] > 0
        kept[count], sums[count] = positions[row], total
        count += counts
    return kept[:count], sums[:count]
