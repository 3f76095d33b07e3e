"""What is alive: a segment less its dead rows, and what BM25 must know of them.

Counts are kept from refresh to refresh, so that only rows that died in between are read. Knows rows of one segment;
refuses to know where it stands among the others, and queries.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vizsla.collections.parts import LexicalPart
from vizsla.collections.segment import Segment
from vizsla.core.errors import ArtifactError
from vizsla.core.vectors import Bitmap, check_allowed
from vizsla.indexes.inverted import InvertedIndex

Int64s = npt.NDArray[np.int64]
_GAP = 16
"""Rows read for nothing between two dead ones, rather than one by one."""
_BLOCK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """What BM25 counts over the live rows of a segment.

    Attributes:
        rows: how many there are.
        terms: their lengths added up.
        frequencies: (vocabulary,) how many of them hold each term.
    """

    rows: int
    terms: int
    frequencies: Int64s


@dataclass(frozen=True, eq=False)
class LiveSegment:
    """A segment and which of its rows are dead.

    Attributes:
        segment: all rows.
        dead: (n,) bool; None where none is.
        known: counts of an earlier look at the segment and the dead rows of then, by the part's name.

    Raises:
        ShapeError: not one boolean a row.
    """

    segment: Segment
    dead: Bitmap | None = None
    known: dict[str, tuple[Bitmap | None, Counts]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        check_allowed(self.dead, len(self.segment))

    @classmethod
    def after(cls, before: "Mapping[str, LiveSegment]", segment: Segment, dead: Bitmap | None) -> "LiveSegment":
        """The segment as it is now, with what is known of it: itself where nothing died since."""
        old = before.get(segment.name)
        if old is None or old.segment is not segment:
            return cls(segment, dead)
        if _same(old.dead, dead):
            return old
        return cls(segment, dead, dict(old.known))

    def __len__(self) -> int:
        """Rows, dead ones too."""
        return len(self.segment)

    @cached_property
    def alive(self) -> Bitmap | None:
        """Which rows are not dead: (n,); None where all are."""
        return None if self.dead is None else ~self.dead

    @cached_property
    def live(self) -> int:
        """How many rows are not dead."""
        return len(self) - (0 if self.dead is None else int(np.count_nonzero(self.dead)))

    def allowed(self, wanted: Bitmap | None) -> Bitmap | None:
        """Which of the wanted rows are alive: (n,); None where all are."""
        if self.alive is None:
            return wanted
        return self.alive if wanted is None else wanted & self.alive

    def counts(self, name: str) -> Counts:
        """What BM25 counts over the live rows, by the vocabulary of a lexical part.

        Raises:
            ArtifactError: frequencies that cannot be.
        """
        part = self.segment.parts[name]
        if not isinstance(part, LexicalPart):
            raise ArtifactError(f"{self.segment.folder}: '{name}' holds no terms; restore the collection from a copy")
        dead, counts = self.known.get(name) or (None, _whole(part))
        if not _same(dead, self.dead):
            counts = _less(part, counts, _died(dead, self.dead))
            if counts.frequencies.min(initial=0) < 0:
                found = "fewer passages of a term than dead ones hold it"
                raise ArtifactError(f"{self.segment.folder}: found {found}: altered since it was written")
        self.known[name] = (self.dead, counts)
        return counts


def locate(segments: Sequence[Segment], dead: Sequence[Bitmap | None], ids: Sequence[str]) -> tuple[Int64s, Int64s]:
    """Where ids live: the place of the segment, -1 where an id is absent, and the row in it; (m,) each."""
    places, rows = np.full(len(ids), -1, np.int64), np.full(len(ids), -1, np.int64)
    for place, (segment, gone) in enumerate(zip(segments, dead, strict=True)):
        found = segment.corpus.ids.positions(ids)
        alive = found >= 0
        if gone is not None:
            alive &= ~gone[found]  # where an id is absent, the last row is looked at, and not taken
        places[alive], rows[alive] = place, found[alive]
    return places, rows


def _same(one: Bitmap | None, other: Bitmap | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or np.array_equal(one, other)


def _died(before: Bitmap | None, now: Bitmap | None) -> Int64s:
    """The rows that are dead now and were not."""
    if now is None:
        return np.zeros(0, np.int64)
    return np.flatnonzero(now if before is None else now & ~before)


def _whole(part: LexicalPart) -> Counts:
    lengths = part.index.lengths
    return Counts(len(lengths), int(lengths.sum(dtype=np.int64)), part.vocabulary.frequencies)


def _less(part: LexicalPart, counts: Counts, died: Int64s) -> Counts:
    """The counts without some rows."""
    frequencies = np.array(counts.frequencies)
    for columns in _columns(part.index, died):
        held, times = np.unique(columns, return_counts=True)
        frequencies[held] -= times
    terms = counts.terms - int(part.index.lengths[died].sum(dtype=np.int64))
    return Counts(counts.rows - len(died), terms, frequencies)


def _columns(index: InvertedIndex, rows: Int64s) -> Iterator[npt.NDArray[np.int32]]:
    """The columns that rows hold, row after row, read in stretches."""
    if not len(rows):
        return
    apart = (np.diff(rows) > _GAP) | (rows[1:] // _BLOCK != rows[:-1] // _BLOCK)
    for some in np.split(rows, np.flatnonzero(apart) + 1):
        first, last = int(some[0]), int(some[-1]) + 1
        read = index.contents.rows(first, last)
        wanted = np.zeros(last - first, np.bool_)
        wanted[some - first] = True
        yield read.terms[np.repeat(wanted, np.diff(read.ends, prepend=0))]
