"""Arena: many strings one after another in one array of bytes, found by their starts.

Knows offsets and UTF-8, and checks every offset against the arrays before reading: a damaged
file gives an ArtifactError, never a wrong slice. Refuses to know what the strings are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ArtifactError, ShapeError

Bytes: TypeAlias = npt.NDArray[np.uint8]
Ints: TypeAlias = npt.NDArray[np.int64]
PositionsLike: TypeAlias = Sequence[int] | Ints


@dataclass(frozen=True, slots=True, eq=False)
class Arena:
    """Strings by position.

    Attributes:
        bytes: (total,) uint8, the UTF-8 of every string.
        starts: (n + 1,) int64, where each string starts; the last one is the total.
        name: what it is, for messages.
    """

    bytes: Bytes
    starts: Ints
    name: str

    def __post_init__(self) -> None:
        if not len(self.starts) or self.starts[0] != 0 or self.starts[-1] != len(self.bytes):
            found = f"{len(self.starts)} starts that do not span its {len(self.bytes)} bytes"
            raise ArtifactError(f"{self.name}: found {found}; altered or truncated: build it again")

    def __len__(self) -> int:
        return len(self.starts) - 1

    def spans(self, positions: PositionsLike) -> tuple[Ints, Ints]:
        """Where the strings at these positions start and stop: (m,) int64 each.

        Raises:
            ShapeError: a position that is not there.
            ArtifactError: starts that fall or leave the array.
        """
        wanted = np.asarray(positions, dtype=np.int64).reshape(-1)
        if np.count_nonzero((wanted < 0) | (wanted >= len(self))):
            found = f"positions {wanted.min()} to {wanted.max()}"
            raise ShapeError(f"{self.name}: found {found}; wanted 0 to {len(self) - 1}")
        begin, end = self.starts[wanted], self.starts[wanted + 1]
        wrong = (begin < 0) | (end < begin) | (end > len(self.bytes))
        if np.count_nonzero(wrong):
            one = int(np.flatnonzero(wrong)[0])
            found = f"bytes {begin[one]} to {end[one]} of {len(self.bytes)} for position {wanted[one]}"
            raise ArtifactError(f"{self.name}: found {found}; altered since it was written: build it again")
        return np.asarray(begin), np.asarray(end)

    def strings(self, begin: Ints, end: Ints) -> list[str]:
        """The text between each begin and end, which `spans` has checked.

        Raises:
            ArtifactError: bytes that are not UTF-8.
        """
        view = self.bytes.data
        try:
            return [str(view[b:e], "utf-8") for b, e in zip(begin.tolist(), end.tolist(), strict=True)]
        except UnicodeDecodeError as error:
            raise ArtifactError(f"{self.name}: found bytes that are not UTF-8 ({error}); build it again") from error
