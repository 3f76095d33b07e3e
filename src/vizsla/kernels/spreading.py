"""A query's terms laid out for many indexes at once, each of which numbers terms in its own way."""

from typing import Any

import numpy as np

from vizsla.kernels.compiling import compiled


@compiled
def spread(numbers: Any, wanted: Any, weights: Any, columns: Any, laid: Any) -> Any:
    """For every index the columns of a query's terms, rising, with their weights; returns how many, and their sum.

    `numbers` (indexes, terms) are terms' columns in each index, -1 where it lacks one. `wanted` are the query's terms
    and `weights` theirs; what weighs nothing is left out. `columns` (int64) and `laid` (float64), (indexes, wanted),
    are filled from the left.
    """
    held, sums = np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.float64)
    keys = np.empty(len(wanted), np.int64)
    for index in range(len(numbers)):
        count = 0
        for i in range(len(wanted)):
            column = numbers[index, wanted[i]]
            if column >= 0 and weights[i] > 0:
                keys[count] = (np.int64(column) << 32) | i
                count += 1
        some = keys[:count]
        some.sort()
        for i in range(count):
            columns[index, i], laid[index, i] = some[i] >> 32, weights[some[i] & 0xFFFFFFFF]
            sums[index] += laid[index, i]
        held[index] = count
    return held, sums
