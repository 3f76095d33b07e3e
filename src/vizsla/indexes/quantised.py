"""The quantised index: one bit a column finds candidates, their exact scores make the hits.

The scan reads a thirtieth of what the flat index reads. Scores are the flat index's, to the last bit; which hits are
found is a matter of recall: what was wanted is given, how many candidates it needs is measured while the index is
built, and recorded with the recall that this gave. Few passages, and few that are allowed, are searched exactly.
Knows vectors and positions; refuses to know texts.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vizsla.core import artifacts, hits, threads, vectors
from vizsla.core import settings as plain
from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap, Dense
from vizsla.indexes import signs
from vizsla.indexes.depths import Depths, Source, check_recall, measure
from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.rows import mapped, settings_of
from vizsla.indexes.signs import Signs
from vizsla.kernels import signs as kernel

KIND, VERSION = "quantised-index", 1
RECALL = 0.98
_WORTH_CODES = 10_000
"""Positions from which on the scan of codes is worth its candidates."""
_EXACT, _CANDIDATE = 20, 30
"""What an exact score costs, by what an estimate costs: of rows in order, and of one here and one there."""
_WORTH_SPLITTING = 100_000
"""Positions of one query that are worth a core of their own."""
_NOTHING = np.zeros(0, np.bool_)


@dataclass(frozen=True, slots=True)
class Made:
    """What a manifest says of a quantised index.

    Attributes:
        size: positions.
        dim: columns.
        recall: the share of the k best that was wanted.
        seed: of the rotation and of what was held out.
        depths, found, held_out, asked: as in Depths; None where there are no codes, and every search is exact.
    """

    size: int
    dim: int
    recall: float
    seed: int
    depths: tuple[int, ...] | None = None
    found: tuple[float, ...] | None = None
    held_out: Source | None = None
    asked: int | None = None


class QuantisedIndex:
    """Search over dense vectors at a wanted recall, with exact scores; `build` it, or `load` a folder.

    Args:
        flat: the vectors.
        signs: their codes; None where every search is exact.
        measured: how many candidates are scored, and the recall found; None where every search is exact.
        recall: the share of the k best that was wanted.
        seed: of the rotation and of what was held out.
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
            seed: of the rotation and of what is held out.

        Raises:
            ShapeError: not two dimensions, another width, or a value that is not finite.
            SettingsError: a recall that is not above 0 and below 1.
        """
        check_recall(recall)
        flat = FlatIndex.build(passages)
        asked = None if queries is None or not len(queries) else vectors.dense(queries, dim=flat.dim)
        if len(flat) < _WORTH_CODES or not flat.dim:
            return cls(flat, None, None, recall, seed)
        made = Signs.made(flat.vectors, seed)
        return cls(flat, made, measure(flat, made.estimates, asked, recall, seed), recall, seed)

    def save(self, folder: str | Path) -> None:
        """Store the index as an artifact."""
        made = Made(len(self), self.dim, self.recall, self.seed)
        if self.measured is not None:
            found = self.measured
            measured = {field: getattr(found, field) for field in ("depths", "found", "held_out", "asked")}
            made = replace(made, **measured)
        with artifacts.draft(folder, kind=KIND, version=VERSION, settings=plain.to_mapping(made)) as draft:
            draft.array("vectors", self.vectors)
            if self._signs is not None:
                draft.array("mean", self._signs.mean)
                draft.array("rotation", self._signs.rotation)
                draft.array("bits", self._signs.codes.bits)
                draft.array("factors", self._signs.codes.factors)

    @classmethod
    def load(cls, folder: str | Path) -> "QuantisedIndex":
        """Map a stored index; its sizes and headers are checked, its bytes are read when they are used.

        Raises:
            ArtifactError: missing, truncated, or arrays that do not fit its manifest.
        """
        artifact = artifacts.open_artifact(folder, kind=KIND, version=VERSION)
        made = settings_of(artifact, Made)
        size, dim = made.size, made.dim
        flat = FlatIndex(mapped(artifact, "vectors", np.float32, (size, dim)))
        measured = _measured(folder, made)
        if measured is None:
            return cls(flat, None, None, made.recall, made.seed)
        words, width = signs.words(dim), signs.words(dim) * kernel.WORD
        found = Signs.of(
            mapped(artifact, "mean", np.float32, (dim,)),
            mapped(artifact, "rotation", np.float32, (width, dim)),
            mapped(artifact, "bits", np.uint64, (signs.tiles(size), words, kernel.TILE)),
            mapped(artifact, "factors", np.float32, (size,)),
        )
        return cls(flat, found, measured, made.recall, made.seed)

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
        bitmap = vectors.check_allowed(allowed, len(self))
        width, count = min(depth, len(self)), len(self) if bitmap is None else int(np.count_nonzero(bitmap))
        if self._signs is None or self.measured is None:
            return self._flat.search(rows, k, bitmap)
        deep = min(self.measured.at(width), len(self))
        if _EXACT * count <= len(self) + _CANDIDATE * deep:
            return self._flat.search(rows, k, bitmap)
        found, scan = self._signs, self._scan if len(rows) > 1 else self._split
        chosen = _NOTHING if bitmap is None else bitmap

        def run(query: npt.NDArray[np.float32]) -> tuple[hits.Positions, hits.Floats]:
            return self._flat.rescored(query, scan(found, found.asked(query), deep, chosen), width)

        several = len(rows) > 1 and threads.workers() > 1
        return hits.from_rows(list(threads.pool().map(run, rows) if several else map(run, rows)), depth)

    def _scan(self, found: Signs, asked: kernel.Asked, depth: int, allowed: Bitmap) -> hits.Positions:
        positions: hits.Positions = kernel.scan(found.codes, asked, depth, (0, len(self)), allowed)[0]
        return positions

    def _split(self, found: Signs, asked: kernel.Asked, depth: int, allowed: Bitmap) -> hits.Positions:
        """As `_scan`, by every core at once where there is enough to do: the same positions."""
        parts = min(threads.workers(), len(self) // _WORTH_SPLITTING + 1)
        if parts == 1:
            return self._scan(found, asked, depth, allowed)
        edges = [len(self) * part // parts // kernel.TILE * kernel.TILE for part in range(parts)] + [len(self)]
        near = list(
            threads.pool().map(lambda span: kernel.scan(found.codes, asked, depth, span, allowed), pairwise(edges))
        )
        positions, estimates = (np.concatenate(part) for part in zip(*near, strict=True))
        if depth < len(estimates):
            last = np.partition(estimates, len(estimates) - depth)[len(estimates) - depth]
            positions = positions[~(estimates < last)]
        return positions


def _measured(folder: str | Path, made: Made) -> Depths | None:
    try:
        check_recall(made.recall)
        if (made.depths, made.found, made.held_out, made.asked) == (None,) * 4:
            return None
        if made.depths is None or made.found is None or made.held_out is None or made.asked is None:
            raise SettingsError("found some of depths, found, held_out and asked; wanted all or none")
        return Depths(made.recall, made.depths, made.found, made.held_out, made.asked)
    except SettingsError as error:
        raise ArtifactError(f"{folder}: its manifest is not a quantised index's: {error}; build it again") from error
