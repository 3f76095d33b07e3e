"""Wire: the little of Protocol Buffers' encoding that messages of numbers and strings need.

Knows varints, tags, and messages with their size before them, over arrays where there are many.
Refuses to know what a field means. Source: the encoding guide of Protocol Buffers, version 3.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import DataError
from vizsla.data.problems import shown

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_LONGEST = 10  # bytes of a varint of 64 bits
_SEVEN = np.uint64(7)

Field: TypeAlias = tuple[int, int | bytes]
"""A field's number, and what it holds."""

Unsigned: TypeAlias = npt.NDArray[np.uint64]


class Messages:
    """Messages with their size before them, from a stream of blocks; memory: one message.

    Args:
        blocks: the bytes, in pieces of any size.
        name: what they come from, for messages of errors.
    """

    def __init__(self, blocks: Iterable[bytes], name: str) -> None:
        self._blocks = iter(blocks)
        self._name = name
        self._kept = b""
        self._at = 0
        self._dropped = 0

    @property
    def place(self) -> int:
        """How many bytes were read so far."""
        return self._dropped + self._at

    def read(self) -> bytes:
        """The next message.

        Raises:
            DataError: there is none, or it is cut short.
        """
        start = self.place
        self._fill(_LONGEST)
        size, self._at = varint_at(self._kept, self._at, f"{self._name}: byte {start}")
        if not self._fill(size):
            found = f"{len(self._kept) - self._at} bytes of {size} of the message at byte {start}"
            raise DataError(f"{self._name}: found {found}; wanted all: cut short, or not this format: restore the file")
        self._at += size
        return self._kept[self._at - size : self._at]

    def is_done(self) -> bool:
        """Whether nothing follows."""
        return not self._fill(1)

    def _fill(self, size: int) -> bool:
        """Read on until so many bytes are there; whether they are."""
        there = len(self._kept) - self._at
        if there >= size:
            return True
        parts = [self._kept[self._at :]]
        while there < size and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            there += len(block)
        self._dropped += self._at
        self._kept, self._at = b"".join(parts), 0
        return there >= size


def fields(message: bytes, where: str) -> Iterator[Field]:
    r"""Every field of a message in its order: varints as numbers, all else as bytes.

    >>> list(fields(b"\x08\x96\x01\x12\x02hi", "here"))
    [(1, 150), (2, b'hi')]

    Raises:
        DataError: bytes that are no message.
    """
    at = 0
    while at < len(message):
        tag, at = varint_at(message, at, where)
        kind = tag & 7
        if kind == VARINT:
            value, at = varint_at(message, at, where)
            yield tag >> 3, value
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(kind, -1)
        if kind == BYTES:
            size, at = varint_at(message, at, where)
        if size < 0 or at + size > len(message):
            raise DataError(f"{where}: found {shown(message[at:])} for a field of kind {kind}; wanted a whole message")
        yield tag >> 3, message[at : at + size]
        at += size


def varints(content: bytes, where: str) -> tuple[Unsigned, npt.NDArray[np.int64]]:
    """All varints of bytes that hold nothing else, and the bytes that each takes.

    Raises:
        DataError: the last one is cut short, or one takes more than 10 bytes.
    """
    array = np.frombuffer(content, dtype=np.uint8)
    ends = np.flatnonzero(array < 128)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1] + 1]) if len(ends) else ends
    sizes = ends - starts + 1
    if len(array) and (not len(ends) or ends[-1] != len(array) - 1 or sizes.max() > _LONGEST):
        raise DataError(
            f"{where}: found {shown(content[-16:])} at the end of numbers; wanted varints: restore the file"
        )
    values = np.zeros(len(ends), dtype=np.uint64)
    for place in range(int(sizes.max(initial=0))):
        longer = np.flatnonzero(sizes > place)
        part = array[starts[longer] + place].astype(np.uint64) & np.uint64(127)
        values[longer] |= part << (_SEVEN * np.uint64(place))
    return values, sizes.astype(np.int64)


def varint_sizes(values: Unsigned) -> npt.NDArray[np.int64]:
    """How many bytes each number takes as a varint."""
    sizes = np.ones(len(values), dtype=np.int64)
    left = values >> _SEVEN
    while left.any():
        sizes += left > 0
        left = left >> _SEVEN
    return sizes


def varint_bytes(values: Unsigned) -> bytes:
    """Numbers as varints, one after another.

    >>> varint_bytes(np.array([1, 150], dtype=np.uint64)).hex()
    '019601'
    """
    sizes = varint_sizes(values)
    places = np.arange(int(sizes.max(initial=0)))
    parts = (values[:, None] >> (_SEVEN * places.astype(np.uint64))) & np.uint64(127)
    parts |= np.where(places < sizes[:, None] - 1, np.uint64(128), np.uint64(0))
    return parts.astype(np.uint8)[places < sizes[:, None]].tobytes()


def varint(value: int) -> bytes:
    """One number of at most 64 bits as a varint; one below 0 in two's complement, as int32 and int64 are."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def number_field(number: int, value: int) -> bytes:
    """A field that holds a number; nothing for 0, which is what a missing field means."""
    return varint(number << 3 | VARINT) + varint(value) if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """A field that holds bytes, a string or a message."""
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def signed(value: int) -> int:
    """A varint of a signed field as the number it stands for."""
    return value - (1 << 64) if value >> 63 else value


def varint_at(message: bytes, at: int, where: str) -> tuple[int, int]:
    """The number at a place of a message, and the place behind it.

    Raises:
        DataError: it is cut short, or takes more than 10 bytes.
    """
    value = shift = 0
    while True:
        if at >= len(message) or shift >= 7 * _LONGEST:
            raise DataError(f"{where}: found {shown(message[-16:])} where a number ends; wanted a whole message")
        value |= (message[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if message[at - 1] < 128:
            return value & ((1 << 64) - 1), at
