"""A dictionary: the different texts of a column, sorted, so that comparing texts is comparing their codes.

The code of a text is its rank in the order of UTF-8 bytes, which is the order of code points. Refuses
to know which passage holds which text.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vizsla.collections.metadata.like import Pattern
from vizsla.core.vectors import Bitmap
from vizsla.data.arena import Arena, Bytes, Ints

Codes = npt.NDArray[np.int32]
_ABOVE = b"\xff"  # no UTF-8 holds it: above every text with a given beginning


class Dictionary:
    """Sorted texts, packed.

    >>> dictionary, codes = Dictionary.build(["zh", "en", "zh"])
    >>> codes.tolist(), dictionary.span("en"), dictionary.span("fr")
    ([1, 0, 1], (0, 1), (1, 1))

    Args:
        data: (bytes,) uint8, the texts one after another.
        starts: (n + 1,) int64, where each begins.
        name: what it is of, for messages.
    """

    def __init__(self, data: Bytes, starts: Ints, name: str) -> None:
        self.data, self.starts = data, starts
        self._arena = Arena(data, starts, name)

    @classmethod
    def build(cls, texts: Sequence[str]) -> tuple["Dictionary", Codes]:
        """The dictionary of these texts, and the code of each: (n,) int32."""
        entries = sorted(set(texts))
        codes = {text: code for code, text in enumerate(entries)}
        made = np.fromiter(map(codes.__getitem__, texts), np.int32, len(texts))
        return cls.pack([entry.encode() for entry in entries]), made

    @classmethod
    def pack(cls, entries: Sequence[bytes]) -> "Dictionary":
        """A dictionary of entries that rise."""
        starts = np.zeros(len(entries) + 1, np.int64)
        np.cumsum([len(entry) for entry in entries], out=starts[1:])
        return cls(np.frombuffer(b"".join(entries), np.uint8), starts, "metadata")

    def __len__(self) -> int:
        return len(self.starts) - 1

    def texts(self, codes: Codes) -> list[str]:
        """The texts of these codes.

        Raises:
            ShapeError: a code that is not there.
            ArtifactError: stored offsets outside the texts, or bytes that are not UTF-8.
        """
        return self._arena.strings(*self._arena.spans(codes.astype(np.int64)))

    def entries(self, codes: Codes) -> list[bytes]:
        """The UTF-8 of these codes.

        Raises:
            ShapeError: a code that is not there.
            ArtifactError: stored offsets outside the texts.
        """
        begin, end = self._arena.spans(codes.astype(np.int64))
        view = self._view
        return [bytes(view[b:e]) for b, e in zip(begin.tolist(), end.tolist(), strict=True)]

    def span(self, text: str) -> tuple[int, int]:
        """The codes [begin, end) of a text: one where it is there, none where it would stand otherwise."""
        wanted = text.encode()
        begin = self._rank(wanted)
        return begin, begin + (begin < len(self) and self._entry(begin) == wanted)

    def matching(self, pattern: Pattern) -> Bitmap:
        """Which texts match: (n,) bool."""
        first = pattern.beginning.encode()
        begin, end = self._rank(first), self._rank(first + _ABOVE)
        found = np.zeros(len(self), np.bool_)
        if pattern.rest is None:
            found[begin:end] = True
            return found
        codes, match, view = self._holding(pattern.literal, begin, end), pattern.rest.fullmatch, self._view
        bounds = zip(self.starts[codes].tolist(), self.starts[codes + 1].tolist(), strict=True)
        found[codes] = np.fromiter((match(view, b, e) is not None for b, e in bounds), np.bool_, len(codes))
        return found

    def _holding(self, literal: bytes, begin: int, end: int) -> Ints:
        """The codes from begin to end whose texts hold these bytes, and perhaps some more.

        All texts are searched as one: what is found may lie across two of them, and hide another find in the second.
        """
        if not literal:
            return np.arange(begin, end)
        start, stop = int(self.starts[begin]), int(self.starts[end])
        finds = re.compile(re.escape(literal)).finditer(self._view, start, stop)
        places = np.fromiter((one.start() for one in finds), np.int64)
        touched = np.concatenate([places, places + len(literal) - 1])
        return np.unique(np.searchsorted(self.starts, touched, side="right") - 1)

    @cached_property
    def _view(self) -> memoryview:
        return self.data.data.toreadonly()

    def _entry(self, code: int) -> bytes:
        return bytes(self._view[int(self.starts[code]) : int(self.starts[code + 1])])

    def _rank(self, entry: bytes) -> int:
        return bisect_left(range(len(self)), entry, key=self._entry)


def union(parts: Iterable[list[bytes]]) -> tuple[Dictionary, Codes]:
    """The dictionary of several sorted lists, and the code there of each entry, list after list."""
    entries = [entry for part in parts for entry in part]
    order = sorted(range(len(entries)), key=entries.__getitem__)  # rising runs: merged rather than sorted
    ranked = [entries[place] for place in order]
    new = np.fromiter((i == 0 or one != ranked[i - 1] for i, one in enumerate(ranked)), np.bool_, len(ranked))
    codes = np.empty(len(entries), np.int32)
    codes[order] = np.cumsum(new) - 1
    return Dictionary.pack([ranked[i] for i in np.flatnonzero(new).tolist()]), codes
