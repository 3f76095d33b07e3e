"""The flat index: the largest dot products of dense vectors, exactly.

Products in float32, of a block of rows at a time, find the candidates: all that reach the k-th largest less twice a
proven bound of their error. The candidates' scores are made by one kernel in one fixed order, so neither k nor
blocks, threads, other queries or other passages can change a score. Knows rows and positions; refuses to know texts.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

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
_NOTHING = np.zeros(0, np.bool_)
_LARGEST = float(np.finfo(np.float32).max)
_SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True, slots=True)
class Made:
    """What a manifest says of a flat index: positions and columns."""

    size: int
    dim: int


@dataclass(frozen=True, slots=True)
class _Scaled:
    """Queries as they are multiplied, (q, dim), and by how much a product may be too low to be a candidate, (q,).

    `ceiling` is where scores beyond float32 begin, which are equal.
    """

    rows: Dense
    slack: npt.NDArray[np.float64]
    ceiling: npt.NDArray[np.float64]


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

    def save(self, folder: str | Path) -> None:
        """Store the index as an artifact."""
        made = plain.to_mapping(Made(len(self), self.dim))
        with artifacts.draft(folder, kind=KIND, version=VERSION, settings=made) as draft:
            draft.array("vectors", self.vectors)

    @classmethod
    def load(cls, folder: str | Path) -> "FlatIndex":
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
        bitmap = vectors.check_allowed(allowed, len(self))
        width, few = min(depth, len(self)), None
        if bitmap is not None and _FEW * np.count_nonzero(bitmap) <= len(self):
            few = np.flatnonzero(bitmap)
        found = []
        for begin in range(0, len(rows), _TOGETHER):
            some = rows[begin : begin + _TOGETHER]
            near = [few] * len(some) if few is not None else self._candidates(some, width, bitmap)
            found += [self.rescored(row, positions, width) for row, positions in zip(some, near, strict=True)]
        return hits.from_rows(found, depth)

    def rescored(
        self, query: npt.NDArray[np.float32], positions: npt.NDArray[np.int64], k: int
    ) -> tuple[hits.Positions, hits.Floats]:
        """The k best of some positions by their exact scores: two (m,) arrays.

        Raises:
            ArtifactError: a stored vector is not finite.
        """
        scores = np.empty(len(positions), np.float32)
        dense.score(self.vectors, query.astype(np.float64), positions, scores)
        if np.isnan(scores).any():
            raise ArtifactError(f"the index holds vectors that are not finite: {ALTERED}")
        return hits.rank(positions, scores, k)

    @cached_property
    def _peak(self) -> float:
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

    def _scaled(self, queries: Dense) -> _Scaled:
        """Queries times a power of two, so that no product with a row overflows; and what float32 may do to them.

        For u = 2^-24 a float32 product of n columns is off by at most n u / (1 - n u) x |row| x |query|, in whatever
        order it is summed, and by the smallest normal number for each product that vanishes (Higham, Accuracy and
        Stability of Numerical Algorithms, 3.1). The bound is doubled, for it may be off above and below, and doubled
        again, which also covers what rounding a score to float32 may move.
        """
        wide = queries.astype(np.float64)
        norms = np.sqrt((wide * wide).sum(axis=1))
        scales = np.ldexp(1.0, -16 - np.frexp(norms)[1])
        products = self._peak * norms * scales
        vanishing = 4 * (self.dim + 1) * _SMALLEST * np.maximum(1.0, scales) * max(1.0, self._peak)
        slack = 4 * (self.dim + 2) * 2.0**-24 * products + vanishing
        with np.errstate(over="ignore"):
            return _Scaled((wide * scales[:, None]).astype(np.float32), slack, _LARGEST * scales)

    def _candidates(self, queries: Dense, k: int, allowed: Bitmap | None) -> list[npt.NDArray[np.int64]]:
        """Every position that could be among the k best, for each query."""
        scaled, size = self._scaled(queries), len(self)
        worth = threads.workers() if self.vectors.size * len(queries) > _WORTH_SPLITTING else 1
        edges = np.linspace(0, size, worth + 1).astype(np.int64).tolist()
        spans = list(pairwise(edges))

        def run(span: tuple[int, int]) -> list[npt.NDArray[np.int64]]:
            return self._sweep(scaled, k, allowed, span)

        parts = [run(span) for span in spans] if worth == 1 else list(threads.pool().map(run, spans))
        return [np.concatenate(found) for found in zip(*parts, strict=True)]

    def _sweep(
        self, scaled: _Scaled, k: int, allowed: Bitmap | None, span: tuple[int, int]
    ) -> list[npt.NDArray[np.int64]]:
        """As `_candidates`, of some rows."""
        rows, size = scaled.rows, len(scaled.rows)
        bitmap = _NOTHING if allowed is None else allowed
        best = [selecting.nothing(k) for _ in range(size)]
        wanted = list(zip([k] * size, scaled.slack.tolist(), scaled.ceiling.tolist(), strict=True))
        for begin in range(*span, BLOCK):
            products = rows @ self.vectors[begin : min(begin + BLOCK, span[1])].T
            for row in range(size):
                best[row] = selecting.take(products[row], begin, bitmap, best[row], wanted[row])
        last = [selecting.narrowed(one, asked, 0) for one, asked in zip(best, wanted, strict=True)]
        return [one.positions[: one.count] for one in last]
