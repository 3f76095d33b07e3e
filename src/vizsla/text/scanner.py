"""The scanner: texts to numbered raw tokens, before stop words and stems.

Knows UTF-8 bytes and the table of raw tokens, which grows as it reads. Refuses to know what the
tokens will mean.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vizsla.kernels import scanning
from vizsla.text import packing

Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The raw tokens of some texts.

    Attributes:
        numbers: (t,) int32, the tokens of all texts one after another.
        ends: (n,) int64, where each text's tokens end.
        spans: (t, 2) int64 byte offsets within the data, or (0, 2) where they were not asked for.
    """

    numbers: npt.NDArray[np.int32]
    ends: Offsets
    spans: Offsets


class Scanner:
    """Cuts texts into raw tokens and remembers every one it has seen.

    Args:
        characters: the table of `vizsla.text.characters`.
        grams: ideographs become single characters and pairs; else each run is one token.
    """

    def __init__(self, characters: scanning.Characters, *, grams: bool) -> None:
        self._characters = characters
        self._grams = grams
        self._raw = scanning.RawTokens(
            slots=np.full(1 << 12, -1, np.int32),
            hashes=np.zeros(0, np.uint64),
            types=np.zeros(0, np.uint8),
            bounds=np.zeros(1, np.int64),
            arena=np.zeros(0, np.uint32),
            used=np.zeros(2, np.int64),
        )

    def __len__(self) -> int:
        return int(self._raw.used[0])

    def find_complex(self, texts: scanning.Texts) -> npt.NDArray[np.int64]:
        """The rows whose normal form must be made before they are scanned."""
        return np.flatnonzero(scanning.find_complex(texts, self._characters.kinds))

    def scan(self, texts: scanning.Texts, *, spans: bool = False) -> Tokens:
        """Cut texts, well-formed UTF-8, into raw tokens."""
        starts, ends = texts.starts, texts.ends
        size = int((ends - starts).sum())
        self._make_room(size)
        numbers = np.empty(size, np.int32)
        places = np.empty((size if spans else 0, 2), np.int64)
        row_ends = np.empty(len(starts), np.int64)
        stream = scanning.Stream(numbers, places)
        count = scanning.scan(texts, self._characters, self._grams, self._raw, stream, row_ends)
        return Tokens(numbers[:count], row_ends, places[:count])

    def types(self, first: int) -> npt.NDArray[np.uint8]:
        """The types of the raw tokens from number `first` on: (n,)."""
        types: npt.NDArray[np.uint8] = self._raw.types[first : len(self)]
        return types

    def sizes(self, first: int) -> npt.NDArray[np.int64]:
        """The characters of the raw tokens from number `first` on: (n,)."""
        sizes: npt.NDArray[np.int64] = np.diff(self._raw.bounds[first : len(self) + 1])
        return sizes

    def packed(self, numbers: npt.NDArray[np.int64]) -> packing.Strings:
        """The raw tokens of these numbers, packed."""
        begins, sizes = self._raw.bounds[numbers], self._raw.bounds[numbers + 1] - self._raw.bounds[numbers]
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        return packing.from_points(self._raw.arena[packing.stretches(begins, ends)], sizes)

    def words(self, numbers: npt.NDArray[np.int64]) -> list[str]:
        """The raw tokens of these numbers as strings."""
        return packing.unpack(self.packed(numbers))

    def _make_room(self, size: int) -> None:
        """Grow the table for the most new tokens that `size` bytes can hold: one a byte, two points a byte."""
        raw, tokens, points = self._raw, int(self._raw.used[0]), int(self._raw.used[1])
        most_tokens, most_points = tokens + size, points + 2 * size
        raw = raw._replace(
            hashes=grown(raw.hashes, most_tokens),
            types=grown(raw.types, most_tokens),
            bounds=grown(raw.bounds, most_tokens + 1),
            arena=grown(raw.arena, most_points),
        )
        if 2 * most_tokens > len(raw.slots):
            raw = raw._replace(slots=np.full(1 << (2 * most_tokens).bit_length(), -1, np.int32))
            scanning.rehash(raw.hashes, tokens, raw.slots)
        self._raw = raw


def grown(array: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """The array with room for `size` entries, zero where new; itself where it has that room."""
    if size <= len(array):
        return array
    larger = np.zeros(2 * size, array.dtype)
    larger[: len(array)] = array
    return larger
