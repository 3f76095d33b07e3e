"""Sorted lists of strings become one, and each old number a new one."""

from typing import Any

import numpy as np

from vizsla.kernels.compiling import compiled


@compiled
def unite(one: Any, one_starts: Any, other: Any, other_starts: Any) -> Any:
    """Number the strings of two sorted lists as they stand in the union: (numbers of one, numbers of the other).

    Strings are compared by their bytes. A start outside the bytes, which only an altered file has, ends in an
    empty pair of arrays.
    """
    sizes = (len(one_starts) - 1, len(other_starts) - 1)
    first, second = np.empty(sizes[0], np.int64), np.empty(sizes[1], np.int64)
    i, j, number = 0, 0, 0
    while i < sizes[0] or j < sizes[1]:
        begin, end = (one_starts[i], one_starts[i + 1]) if i < sizes[0] else (0, 0)
        start, stop = (other_starts[j], other_starts[j + 1]) if j < sizes[1] else (0, 0)
        if not (0 <= begin <= end <= len(one) and 0 <= start <= stop <= len(other)):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        order = 0  # below zero where the string of the first list comes first
        if i == sizes[0]:
            order = 1
        elif j == sizes[1]:
            order = -1
        else:
            while begin < end and start < stop and one[begin] == other[start]:
                begin, start = begin + 1, start + 1
            if begin < end and start < stop:
                order = -1 if one[begin] < other[start] else 1
            elif begin < end or start < stop:
                order = 1 if begin < end else -1
        if order <= 0:
            first[i] = number
            i += 1
        if order >= 0:
            second[j] = number
            j += 1
        number += 1
    return first, second
