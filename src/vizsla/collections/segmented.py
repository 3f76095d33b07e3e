"""Segmented: the indexes of many segments as one index, for one ranking.

Law: for exact indexes, the hits are those of one index over the live rows, at these rows' positions. Knows how the
hits of segments become one ranking; refuses to know texts and what vectors mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from vizsla.collections.placed import Placed
from vizsla.core import hits, threads, vectors
from vizsla.core.errors import ArtifactError, ShapeError
from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap, Dense, Sparse
from vizsla.indexes.inverted import InvertedIndex
from vizsla.kernels import gathering
from vizsla.kernels.bounding import GROUP, Span
from vizsla.kernels.gathering import Asked

_WORTH_SPLITTING = 4_000_000
"""Postings from which on every core takes a part of the positions."""


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
        found = []
        each = zip(self.indexes, self.placed.allowed(allowed), self.placed.bases.tolist(), strict=False)
        for index, bitmap, base in each:
            if bitmap is None or bitmap.any():
                part = index.search(rows, min(depth, len(index)), bitmap)
                found.append(part if base == 0 else _moved(part, base))
        return hits.merge(found, depth) if found else hits.empty(len(rows), depth)


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
        return self.find([self._asked(columns[begin:end], weights[begin:end]) for begin, end in bounds], k, allowed)

    def find(self, queries: Sequence[Asked], k: int, allowed: Bitmap | None = None) -> Hits:
        """As `search`, for queries laid out for every index.

        Raises:
            ShapeError: a bitmap of another size.
        """
        depth, size = vectors.check_depth(k), len(self)
        span = Span(0, size, size, self.placed.wanted(allowed))
        if len(queries) == 1 and threads.workers() > 1 and self._touched(queries[0]) > _WORTH_SPLITTING:
            parts = threads.pool().map(lambda one: self._find(queries[0], depth, one), self._spans(span))
            return hits.merge(list(parts), depth)
        if len(queries) == 1:
            return self._find(queries[0], depth, span)
        each = map if threads.workers() == 1 else threads.pool().map
        made = list(each(lambda query: self._find(query, depth, span), queries))
        return hits.from_rows([one.row(0) for one in made], depth)

    @cached_property
    def bounds(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Of each index of term frequencies: what a code adds for a weight of 1, (n, 1), `loose` and `tight`, (n,)."""
        moved = np.array([index.moved for index in self.indexes], np.float64).reshape(-1, 2)
        return moved[:, 1:] / 255, np.ones(len(moved)), moved[:, 0] / moved[:, 1]

    @cached_property
    def _groups(self) -> list[Any]:
        """The indexes as kernels take them: one list for all whose arrays are of the same types."""
        groups: dict[tuple[object, ...], Any] = {}
        for place, (index, base) in enumerate(zip(self.indexes, self.placed.bases.tolist(), strict=False)):
            stored, norms = index.arrays
            part = gathering.Part(stored, norms, place, base)
            kinds = stored.rows.columns.dtype, stored.rows.values.dtype
            if kinds in groups:
                gathering.add(groups[kinds], part)
            else:
                groups[kinds] = gathering.begin(part)
        return list(groups.values())

    def _asked(self, columns: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]) -> Asked:
        """One query for indexes that agree on what columns are."""
        starts = np.array([0, len(columns)])
        blocks = [index.weighed(starts, columns, weights) for index in self.indexes]
        shape = len(blocks), len(columns)
        return Asked(
            np.repeat(columns[None], len(blocks), axis=0),
            np.array([one.weights for one in blocks], np.float64).reshape(shape),
            np.array([one.steps for one in blocks], np.float64).reshape(shape),
            np.full(len(blocks), len(columns)),
            np.full(len(blocks), np.inf),
            np.array([one.loose for one in blocks], np.float64),
            np.array([one.tight for one in blocks], np.float64),
        )

    def _find(self, query: Asked, k: int, span: Span) -> Hits:
        """The hits of one query in a span."""
        made = []
        for group in self._groups:
            part = hits.empty(1, k)
            if not gathering.search_parts(group, query, span, part.positions[0], part.scores[0]):
                raise ArtifactError("an index of the collection holds arrays that contradict each other: verify it")
            made.append(part)
        return hits.merge(made, k) if made else hits.empty(1, k)

    def _touched(self, query: Asked) -> int:
        """About how many postings a query reads, where that may be many."""
        if len(self) * query.columns.shape[1] <= _WORTH_SPLITTING:
            return 0
        return sum(gathering.touched(group, query) for group in self._groups)

    def _spans(self, span: Span) -> list[Span]:
        """A part of a span for every core, each beginning where a group of positions of its segment does."""
        edges = np.linspace(0, span.size, threads.workers() + 1).astype(np.int64)[:-1]
        bases = self.placed.bases[np.searchsorted(self.placed.bases, edges, side="right") - 1]
        firsts = [*(bases + (edges - bases) // GROUP * GROUP).tolist(), span.size]
        return [Span(first, last, span.size, span.allowed) for first, last in pairwise(firsts)]


def _moved(part: Hits, base: int) -> Hits:
    """The hits of a segment at its rows' positions."""
    return Hits(np.where(part.positions < 0, -1, part.positions + base), part.scores)
