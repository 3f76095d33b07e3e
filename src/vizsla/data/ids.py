"""Ids: outside names by position, and positions by outside name, without a dictionary.

An id is found through a stored, sorted array of 64-bit hashes and then compared with the id that
stands there, so two ids with one hash are told apart. Refuses to know what the ids name.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, overload

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ArtifactError
from vizsla.data.arena import Arena, Ints, PositionsLike

Hashes: TypeAlias = npt.NDArray[np.uint64]
_BLOCK = 4096


def hash_ids(ids: Iterable[str]) -> Hashes:
    """The first 8 bytes of BLAKE2b of each id's UTF-8, little-endian: (n,) uint64.

    >>> hex(hash_ids(["w0"])[0])
    '0x930a3a53f79d874e'
    """
    digests = b"".join([hashlib.blake2b(one.encode("utf-8", "surrogatepass"), digest_size=8).digest() for one in ids])
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def sort_hashes(hashes: Hashes) -> tuple[Hashes, Ints]:
    """The hashes in rising order, and the position each came from; equal ones by rising position."""
    order = np.argsort(hashes, kind="stable").astype(np.int64)
    return hashes[order], order


class Ids(Sequence[str]):
    """The ids of a corpus, by position.

    Args:
        arena: the ids themselves.
        hashes: (n,) uint64, rising.
        order: (n,) int64, the position of each hash.
    """

    def __init__(self, arena: Arena, hashes: Hashes, order: Ints) -> None:
        self._arena = arena
        self._hashes = hashes
        self._order = order

    def __len__(self) -> int:
        return len(self._arena)

    @overload
    def __getitem__(self, position: int) -> str: ...
    @overload
    def __getitem__(self, position: slice) -> list[str]: ...
    def __getitem__(self, position: int | slice) -> str | list[str]:
        chosen = range(len(self))[position]  # checks the bounds and resolves what counts from the end
        return self.many(chosen) if isinstance(chosen, range) else self.many([chosen])[0]

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _BLOCK):
            yield from self.many(range(start, min(start + _BLOCK, len(self))))

    def many(self, positions: PositionsLike) -> list[str]:
        """The ids at these positions.

        Raises:
            ShapeError: a position that is not there.
            ArtifactError: stored offsets that leave the arrays.
        """
        return self._arena.strings(*self._arena.spans(positions))

    def positions(self, ids: Sequence[str]) -> Ints:
        """The position of each id, -1 where it is absent: (m,) int64.

        Raises:
            ArtifactError: stored positions or offsets that leave the arrays.
        """
        found = np.full(len(ids), -1, dtype=np.int64)
        if not len(ids) or not len(self):
            return found
        wanted = hash_ids(ids)
        places = np.searchsorted(self._hashes, wanted)
        rows = np.flatnonzero(self._hashes[np.minimum(places, len(self) - 1)] == wanted)
        candidates = self._ordered(places[rows])
        for row, position, name in zip(rows.tolist(), candidates.tolist(), self.many(candidates), strict=True):
            found[row] = position if name == ids[row] else self._find(ids[row], wanted[row], int(places[row]) + 1)
        return found

    def hashes(self) -> Hashes:
        """The hash of each position's id: (n,) uint64.

        Raises:
            ArtifactError: stored positions that leave the arrays.
        """
        found = np.zeros(len(self), np.uint64)
        found[self._ordered(np.arange(len(self)))] = self._hashes
        return found

    def first_duplicate(self) -> tuple[str, int, int] | None:
        """An id that two positions carry, with both; None where all differ."""
        for start in np.flatnonzero(self._hashes[1:] == self._hashes[:-1]).tolist():
            stop = int(np.searchsorted(self._hashes, self._hashes[start], side="right"))
            seen: dict[str, int] = {}
            positions = self._ordered(np.arange(start, stop))
            for position, id_ in zip(positions.tolist(), self.many(positions), strict=True):
                if id_ in seen:
                    return id_, seen[id_], position
                seen[id_] = position
        return None

    def _ordered(self, places: npt.NDArray[np.intp]) -> Ints:
        positions = self._order[places]
        if len(positions) and (positions.min() < 0 or positions.max() >= len(self)):
            found = f"an order of positions {positions.min()} to {positions.max()} for {len(self)} ids"
            raise ArtifactError(f"{self._arena.name}: found {found}; altered since it was written: build it again")
        return positions

    def _find(self, id_: str, hash_: np.uint64, place: int) -> int:
        while place < len(self) and self._hashes[place] == hash_:
            position = self._ordered(np.array([place]))
            if self.many(position)[0] == id_:
                return int(position[0])
            place += 1
        return -1
