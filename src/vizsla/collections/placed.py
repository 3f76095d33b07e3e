"""Placed: live segments one after another, so that every row has a position.

Position = base of the segment + row, rows that are dead included. Knows bases and bitmaps; refuses to know texts
and vectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vizsla.collections.live import LiveSegment
from vizsla.core import vectors
from vizsla.core.errors import ShapeError
from vizsla.core.hits import Positions
from vizsla.core.vectors import Bitmap

_NOTHING = np.zeros(0, np.bool_)
_NOTHING.flags.writeable = False


@dataclass(frozen=True, eq=False)
class Placed:
    """Segments in order of their positions.

    Attributes:
        segments: what is alive of each.
    """

    segments: tuple[LiveSegment, ...]

    @cached_property
    def bases(self) -> npt.NDArray[np.int64]:
        """Where each segment begins, and where the last ends: (segments + 1,)."""
        bases = np.zeros(len(self.segments) + 1, np.int64)
        np.cumsum([len(one) for one in self.segments], out=bases[1:])
        return bases

    @property
    def size(self) -> int:
        """Positions, those of dead rows included."""
        return int(self.bases[-1])

    @cached_property
    def live(self) -> Bitmap:
        """Which positions are alive: (size,)."""
        live = np.ones(self.size, np.bool_)
        for base, one in zip(self.bases.tolist(), self.segments, strict=False):
            if one.dead is not None:
                live[base : base + len(one)] = ~one.dead
        live.flags.writeable = False
        return live

    def wanted(self, allowed: Bitmap | None) -> Bitmap:
        """Which positions are alive and allowed: (size,); empty where all are.

        Raises:
            ShapeError: a bitmap of another size.
        """
        bitmap = vectors.check_allowed(allowed, self.size)
        if all(one.dead is None for one in self.segments):
            return _NOTHING if bitmap is None else bitmap
        if bitmap is None:
            return self.live
        both = bitmap & self.live
        both.flags.writeable = False
        return both

    def rows(self, positions: Sequence[int] | Positions) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The place of each position's segment, and the row in it: (n,) each.

        Raises:
            ShapeError: a position that is not there.
        """
        wanted = np.asarray(positions, dtype=np.int64).reshape(-1)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < self.size:
            found = f"the positions {wanted.min()} to {wanted.max()}"
            raise ShapeError(f"found {found}; wanted 0 to {self.size - 1}")
        places = np.searchsorted(self.bases, wanted, side="right") - 1
        return places, wanted - self.bases[places]

    def allowed(self, wanted: Bitmap | None) -> list[Bitmap | None]:
        """Of each segment, which of the wanted rows are alive; None where all are.

        Raises:
            ShapeError: a bitmap of another size.
        """
        bitmap = vectors.check_allowed(wanted, self.size)
        bounds = zip(self.bases[:-1].tolist(), self.bases[1:].tolist(), self.segments, strict=True)
        return [one.allowed(None if bitmap is None else bitmap[begin:end]) for begin, end, one in bounds]
