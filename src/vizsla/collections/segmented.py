"""Segmented: the indexes of many segments as one index, for one ranking.

Law: for exact indexes, the hits are those of one index over the live rows, at these rows' positions. Knows how the
hits of segments become one ranking; refuses to know texts and what vectors mean.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.collections.placed import Placed
from vizsla.core import hits, threads, vectors
from vizsla.core.errors import ShapeError
from vizsla.core.hits import Floats, Hits, Positions
from vizsla.core.vectors import Bitmap, Dense, Sparse
from vizsla.indexes.inverted import InvertedIndex

Laid: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], float]
"""A query for one index: columns, rising, their weights, above zero, and what no passage of it can score more than."""


class DenseIndex(Protocol):
    """An index of dense vectors."""

    def __len__(self) -> int: ...
    def search(self, queries: Dense, k: int, allowed: Bitmap | None = None) -> Hits: ...


@dataclass(frozen=True, eq=False)
class SegmentedVectors:
    """Dense indexes, one a segment.

    Attributes:
        placed: the segments.
        indexes: theirs.
        dim: of every index, and where there is none.
    """

    placed: Placed
    indexes: Sequence[DenseIndex]
    dim: int

    def __len__(self) -> int:
        return self.placed.size

    def search(self, queries: Dense, k: int, allowed: Bitmap | None = None) -> Hits:
        """The k positions with the largest products.

        Raises:
            ShapeError: another width, or a bitmap of another size.
        """
        rows, depth = vectors.dense(queries, dim=self.dim), vectors.check_depth(k)
        found = [hits.empty(len(rows), 0)]
        each = zip(self.indexes, self.placed.allowed(allowed), self.placed.bases.tolist(), strict=False)
        for index, bitmap, base in each:
            if bitmap is None or bitmap.any():
                part = index.search(rows, min(depth, len(index)), bitmap)
                found.append(Hits(np.where(part.positions < 0, -1, part.positions + base), part.scores))
        return hits.merge(found, depth)


@dataclass(frozen=True, eq=False)
class SegmentedPostings:
    """Inverted indexes, one a segment, which may number their columns each in its own way.

    Attributes:
        placed: the segments.
        indexes: theirs.
        dim: of every index where they agree, and where there is none.
    """

    placed: Placed
    indexes: Sequence[InvertedIndex]
    dim: int

    def __len__(self) -> int:
        return self.placed.size

    def search(self, queries: Sparse, k: int, allowed: Bitmap | None = None) -> Hits:
        """The k positions with the largest products; only those that share a column with the query.

        Raises:
            ShapeError: another width, a weight below zero, or a bitmap of another size.
        """
        rows = vectors.sparse(queries, dim=self.dim)
        if rows.data.min(initial=0) < 0:
            raise ShapeError(f"found the query weight {rows.data.min()}; wanted none below zero in an inverted index")
        columns, weights = rows.indices.astype(np.int64), rows.data.astype(np.float64)
        bounds = zip(rows.indptr[:-1].tolist(), rows.indptr[1:].tolist(), strict=True)
        laid = [[(columns[begin:end], weights[begin:end], np.inf)] * len(self.indexes) for begin, end in bounds]
        return self.find(laid, k, allowed)

    def find(self, queries: Sequence[Sequence[Laid]], k: int, allowed: Bitmap | None = None) -> Hits:
        """As `search`, for queries laid out for every index.

        Raises:
            ShapeError: a bitmap of another size.
        """
        depth, bitmaps = vectors.check_depth(k), self.placed.allowed(allowed)
        parts = [
            (at, index, bitmaps[at], base, min(depth, size))
            for at, index, base, size in self._largest_first
            if bitmaps[at] is None or np.any(bitmaps[at])
        ]

        def run(query: Sequence[Laid], *, alone: bool = False) -> tuple[Positions, Floats]:
            return _find(query, depth, parts, alone=alone)

        if len(queries) == 1:
            found = [run(queries[0], alone=True)]
        elif threads.workers() == 1:
            found = [run(query) for query in queries]
        else:
            found = list(threads.pool().map(run, queries))
        return hits.from_rows(found, depth)

    @cached_property
    def _largest_first(self) -> list[tuple[int, InvertedIndex, int, int]]:
        """Place, index, base and size of every segment: what the large ones hold says if the small ones matter."""
        each = [
            (at, index, int(base), len(index))
            for at, (index, base) in enumerate(zip(self.indexes, self.placed.bases, strict=False))
        ]
        return sorted(each, key=lambda one: -one[3])


_Part: TypeAlias = tuple[int, InvertedIndex, Bitmap | None, int, int]
"""Place, index, what is allowed, base, and how many hits it can have at most."""


def _find(query: Sequence[Laid], k: int, parts: Sequence[_Part], *, alone: bool) -> tuple[Positions, Floats]:
    """The k best of all parts; a part that can only hold worse ones than k that were found is not searched."""
    positions, scores, worst = [], [], -math.inf
    for at, index, bitmap, base, width in parts:
        columns, weights, most = query[at]
        if not len(columns) or most < worst:
            continue
        found, scored = index.best(columns, weights, width, bitmap, alone=alone)
        if len(scored) >= k and most < math.inf:
            worst = max(worst, float(np.partition(scored, len(scored) - k)[len(scored) - k]))
        positions.append(found + base)
        scores.append(scored)
    if not positions:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    return hits.rank(np.concatenate(positions), np.concatenate(scores), k)
