"""What an inverted index holds, read instead of searched: rows, lists and tiles as they are stored.

Knows where they stand and checks that they stand there; refuses to know queries and weights.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ArtifactError, ShapeError
from vizsla.indexes import stored
from vizsla.kernels import bounding, postings, scoring


@dataclass(frozen=True, slots=True)
class Contents:
    """The stored vectors, by position and by column.

    Attributes:
        arrays: the index's.
        dim: how many columns there are.
        steps: what one code is worth in each column, where rows hold codes instead of values.
    """

    arrays: scoring.Stored
    dim: int
    steps: npt.NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.arrays.rows.ends) - 1

    def rows(self, begin: int, end: int) -> postings.Counts:
        """The stored vectors of positions `begin` to `end`: columns, rising in each, values, and where each row ends.

        Raises:
            ShapeError: no such positions.
            ArtifactError: stored rows that end outside the index.
        """
        if not 0 <= begin <= end <= len(self):
            raise ShapeError(f"found the positions {begin} to {end}; wanted some of 0 to {len(self)}")
        ends, columns, values = self.arrays.rows
        bounds = ends[begin : end + 1]
        if not 0 <= bounds[0] <= bounds[-1] <= len(columns) or (bounds[1:] < bounds[:-1]).any():
            raise ArtifactError(f"the index holds rows outside its entries: {stored.ALTERED}")
        held = columns[bounds[0] : bounds[-1]].astype(np.int32)
        if len(held) and not 0 <= held.min() <= held.max() < self.dim:
            raise ArtifactError(f"the index holds columns beyond its width: {stored.ALTERED}")
        worth = values[bounds[0] : bounds[-1]]
        return postings.Counts(held, worth if self.steps is None else worth * self.steps[held], bounds[1:] - bounds[0])

    def holding(self, column: int) -> npt.NDArray[np.int32]:
        """The positions whose vectors hold a column, rising: (df,).

        Raises:
            ArtifactError: a stored offset or position points outside the index.
        """
        lists = self.arrays.postings
        slot = int(np.searchsorted(lists.frequent, column))
        if slot < len(lists.frequent) and lists.frequent[slot] == column:
            return np.flatnonzero(self._tiled(slot)).astype(np.int32)
        begin, end = lists.starts[column : column + 2].tolist()
        if not 0 <= begin <= end <= len(lists.positions):
            raise ArtifactError(f"the index holds offsets outside its postings: {stored.ALTERED}")
        held: npt.NDArray[np.int32] = lists.positions[begin:end]
        if len(held) and not 0 <= held.min() <= held.max() < len(self):
            raise ArtifactError(f"the index holds positions beyond its passages: {stored.ALTERED}")
        return held

    def vector(self, position: int) -> list[tuple[int, float]]:
        """The stored vector of a position: (column, value), in order of columns.

        Raises:
            ArtifactError: the stored row ends outside the index.
        """
        row = self.rows(position, position + 1)
        return list(zip(row.terms.tolist(), row.values.astype(np.float64).tolist(), strict=True))

    def _tiled(self, slot: int) -> npt.NDArray[np.uint8]:
        """The codes of a tiled column at every position: (n,)."""
        columns, tiles = len(self.arrays.postings.frequent), self.arrays.postings.tiles
        whole = len(self) // bounding.TILE * bounding.TILE
        parts = [tiles[: whole * columns].reshape(-1, columns, bounding.TILE)[:, slot].reshape(-1)]
        if whole < len(self):
            parts.append(tiles[whole * columns :].reshape(columns, -1)[slot, : len(self) - whole])
        return np.concatenate(parts)
