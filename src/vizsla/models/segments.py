"""Segments: ragged token ids, cut to fit and put together into rows, all rows at once.

Knows truncation and where specials stand. Refuses to know texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import SettingsError
from vizsla.models.description import Layout, Tokens
from vizsla.runtimes.rows import TokenRows

Counts: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Segments:
    """One run of token ids a row.

    Attributes:
        ids: of all rows, one after another: int32.
        lengths: how many each row has: (n,) int64.
    """

    ids: npt.NDArray[np.int32]
    lengths: Counts

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def constant(cls, rows: int, ids: Sequence[int]) -> Self:
        """The same ids in every row."""
        return cls(np.tile(np.array(ids, np.int32), rows), np.full(rows, len(ids), np.int64))

    @classmethod
    def concatenated(cls, parts: Sequence["Segments"]) -> Self:
        """The rows of all parts, one part after another."""
        ids = [np.empty(0, np.int32), *(part.ids for part in parts)]
        return cls(np.concatenate(ids), np.concatenate([np.empty(0, np.int64), *(part.lengths for part in parts)]))

    def take(self, places: Counts) -> "Segments":
        """The rows at these places, again where a place stands twice."""
        return self._runs(self._starts()[places], self.lengths[places])

    def kept(self, lengths: Counts, side: str) -> "Segments":
        """At most so many ids a row: the first where the right is cut, the last where the left is."""
        starts = self._starts()
        return self._runs(starts if side == "right" else starts + self.lengths - lengths, lengths)

    def _starts(self) -> Counts:
        return np.cumsum(self.lengths) - self.lengths

    def _runs(self, starts: Counts, lengths: Counts) -> "Segments":
        return Segments(self.ids[np.repeat(starts, lengths) + _within(lengths)], lengths)


def side_by_side(parts: Sequence[Segments]) -> tuple[Segments, npt.NDArray[np.int8]]:
    """The parts of every row behind one another, and the number of the part that each id is from.

    >>> made, part = side_by_side([Segments.constant(2, [7]), Segments.constant(2, [8, 9])])
    >>> made.ids.tolist(), part.tolist()
    ([7, 8, 9, 7, 8, 9], [0, 1, 1, 0, 1, 1])
    """
    lengths: Counts = np.stack([part.lengths for part in parts]).sum(axis=0)
    ids, origin = np.empty(lengths.sum(), np.int32), np.empty(lengths.sum(), np.int8)
    cursor = np.cumsum(lengths) - lengths
    for number, part in enumerate(parts):
        places = np.repeat(cursor, part.lengths) + _within(part.lengths)
        ids[places], origin[places] = part.ids, number
        cursor = cursor + part.lengths
    return Segments(ids, lengths), origin


def rows(texts: Sequence[Segments], tokens: Tokens, layout: Layout, length: int) -> TokenRows:
    """Cut to fit, with specials and token types.

    One text: [CLS] text [SEP]. Two: [CLS] first [SEP] second [SEP], or two separators between.

    Args:
        texts: the segments of each row, one or two.
        tokens: the specials.
        layout: the side to cut, and whether specials stand at all.
        length: most ids a row, specials included.

    Raises:
        SettingsError: the specials alone are longer.
    """
    room = length - specials(tokens, layout, len(texts))
    if room < 0:
        raise SettingsError(f"found a length of {length}; wanted at least {length - room}, for the specials alone")
    wanted = np.stack([text.lengths for text in texts])
    shares = longest_first(wanted, room, tokens.ties) if len(texts) == 2 else np.minimum(wanted, room)
    kept = [text.kept(share, layout.truncation_side) for text, share in zip(texts, shares, strict=True)]
    parts, types = _framed(kept, tokens, layout) if layout.specials else (kept, (0, tokens.second_type))
    made, origin = side_by_side(parts)
    cut = (wanted - shares).sum(axis=0).astype(np.int32)
    return TokenRows(made.ids, np.array(types, np.int8)[origin], np.cumsum(made.lengths), cut)


def specials(tokens: Tokens, layout: Layout, texts: int) -> int:
    """How many specials stand in a row of one or two texts."""
    if not layout.specials:
        return 0
    return 1 + texts + (texts - 1) * tokens.double_sep


def longest_first(lengths: Counts, room: int, ties: str) -> Counts:
    """How much of two texts fits: the longer is cut to what the shorter leaves, or each to half of the room.

    Of an odd room the longer text gets the larger half, and the second where both are equally long; with
    `ties` "second" (tokens go one at a time, from the second text on ties) always the first.

    >>> longest_first(np.array([[9, 2, 5], [2, 9, 5]]), 7, "first").tolist()
    [[5, 2, 3], [2, 5, 4]]

    Args:
        lengths: of both texts: (2, n).
        room: ids that fit.
        ties: "first" or "second".
    """
    first, second = lengths
    larger = np.ones(len(first), bool) if ties == "second" else first > second
    half = np.where(larger, room - room // 2, room // 2)
    shorter = np.minimum(first, second)
    halves = 2 * shorter > room
    cut = np.where(halves, half, np.where(first > second, room - shorter, first))
    fits = first + second <= room
    return np.where(fits, lengths, np.stack([cut, room - cut]))


def _framed(kept: Sequence[Segments], tokens: Tokens, layout: Layout) -> tuple[list[Segments], tuple[int, ...]]:
    n = len(kept[0])
    opening, closing = Segments.constant(n, [tokens.cls]), Segments.constant(n, [tokens.sep])
    if len(kept) == 1:
        return [opening, kept[0], closing], (0, 0, 0)
    between = Segments.constant(n, [tokens.sep] * (1 + tokens.double_sep))
    if layout.titles == "tokens":  # rocketqa closes no second text that is empty
        closing = closing.kept(np.minimum(kept[1].lengths, 1), "right")
    second = tokens.second_type
    return [opening, kept[0], between, kept[1], closing], (0, 0, 0, second, second)


def _within(lengths: Counts) -> Counts:
    """0, 1, 2, ... in every run."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
