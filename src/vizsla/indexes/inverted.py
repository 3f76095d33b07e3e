"""The inverted index: the largest dot products of sparse vectors, exactly.

One index, two posting weightings: learned postings store impacts, lexical ones store term
frequencies and are weighed while they are read, as tf / (tf + norm[position]). Sums are made in
rising order of terms in float64 and rounded once, so neither k nor blocks nor threads can change a
score. Knows columns and positions; refuses to know terms and ids.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vizsla.core import artifacts, hits, threads, vectors
from vizsla.core import settings as plain
from vizsla.core.errors import ArtifactError, SettingsError, ShapeError
from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap, Sparse
from vizsla.data.growing import GrowingArray
from vizsla.indexes.forward import Forward
from vizsla.kernels import postings

KIND, VERSION = "inverted-index", 1
BUDGET_BYTES = 256 << 20
_WORTH_SPLITTING = 4_000_000
_NOTHING = np.zeros(0, np.bool_)
_VALUES = ("float32", "uint8", "uint16", "uint32", "uint64")
_MOST = np.iinfo(np.int32).max
_LARGEST = 1e20
"""Times the length of any passage over the average, at most the number of passages, this is a float32."""


@dataclass(frozen=True, slots=True)
class TermFrequencies:
    """Lexical postings: tf / (tf + norm), norm = saturation x (1 - slope + slope x length / average length).

    Every BM25 variant is this times a weight of the query's term (see `vizsla.encoders.bm25`).

    Attributes:
        saturation: k1, or k1 + delta for BM25L.
        slope: b, between 0 and 1.
    """

    saturation: float
    slope: float

    def __post_init__(self) -> None:
        if not (0 < self.saturation <= _LARGEST and 0 <= self.slope <= 1):
            found = f"saturation={self.saturation}, slope={self.slope}"
            wanted = f"a saturation above 0 and a slope from 0 to 1, the saturation at most {_LARGEST:g}"
            raise SettingsError(f"found {found}; wanted {wanted}")

    def norms(self, lengths: npt.NDArray[np.int32], average: float) -> npt.NDArray[np.float32]:
        """The norm of each position, and as many more as the search loop may look ahead: (n + a block,)."""
        norms = np.ones(len(lengths) + postings.BLOCK, np.float32)
        relative = lengths / average if average > 0 else np.ones(len(lengths))
        norms[: len(lengths)] = self.saturation * (1 - self.slope + self.slope * relative)
        return norms


@dataclass(frozen=True, slots=True)
class _Made:
    """What a manifest says of an index."""

    size: int
    dim: int
    values: str
    weighting: dict[str, float] | None

    def __post_init__(self) -> None:
        if self.size < 0 or self.values not in _VALUES:
            raise SettingsError(f"found {self.size} positions and {self.values} values; wanted one of {_VALUES}")


@dataclass(frozen=True, slots=True)
class _Stored:
    """The arrays of an index, in memory or mapped."""

    starts: npt.NDArray[np.int64]
    postings: postings.Postings
    lengths: npt.NDArray[np.int32]


class InvertedIndex:
    """Exact search over sparse vectors; build it with `build`, or `load` a folder.

    Args:
        stored: the arrays.
        size: how many positions there are.
        weighting: how term frequencies weigh; None where impacts are stored.
    """

    def __init__(self, stored: _Stored, size: int, weighting: TermFrequencies | None) -> None:
        self._stored = stored
        self._size = size
        self.weighting = weighting
        if weighting is not None:
            average = float(stored.lengths.mean(dtype=np.float64)) if size else 0.0
            self._norms = weighting.norms(stored.lengths, average)

    @property
    def dim(self) -> int:
        """How many columns the vectors have."""
        return len(self._stored.starts) - 1

    def __len__(self) -> int:
        return self._size

    @classmethod
    def build(cls, passages: Sparse, weighting: TermFrequencies | None = None) -> "InvertedIndex":
        """An index in memory.

        Args:
            passages: (n, dim), weights or, under a weighting, whole term frequencies; none below zero.
            weighting: how term frequencies weigh; None stores the weights as impacts.

        Raises:
            ShapeError: a weight below zero, or a term frequency that is not a whole number.
        """
        rows = vectors.sparse(passages)
        if len(rows.data) and rows.data.min() < 0:
            raise ShapeError(f"found the weight {rows.data.min()}; wanted none below zero in an inverted index")
        if weighting is not None and not np.array_equal(rows.data, np.rint(rows.data)):
            raise ShapeError("found term frequencies that are not whole numbers; wanted whole ones, or no weighting")
        forward = Forward(None, np.float32)
        counts = postings.Counts(rows.indices, rows.data, rows.indptr[1:].astype(np.int64))
        forward.add(counts, rows.shape[1])
        return cls(_arrays(forward, np.arange(rows.shape[1]), weighting), rows.shape[0], weighting)

    def save(self, folder: str | Path) -> None:
        """Store the index as an artifact."""
        made = _Made(self._size, self.dim, str(self._stored.postings.values.dtype), _plain(self.weighting))
        with artifacts.draft(folder, kind=KIND, version=VERSION, settings=plain.to_mapping(made)) as draft:
            draft.array("starts", self._stored.starts)
            draft.array("positions", self._stored.postings.positions)
            draft.array("values", self._stored.postings.values)
            draft.array("lengths", self._stored.lengths)

    @classmethod
    def load(cls, folder: str | Path) -> "InvertedIndex":
        """Map a stored index; its sizes and headers are checked, its bytes are read when they are used.

        Raises:
            ArtifactError: missing, truncated, or arrays that do not fit each other.
        """
        artifact = artifacts.open_artifact(folder, kind=KIND, version=VERSION)
        made, weighting = _read_settings(artifact)
        stored = _Stored(
            artifact.array("starts", np.int64),
            postings.Postings(artifact.array("positions", np.int32), artifact.array("values", made.values)),
            artifact.array("lengths", np.int32),
        )
        entries, lengths = len(stored.postings.positions), made.size if weighting else 0
        fits = len(stored.starts) == made.dim + 1 and stored.starts[0] == 0 and stored.starts[-1] == entries
        if not fits or len(stored.postings.values) != entries or len(stored.lengths) != lengths:
            raise ArtifactError(f"{folder}: the arrays do not fit each other; build the index again")
        if stored.lengths.min(initial=0) < 0:
            raise ArtifactError(f"{folder}/lengths.npy: found a length below zero; altered: build the index again")
        return cls(stored, made.size, weighting)

    def search(self, queries: Sparse, k: int, allowed: Bitmap | None = None) -> Hits:
        """The k positions with the largest products; only those that share a column with the query.

        Args:
            queries: (q, dim) weights, none below zero.
            k: how many to return at most.
            allowed: (n,) which positions may be returned; None allows all.

        Raises:
            ShapeError: another width, a weight below zero, or a bitmap of another size.
        """
        rows, depth = vectors.sparse(queries, dim=self.dim), vectors.check_depth(k)
        if len(rows.data) and rows.data.min() < 0:
            raise ShapeError(f"found the query weight {rows.data.min()}; wanted none below zero in an inverted index")
        bitmap = vectors.check_allowed(allowed, len(self))
        width = min(depth, len(self))
        jobs = [self._query(rows, row) for row in range(rows.shape[0])]
        if len(jobs) == 1 and jobs[0].ends.sum() - jobs[0].cursors.sum() > _WORTH_SPLITTING and threads.workers() > 1:
            found = [self._search_ranges(jobs[0], width, bitmap)]
        elif len(jobs) == 1 or threads.workers() == 1:
            found = [self._search(job, width, bitmap, 0, len(self)) for job in jobs]
        else:
            found = list(threads.pool().map(lambda job: self._search(job, width, bitmap, 0, len(self)), jobs))
        return hits.from_rows(found, depth)

    def holding(self, column: int) -> npt.NDArray[np.int32]:
        """The positions whose vectors hold a column, rising: (df,).

        Raises:
            ArtifactError: a stored offset or position points outside the index.
        """
        begin, end = self._bounds(np.array([column]))
        held: npt.NDArray[np.int32] = self._stored.postings.positions[begin[0] : end[0]]
        if len(held) and not 0 <= held.min() <= held.max() < len(self):
            raise ArtifactError(
                "the index holds positions beyond its passages: altered since it was written; build it again"
            )
        return held

    def contributions(self, queries: Sparse, position: int) -> list[tuple[int, float]]:
        """What each column of one query adds to a position's product: (column, product), in order of columns."""
        row = vectors.sparse(queries, dim=self.dim)
        parts = []
        for column, weight in zip(row.indices.tolist(), row.data.tolist(), strict=True):
            held = self.holding(column)
            at = int(np.searchsorted(held, position))
            if at < len(held) and held[at] == position:
                value = float(self._stored.postings.values[int(self._stored.starts[column]) + at])
                parts.append((column, weight * self._weigh(value, position)))
        return parts

    def vector(self, position: int) -> list[tuple[int, float]]:
        """The stored vector of a position, by a look at every column: (column, value)."""
        entries = np.flatnonzero(self._stored.postings.positions == position)
        columns = np.searchsorted(self._stored.starts, entries, side="right") - 1
        return list(zip(columns.tolist(), self._stored.postings.values[entries].tolist(), strict=True))

    def _weigh(self, value: float, position: int) -> float:
        return value if self.weighting is None else value / (value + float(self._norms[position]))

    def _bounds(self, columns: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        begins, ends = self._stored.starts[columns], self._stored.starts[columns + 1]
        if ((begins < 0) | (begins > ends) | (ends > len(self._stored.postings.positions))).any():
            raise ArtifactError(
                "the index holds offsets outside its postings: altered since it was written; build it again"
            )
        return np.array(begins), np.array(ends)

    def _query(self, rows: Sparse, row: int) -> postings.Query:
        one = slice(rows.indptr[row], rows.indptr[row + 1])
        begins, ends = self._bounds(rows.indices[one].astype(np.int64))
        return postings.Query(begins, ends, rows.data[one].astype(np.float64))

    def _search(
        self, query: postings.Query, k: int, allowed: Bitmap | None, first: int, last: int
    ) -> tuple[hits.Positions, hits.Floats]:
        best = postings.Best(np.empty(k, np.float32), np.empty(k, np.int64))
        bitmap = _NOTHING if allowed is None else allowed
        stored = self._stored.postings
        if k == 0 or not len(query.weights):
            count = 0
        elif self.weighting is None:
            count = postings.search_impacts(query, stored, first, last, bitmap, best)
        else:
            count = postings.search_frequencies(query, stored, self._norms, first, last, bitmap, best)
        if k and not np.array_equal(query.cursors, query.ends):
            raise ArtifactError("the index holds positions out of order: altered since it was written; build it again")
        return hits.rank(best.places[:count], best.scores[:count], max(k, 1))

    def _search_ranges(
        self, query: postings.Query, k: int, allowed: Bitmap | None
    ) -> tuple[hits.Positions, hits.Floats]:
        """One query over all cores: each takes a range of positions, and the best are ranked together."""
        edges = np.linspace(0, len(self), threads.workers() + 1).astype(np.int64).tolist()
        positions = self._stored.postings.positions
        cuts = [
            np.array(
                [b + np.searchsorted(positions[b:e], edge) for b, e in zip(query.cursors, query.ends, strict=True)]
            )
            for edge in edges
        ]
        jobs = [
            (postings.Query(cuts[i].copy(), cuts[i + 1].copy(), query.weights), edges[i], edges[i + 1])
            for i in range(len(edges) - 1)
        ]
        parts = list(threads.pool().map(lambda job: self._search(job[0], k, allowed, job[1], job[2]), jobs))
        return hits.rank(np.concatenate([p for p, _ in parts]), np.concatenate([s for _, s in parts]), k)


def write(
    folder: str | Path,
    forward: Forward,
    order: npt.NDArray[np.int64],
    weighting: TermFrequencies | None,
    *,
    budget_bytes: int = BUDGET_BYTES,
) -> None:
    """Store rows as an index, its postings made and written a range of columns at a time.

    Args:
        folder: where the artifact will stand.
        forward: the rows.
        order: the new number of each term of the rows.
        weighting: how term frequencies weigh; None stores impacts.
        budget_bytes: memory for a range of columns.
    """
    starts = _starts(forward, order)
    values = _smallest(forward, weighting)
    made = _Made(len(forward), len(order), str(values), _plain(weighting))
    with artifacts.draft(folder, kind=KIND, version=VERSION, settings=plain.to_mapping(made)) as draft:
        draft.array("starts", starts)
        draft.array("lengths", _lengths(forward, weighting))
        with draft.path("positions.npy").open("wb") as places, draft.path("values.npy").open("wb") as weights:
            positions, out = GrowingArray(places, np.int32), GrowingArray(weights, values)
            for part in forward.turned(order, starts, values, budget_bytes):
                positions.append(part.positions)
                out.append(part.values)
            positions.close()
            out.close()


def _arrays(forward: Forward, order: npt.NDArray[np.int64], weighting: TermFrequencies | None) -> _Stored:
    starts = _starts(forward, order)
    kind = _smallest(forward, weighting)
    made = list(forward.turned(order, starts, kind, BUDGET_BYTES))
    positions = np.concatenate([np.zeros(0, np.int32), *(part.positions for part in made)])
    values = np.concatenate([np.zeros(0, kind), *(part.values for part in made)])
    return _Stored(starts, postings.Postings(positions, values), _lengths(forward, weighting))


def _plain(weighting: TermFrequencies | None) -> dict[str, float] | None:
    return None if weighting is None else plain.to_mapping(weighting)


def _read_settings(artifact: artifacts.Artifact) -> tuple[_Made, TermFrequencies | None]:
    try:
        made = plain.from_mapping(_Made, artifact.settings)
        return made, None if made.weighting is None else plain.from_mapping(TermFrequencies, made.weighting)
    except (SettingsError, OverflowError) as error:  # a whole number in JSON may be larger than any float
        raise ArtifactError(f"{artifact.folder}: its manifest is not an index's: {error}; build it again") from error


def _starts(forward: Forward, order: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if len(forward) > _MOST:
        raise SettingsError(
            f"found {len(forward)} passages; wanted at most {_MOST} in one index: build several and merge"
        )
    starts = np.zeros(len(order) + 1, np.int64)
    starts[order + 1] = forward.frequencies[: len(order)]
    return np.cumsum(starts)


def _smallest(forward: Forward, weighting: TermFrequencies | None) -> np.dtype[np.generic]:
    return np.dtype(np.float32) if weighting is None else np.min_scalar_type(int(forward.largest))


def _lengths(forward: Forward, weighting: TermFrequencies | None) -> npt.NDArray[np.int32]:
    if weighting is None:
        return np.zeros(0, np.int32)
    return np.concatenate([np.zeros(0), *forward.lengths]).astype(np.int32)
