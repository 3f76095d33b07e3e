"""What an inverted index holds, read instead of searched: rows, lists and tiles as they are stored.

Knows where they stand and checks that they stand there; refuses to know queries and weights.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ArtifactError
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
        """The stored rows of positions from `begin` on, before `end`: columns, values, and where each row ends.

        Raises:
            ArtifactError: a stored row ends outside the index.
        """
        ends, columns, values = self.arrays.rows
        near = ends[begin : end + 1].astype(np.int64)
        if len(near) and not (near[0] >= 0 and near[-1] <= len(columns) and (np.diff(near) >= 0).all()):
            raise ArtifactError(f"the index holds rows outside its entries: {stored.ALTERED}")
        held = columns[near[0] : near[-1]].astype(np.int32)
        if len(held) and not 0 <= held.min() <= held.max() < self.dim:
            raise ArtifactError(f"the index holds columns beyond its width: {stored.ALTERED}")
        return postings.Counts(held, values[near[0] : near[-1]], near[1:] - near[0])

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
        ends, columns, values = self.arrays.rows
        begin, end = ends[position : position + 2].tolist()
        if not 0 <= begin <= end <= len(columns):
            raise ArtifactError(f"the index holds rows outside its entries: {stored.ALTERED}")
        held = columns[begin:end].tolist()
        if held and not 0 <= min(held) <= max(held) < self.dim:
            raise ArtifactError(f"the index holds columns beyond its width: {stored.ALTERED}")
        worth = [1.0] * len(held) if self.steps is None else self.steps[held].tolist()
        return [(c, v * step) for c, v, step in zip(held, values[begin:end].tolist(), worth, strict=True)]

    def _tiled(self, slot: int) -> npt.NDArray[np.uint8]:
        """The codes of a tiled column at every position: (n,)."""
        columns, tiles = len(self.arrays.postings.frequent), self.arrays.postings.tiles
        whole = len(self) // bounding.TILE * bounding.TILE
        parts = [tiles[: whole * columns].reshape(-1, columns, bounding.TILE)[:, slot].reshape(-1)]
        if whole < len(self):
            parts.append(tiles[whole * columns :].reshape(columns, -1)[slot, : len(self) - whole])
        return np.concatenate(parts)
