"""The quantised index: one bit a column finds candidates, their exact scores make the hits.

Codes stand in cells, and a search reads the nearest; a row of codes is a thirtieth of what the flat index reads.
Scores are the flat index's, to the last bit; which hits are found is a matter of recall: what was wanted is given, how
many rows and candidates it needs is measured while the index is built, and recorded with the recall that this gave.
Few passages, and few that are allowed, are searched exactly. Knows vectors and positions; refuses to know texts.
"""

from math import ceil, isqrt, sqrt

import numpy as np
import numpy.typing as npt

from vizsla.core import artifacts, hits, threads, vectors
from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap, Dense
from vizsla.indexes import quantised_format
from vizsla.indexes.depths import Depths, check_recall, measure
from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.quantised_format import KIND, VERSION
from vizsla.indexes.signs import Signs

RECALL = 0.98
_WORTH_CODES = 5_000
"""Positions from which on the scan of codes is worth its candidates."""
_WORTH_CELLS = 30_000
"""Positions from which on reading the nearest cells alone is worth their centres."""
_LONGEST = 1e18
"""Where vectors are longer, the squares of their distances leave float32, and all stand in one cell."""
_SLACK, _DEVIATIONS = 1.05, 3
"""How much farther out than chance would have them what is allowed may lie."""
_EXACT, _CANDIDATE = 20, 30
"""What an exact score costs, by what an estimate costs: of rows in order, and of one here and one there."""


class QuantisedIndex:
    """Search over dense vectors at a wanted recall, with exact scores; `build` it, or `load` a folder.

    Args:
        flat: the vectors.
        signs: their codes; None where every search is exact.
        measured: how many rows are read and candidates scored, and the recall found; None where every search is exact.
        recall: the share of the k best that was wanted.
        seed: of the centres, the rotation and what was held out.
    """

    def __init__(self, flat: FlatIndex, signs: Signs | None, measured: Depths | None, recall: float, seed: int) -> None:
        self._flat = flat
        self._signs = signs
        self.measured = measured
        self.recall = recall
        self.seed = seed

    @property
    def dim(self) -> int:
        """How many columns the vectors have."""
        return self._flat.dim

    @property
    def vectors(self) -> Dense:
        """The vectors: (n, dim) float32, read-only."""
        return self._flat.vectors

    @property
    def exact(self) -> FlatIndex:
        """The same vectors, all of which a search reads."""
        return self._flat

    def __len__(self) -> int:
        return len(self._flat)

    @classmethod
    def build(
        cls, passages: Dense, queries: Dense | None = None, *, recall: float = RECALL, seed: int = 0
    ) -> "QuantisedIndex":
        """An index over vectors, which are not copied where they are float32 in C order.

        Args:
            passages: (n, dim).
            queries: (q, dim) held-out queries on which recall is measured; None holds out vectors of the index.
            recall: the share of the k best that is wanted.
            seed: of the centres, the rotation and what is held out.

        Raises:
            ShapeError: not two dimensions, another width, or a value that is not finite.
            SettingsError: a recall that is not above 0 and below 1.
        """
        check_recall(recall)
        flat = FlatIndex.build(passages)
        asked = None if queries is None or not len(queries) else vectors.dense(queries, dim=flat.dim)
        if len(flat) < _WORTH_CODES or not flat.dim:
            return cls(flat, None, None, recall, seed)
        cells = isqrt(len(flat)) if len(flat) >= _WORTH_CELLS and flat.peak <= _LONGEST else 1
        made = Signs.made(flat.vectors, seed, cells)
        return cls(flat, made, measure(flat, made, asked, recall, seed), recall, seed)

    def save(self, folder: artifacts.Place) -> None:
        """Store the index as an artifact."""
        made = quantised_format.described(self.vectors, self.recall, self.seed, self._signs, self.measured)
        with artifacts.draft(folder, kind=KIND, version=VERSION, settings=made) as draft:
            draft.array("vectors", self.vectors)
            if self._signs is not None:
                quantised_format.write(draft, self._signs)

    @classmethod
    def load(cls, folder: artifacts.Place) -> "QuantisedIndex":
        """Map a stored index; its sizes, headers and positions are checked, its bytes are read when they are used.

        Raises:
            ArtifactError: missing, truncated, or arrays that do not fit its manifest.
        """
        found = quantised_format.read(folder)
        return cls(FlatIndex(found.vectors), found.signs, found.measured, found.made.recall, found.made.seed)

    def search(self, queries: Dense, k: int, allowed: Bitmap | None = None) -> Hits:
        """The k positions with the largest products, as many of them as the recall says, with exact scores.

        Args:
            queries: (q, dim).
            k: how many to return at most.
            allowed: (n,) which positions may be returned; None allows all.

        Raises:
            ShapeError: another width, a value that is not finite, or a bitmap of another size.
            ArtifactError: a stored vector is not finite.
        """
        rows, depth = vectors.dense(queries, dim=self.dim), vectors.check_depth(k)
        bitmap, size = vectors.check_allowed(allowed, len(self)), len(self)
        if self._signs is None or self.measured is None:
            return self._flat.found(rows, depth, bitmap)
        width, count = min(depth, size), size if bitmap is None else int(np.count_nonzero(bitmap))
        deep, share = min(self.measured.at(width), size), max(count, 1) / size
        read = self.measured.rows_at(width, share)
        outer, passed = _outer(deep, share), min(size, read / share)
        if _EXACT * count <= passed + _CANDIDATE * deep or (bitmap is not None and outer >= passed):
            return self._flat.found(rows, depth, bitmap)
        found, made = self._signs, hits.empty(len(rows), depth)
        far: list[int] = []

        def run(row: int) -> None:
            query: npt.NDArray[np.float32] = rows[row]
            near = found.near(query, read, deep, outer, bitmap)
            if near is None:
                far.append(row)
            else:
                self._flat.rescore(query, near, made, row)

        if len(rows) > 1 and threads.workers() > 1:
            list(threads.pool().map(run, range(len(rows))))
        else:
            for row in range(len(rows)):
                run(row)
        if far:  # the condition works against these queries: what was measured says nothing of so far out
            exact = self._flat.found(rows[far], depth, bitmap)
            made.positions[far], made.scores[far] = exact.positions, exact.scores
        return made


def _outer(depth: int, share: float) -> int:
    """Among how many of all rows so many allowed ones are found, if which are allowed has nothing to do with the query.

    Of a share s, the rank of the n-th has the mean n / s and the standard deviation sqrt(n (1 - s)) / s.
    """
    return ceil((_SLACK * depth + _DEVIATIONS * sqrt(depth * (1 - share))) / share)
