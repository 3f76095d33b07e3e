"""Packed strings: many strings as one buffer of UTF-8, without an object for each.

Knows bytes and offsets. Refuses to know what the strings say.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_PREFIX = 8


class Strings(NamedTuple):
    """Strings one after another: `data` (bytes,) uint8 and `starts` (n + 1,) int64."""

    data: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]


def pack(strings: Sequence[str]) -> Strings:
    """Pack strings; a lone surrogate becomes a question mark, which parts words as it would.

    >>> pack(["a", "维"]).starts.tolist()
    [0, 1, 4]
    """
    encoded = [string.encode("utf-8", "replace") for string in strings]
    return Strings(np.frombuffer(b"".join(encoded), np.uint8), _starts([len(string) for string in encoded]))


def from_points(points: npt.NDArray[np.uint32], sizes: npt.NDArray[np.int64]) -> Strings:
    """Pack strings given as code points one after another, so many a string."""
    data = np.frombuffer(points.tobytes().decode("utf-32-le").encode(), np.uint8)
    bytes_a_point = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(bytes_a_point)])
    return Strings(data, ends[_starts(sizes)])


def unpack(strings: Strings) -> list[str]:
    """The strings as strings."""
    data, bounds = strings.data.tobytes(), strings.starts.tolist()
    return [data[bounds[i] : bounds[i + 1]].decode() for i in range(len(bounds) - 1)]


def concatenate(one: Strings, other: Strings) -> Strings:
    """The strings of both, in order."""
    starts = np.concatenate([one.starts, other.starts[1:] + one.starts[-1]])
    return Strings(np.concatenate([one.data, other.data]), starts)


def take(strings: Strings, rows: npt.NDArray[np.int64]) -> Strings:
    """The strings of these rows, in this order."""
    starts = _starts(np.diff(strings.starts)[rows])
    return Strings(strings.data[stretches(strings.starts[rows], starts)], starts)


def stretches(begins: npt.NDArray[np.int64], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The indices of many stretches one after another: stretch i begins at begins[i] and fills starts[i:i+2].

    >>> stretches(np.array([5, 0]), np.array([0, 2, 5])).tolist()
    [5, 6, 0, 1, 2]
    """
    return np.repeat(begins - starts[:-1], np.diff(starts)) + np.arange(starts[-1])


def rank(strings: Strings) -> npt.NDArray[np.int64]:
    """The rows in the order of their bytes, which is the order of their code points: (n,).

    Sorted by the first eight bytes as one number; only runs of equal ones are compared as strings.
    """
    sizes = np.diff(strings.starts)
    keys = np.zeros(len(sizes), np.uint64)
    for place in range(_PREFIX):
        held = sizes > place
        keys <<= np.uint64(8)
        keys[held] |= strings.data[strings.starts[:-1][held] + place]
    order = np.argsort(keys, kind="stable").astype(np.int64)
    ranked = keys[order]
    same = np.concatenate([[False], ranked[1:] == ranked[:-1], [False]])
    edges = np.flatnonzero(same[1:] != same[:-1]).tolist()
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        rows = order[begin : end + 1]
        texts = [strings.data[strings.starts[row] : strings.starts[row + 1]].tobytes() for row in rows]
        order[begin : end + 1] = rows[sorted(range(len(texts)), key=texts.__getitem__)]
    return order


def _starts(sizes: Sequence[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    starts = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts
