"""The scanner: texts to numbered raw tokens, before stop words and stems.

Knows UTF-8 bytes and the table of raw tokens, which grows as it reads. Refuses to know what the
tokens will mean.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vizsla.kernels import scanning

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

    def words(self, numbers: npt.NDArray[np.int64]) -> list[str]:
        """The raw tokens of these numbers as strings."""
        bounds, arena = self._raw.bounds, self._raw.arena
        return [arena[bounds[n] : bounds[n + 1]].tobytes().decode("utf-32-le") for n in numbers.tolist()]

    def _make_room(self, size: int) -> None:
        """Grow the table for the most new tokens that `size` bytes can hold: one a byte, two points a byte."""
        raw, tokens, points = self._raw, int(self._raw.used[0]), int(self._raw.used[1])
        most_tokens, most_points = tokens + size, points + 2 * size
        if most_tokens > len(raw.hashes):
            raw = raw._replace(
                hashes=_grown(raw.hashes, 2 * most_tokens),
                types=_grown(raw.types, 2 * most_tokens),
                bounds=_grown(raw.bounds, 2 * most_tokens + 1),
            )
        if most_points > len(raw.arena):
            raw = raw._replace(arena=_grown(raw.arena, 2 * most_points))
        if 2 * most_tokens > len(raw.slots):
            raw = raw._replace(slots=np.full(1 << (2 * most_tokens).bit_length(), -1, np.int32))
            scanning.rehash(raw.hashes, tokens, raw.slots)
        self._raw = raw


def _grown(array: npt.NDArray[np.generic], size: int) -> npt.NDArray[np.generic]:
    larger = np.zeros(size, array.dtype)
    larger[: len(array)] = array
    return larger
