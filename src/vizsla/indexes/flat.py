"""The flat index: the largest dot products of dense vectors, exactly.

Products in float32, of a block of rows at a time, find the candidates: all that reach the k-th largest less twice a
proven bound of their error. The candidates' scores are made by one kernel in one fixed order, so neither k nor
blocks, threads, other queries or other passages can change a score. Knows rows and positions; refuses to know texts.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core import artifacts, hits, threads, vectors
from vizsla.core import settings as plain
from vizsla.core.errors import ArtifactError
from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap, Dense
from vizsla.indexes.rows import ALTERED, BLOCK, checked, frozen, mapped, settings_of
from vizsla.kernels import dense, selecting

KIND, VERSION = "flat-index", 1
_TOGETHER = 64
"""Queries multiplied at a time."""
_FEW = 8
"""Rows are scored one by one where no more than one in so many is allowed."""
_WORTH_SPLITTING = 1 << 22
"""Numbers of the index, times queries, from which on every core takes a part of the rows."""
_NOTHING = frozen(np.zeros(0, np.bool_))
Wanted: TypeAlias = tuple[int, float, float]
"""How many hits of a query; by how much a product may be too low to be a candidate; where scores are equal."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a manifest says of a flat index: positions and columns."""

    size: int
    dim: int


class FlatIndex:
    """Exact search over dense vectors; `build` checks them, `load` maps a folder.

    Args:
        vectors: (n, dim) float32 in C order, in memory or mapped; finite, which `build` sees to.
    """

    def __init__(self, vectors: Dense) -> None:
        self.vectors: Dense = frozen(vectors)

    @property
    def dim(self) -> int:
        """How many columns the vectors have."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.vectors)

    @classmethod
    def build(cls, passages: Dense) -> "FlatIndex":
        """An index over (n, dim) vectors, which are not copied where they are float32 in C order.

        Raises:
            ShapeError: not two dimensions, or a value that is not finite.
        """
        return cls(checked(passages))

    def save(self, folder: artifacts.Place) -> None:
        """Store the index as an artifact."""
        made = plain.to_mapping(Made(len(self), self.dim))
        with artifacts.draft(folder, kind=KIND, version=VERSION, settings=made) as draft:
            draft.array("vectors", self.vectors)

    @classmethod
    def load(cls, folder: artifacts.Place) -> "FlatIndex":
        """Map a stored index; its size and header are checked, its bytes are read when they are used.

        Raises:
            ArtifactError: missing, truncated, or of another size than its manifest says.
        """
        artifact = artifacts.open_artifact(folder, kind=KIND, version=VERSION)
        made = settings_of(artifact, Made)
        return cls(mapped(artifact, "vectors", np.float32, (made.size, made.dim)))

    def search(self, queries: Dense, k: int, allowed: Bitmap | None = None) -> Hits:
        """The k positions with the largest products.

        Args:
            queries: (q, dim).
            k: how many to return at most.
            allowed: (n,) which positions may be returned; None allows all.

        Raises:
            ShapeError: another width, a value that is not finite, or a bitmap of another size.
            ArtifactError: a stored vector is not finite.
        """
        rows, depth = vectors.dense(queries, dim=self.dim), vectors.check_depth(k)
        return self.found(rows, depth, vectors.check_allowed(allowed, len(self)))

    def found(self, queries: Dense, k: int, allowed: Bitmap | None) -> Hits:
        """As `search`, of what was checked.

        Raises:
            ArtifactError: a stored vector is not finite.
        """
        few, made = None, hits.empty(len(queries), k)
        if allowed is not None and _FEW * np.count_nonzero(allowed) <= len(self):
            few = np.flatnonzero(allowed)
        for begin in range(0, len(queries), _TOGETHER):
            some = queries[begin : begin + _TOGETHER]
            near = [few] * len(some) if few is not None else self._candidates(some, min(k, len(self)), allowed)
            for row, positions in enumerate(near, begin):
                self.rescore(queries[row], positions, made, row)
        return made

    def rescore(self, query: npt.NDArray[np.float32], positions: npt.NDArray[np.int64], made: Hits, row: int) -> None:
        """Make a row of hits, so far empty, of the best of some positions by their exact scores.

        Raises:
            ArtifactError: a stored vector is not finite.
        """
        if not dense.best_into(self.vectors, query, positions, made.positions[row], made.scores[row])[0]:
            raise ArtifactError(f"the index holds vectors that are not finite: {ALTERED}")

    @cached_property
    def peak(self) -> float:
        """The largest norm of a row; read once, when first needed."""
        peak = 0.0
        for begin in range(0, len(self), BLOCK):
            block = self.vectors[begin : begin + BLOCK]
            most = float(np.abs(block).max(initial=0.0))
            if not np.isfinite(most):
                raise ArtifactError(f"the index holds vectors that are not finite: {ALTERED}")
            if most > 0:  # divided first: no square overflows or vanishes
                part = block / np.float32(most)
                peak = max(peak, most * float(np.sqrt(np.einsum("ij,ij->i", part, part).max())))
        return peak * (1 + self.dim * 2.0**-23)

    def _candidates(self, queries: Dense, k: int, allowed: Bitmap | None) -> list[npt.NDArray[np.int64]]:
        """Every position that could be among the k best, for each query."""
        scaled, size, peak = np.empty_like(queries), len(self), self.peak
        wanted = [(k, *dense.scaled(one, peak, out)) for one, out in zip(queries, scaled, strict=True)]
        if self.vectors.size * len(queries) <= _WORTH_SPLITTING or threads.workers() == 1:
            return self._sweep(scaled, wanted, allowed, (0, size))
        edges = np.linspace(0, size, threads.workers() + 1).astype(np.int64).tolist()
        parts = threads.pool().map(lambda span: self._sweep(scaled, wanted, allowed, span), pairwise(edges))
        return [np.concatenate(found) for found in zip(*parts, strict=True)]

    def _sweep(
        self, scaled: Dense, wanted: list[Wanted], allowed: Bitmap | None, span: tuple[int, int]
    ) -> list[npt.NDArray[np.int64]]:
        """As `_candidates`, of some rows."""
        if span == (0, len(self)) and len(self) <= BLOCK:  # a small index: one call for each query
            some = _NOTHING if allowed is None else allowed
            products = scaled @ self.vectors.T
            return [selecting.most(one, some, asked) for one, asked in zip(products, wanted, strict=True)]
        best = [selecting.nothing(k) for k, _, _ in wanted]
        for begin in range(*span, BLOCK):
            end = min(begin + BLOCK, span[1])
            products = scaled @ self.vectors[begin:end].T
            some = _NOTHING if allowed is None else allowed[begin:end]
            for row in range(len(scaled)):
                best[row] = selecting.take(products[row], begin, some, best[row], wanted[row])
        last = [selecting.narrowed(one, asked, 0) for one, asked in zip(best, wanted, strict=True)]
        return [one.positions[: one.count] for one in last]
