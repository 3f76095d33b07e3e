"""The inverted index: the largest dot products of sparse vectors, exactly.

One index, two posting weightings: learned postings store impacts, lexical ones store term
frequencies and are weighed while they are read, as tf / (tf + norm[position]). Every posting also
has a one-byte code that bounds it; search finds candidates by the codes and sums these exactly, in
rising order of columns, in float64, rounded once, so neither k nor blocks nor threads can change a
score. Knows columns and positions; refuses to know terms and ids.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array

from vizsla.core import artifacts, hits, threads, vectors
from vizsla.core import settings as plain
from vizsla.core.errors import ArtifactError, ShapeError
from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap, Sparse
from vizsla.data.growing import GrowingArray
from vizsla.indexes import stored, turning
from vizsla.indexes.forward import Forward
from vizsla.indexes.weighting import TermFrequencies
from vizsla.kernels import postings, scoring, summing

KIND, VERSION = "inverted-index", 2
BUDGET_BYTES = 256 << 20
_WORTH_SPLITTING = 4_000_000
_FEW = 64
"""Positions are scored one by one where no more than one in so many is allowed."""
_NOTHING = np.zeros(0, np.bool_)
_NO_NORMS = np.zeros(0, np.float32)


class InvertedIndex:
    """Exact search over sparse vectors; build it with `build`, or `load` a folder.

    Args:
        stored: the arrays.
        steps: what one code is worth in each column; empty for term frequencies.
        lengths: the sum of each position's term frequencies; empty for impacts.
        weighting: how term frequencies weigh; None where impacts are stored.
        bits: 8 where impacts were rounded to codes, else None.
        rounding: how far they were moved in all, as a share of the impacts added up.
        average: of the lengths that count for norms; None takes that of these.

    Attributes:
        dim: how many columns the vectors have.
    """

    def __init__(
        self,
        stored: scoring.Stored,
        steps: npt.NDArray[np.float32],
        lengths: npt.NDArray[np.int32],
        weighting: TermFrequencies | None,
        bits: int | None = None,
        rounding: float | None = None,
        average: float | None = None,
    ) -> None:
        self._stored = stored
        self._steps = steps
        self.lengths = lengths
        self.weighting = weighting
        self.bits = bits
        self.rounding = rounding
        self._norms = _NO_NORMS if weighting is None else weighting.norms(lengths, average)
        self._norms.flags.writeable = False
        self._moved = (1.0, 1.0) if weighting is None else weighting.moved(lengths, average)
        self.dim = len(stored.starts) - 1
        whole_bytes = len(steps) > 0 and stored.rows.values.dtype == np.uint8 and bool((steps == 1).all())
        self._exact = bits is not None or whole_bytes

    def __len__(self) -> int:
        return len(self._stored.rows.ends) - 1

    @classmethod
    def build(
        cls, passages: Sparse, weighting: TermFrequencies | None = None, *, bits: int | None = None
    ) -> "InvertedIndex":
        """An index in memory.

        Args:
            passages: (n, dim), weights or, under a weighting, whole term frequencies; none below zero.
            weighting: how term frequencies weigh; None stores the weights as impacts.
            bits: 8 rounds every impact to one of 255 steps of its column: smaller, and no longer exact.

        Raises:
            ShapeError: a weight below zero, or a term frequency that is not a whole number.
        """
        rows = vectors.sparse(passages)
        if len(rows.data) and rows.data.min() < 0:
            raise ShapeError(f"found the weight {rows.data.min()}; wanted none below zero in an inverted index")
        if weighting is not None and not np.array_equal(rows.data, np.rint(rows.data)):
            raise ShapeError("found term frequencies that are not whole numbers; wanted whole ones, or no weighting")
        forward = Forward(None, np.float32)
        forward.add(postings.Counts(rows.indices, rows.data, rows.indptr[1:].astype(np.int64)), rows.shape[1])
        made = turning.plan(forward, np.arange(rows.shape[1]), weighting, bits=bits)
        kinds = stored.kinds(made.values, rows.shape[1])
        pieces: dict[str, list[npt.NDArray[Any]]] = {name: [np.zeros(0, kind)] for name, kind in kinds.items()}
        for name, piece in turning.turn(forward, made, BUDGET_BYTES):
            pieces[name].append(piece.astype(kinds[name], copy=False))
        arrays = {name: np.concatenate(parts) for name, parts in pieces.items()}
        arranged = stored.arranged(arrays, made.starts, made.frequent)
        steps = _NO_NORMS if made.steps is None else made.steps
        return cls(arranged, steps, made.lengths, weighting, bits, _rounding(made))

    def save(self, folder: str | Path) -> None:
        """Store the index as an artifact."""
        kind = str(self._stored.rows.values.dtype)
        made = stored.Made(len(self), self.dim, kind, stored.plain_weighting(self.weighting), self.bits, self.rounding)
        with artifacts.draft(folder, kind=KIND, version=VERSION, settings=plain.to_mapping(made)) as draft:
            arrays = {name: array for name, array in self._stored._asdict().items() if name != "rows"}
            arrays |= {f"row_{name}": array for name, array in self._stored.rows._asdict().items()}
            arrays |= {"steps": self._steps, "lengths": self.lengths}
            for name, array in arrays.items():
                draft.array(name, array)

    @classmethod
    def load(cls, folder: str | Path) -> "InvertedIndex":
        """Map a stored index; its sizes and headers are checked, its bytes are read when they are used.

        Raises:
            ArtifactError: missing, truncated, or arrays that do not fit each other.
        """
        if artifacts.read_manifest(folder)["format"] == 1:
            return _load_first(folder)
        artifact = artifacts.open_artifact(folder, kind=KIND, version=VERSION)
        made, weighting = stored.read_settings(artifact)
        kinds = stored.kinds(np.dtype(made.values), made.dim)
        arrays = {name: artifact.array(name, kind) for name, kind in kinds.items()}
        steps, lengths = artifact.array("steps", np.float32), artifact.array("lengths", np.int32)
        arranged = stored.arranged(arrays, artifact.array("starts", np.int64), artifact.array("frequent", np.int32))
        stored.check(folder, made, arranged, (steps, lengths))
        return cls(arranged, steps, lengths, weighting, made.bits, made.rounding)

    def at(self, average: float) -> "InvertedIndex":
        """The same postings, weighed by an average length, above zero, that is not theirs; impacts stay as they are."""
        return InvertedIndex(
            self._stored, self._steps, self.lengths, self.weighting, self.bits, self.rounding, average=average
        )

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
        few = self._few(bitmap)
        jobs = [self._query(rows, row) for row in range(rows.shape[0])]

        def run(query: summing.Query) -> tuple[hits.Positions, hits.Floats]:
            return hits.rank(*self._find(query, depth, bitmap, few), depth)

        if len(jobs) == 1:
            found = [hits.rank(*self._split(jobs[0], depth, bitmap, few), depth)]
        elif threads.workers() == 1:
            found = [run(job) for job in jobs]
        else:
            found = list(threads.pool().map(run, jobs))
        return hits.from_rows(found, depth)

    def best(
        self,
        columns: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float64],
        k: int,
        allowed: Bitmap | None = None,
        *,
        alone: bool = True,
    ) -> tuple[hits.Positions, hits.Floats]:
        """As `search` for one query in plain arrays, which are not looked at again; what it finds is not ranked.

        Args:
            columns: (m,) rising, each below `dim`.
            weights: (m,) above zero.
            k: how many to return at most, at least 1.
            allowed: (n,) which positions may be returned; None allows all.
            alone: whether all cores may serve this query; not from a thread of the pool.

        Returns:
            Positions and scores, (m,) each: the k best, in no order, and maybe others.
        """
        query, few = self._weighed(columns, weights), None if allowed is None else self._few(allowed)
        return self._split(query, k, allowed, few) if alone else self._find(query, k, allowed, few)

    def rows(self, begin: int, end: int) -> postings.Counts:
        """The stored vectors of positions `begin` to `end`: columns, rising in each, values, and where each row ends.

        Raises:
            ShapeError: no such positions.
            ArtifactError: stored rows that end outside the index.
        """
        if not 0 <= begin <= end <= len(self):
            raise ShapeError(f"found the positions {begin} to {end}; wanted some of 0 to {len(self)}")
        ends, columns, values = self._stored.rows
        bounds = ends[begin : end + 1]
        if not 0 <= bounds[0] <= bounds[-1] <= len(columns) or (bounds[1:] < bounds[:-1]).any():
            raise ArtifactError(f"the index holds rows outside its entries: {stored.ALTERED}")
        held = columns[bounds[0] : bounds[-1]].astype(np.int32)
        if len(held) and not 0 <= held.min() <= held.max() < self.dim:
            raise ArtifactError(f"the index holds columns beyond its width: {stored.ALTERED}")
        worth = values[bounds[0] : bounds[-1]]
        return postings.Counts(held, worth if self.bits is None else worth * self._steps[held], bounds[1:] - bounds[0])

    def holding(self, column: int) -> npt.NDArray[np.int32]:
        """The positions whose vectors hold a column, rising: (df,).

        Raises:
            ArtifactError: a stored offset or position points outside the index.
        """
        slot = int(np.searchsorted(self._stored.frequent, column))
        if slot < len(self._stored.frequent) and self._stored.frequent[slot] == column:
            return np.flatnonzero(self._tiled(slot)).astype(np.int32)
        begin, end = self._stored.starts[column : column + 2].tolist()
        if not 0 <= begin <= end <= len(self._stored.positions):
            raise ArtifactError(f"the index holds offsets outside its postings: {stored.ALTERED}")
        held: npt.NDArray[np.int32] = self._stored.positions[begin:end]
        if len(held) and not 0 <= held.min() <= held.max() < len(self):
            raise ArtifactError(f"the index holds positions beyond its passages: {stored.ALTERED}")
        return held

    def contributions(self, queries: Sparse, position: int) -> list[tuple[int, float]]:
        """What each column of one query adds to a position's product: (column, product), in order of columns."""
        row = vectors.sparse(queries, dim=self.dim)
        held = dict(self.vector(position))
        weights = zip(row.indices.tolist(), row.data.tolist(), strict=True)
        return [(column, weight * self._weigh(held[column], position)) for column, weight in weights if column in held]

    def vector(self, position: int) -> list[tuple[int, float]]:
        """The stored vector of a position: (column, value), in order of columns.

        Raises:
            ArtifactError: the stored row ends outside the index.
        """
        row = self.rows(position, position + 1)
        return list(zip(row.terms.tolist(), row.values.astype(np.float64).tolist(), strict=True))

    def _weigh(self, value: float, position: int) -> float:
        return value if self.weighting is None else value / (value + float(self._norms[position]))

    def _tiled(self, slot: int) -> npt.NDArray[np.uint8]:
        """The codes of a tiled column at every position: (n,)."""
        columns, tiles = len(self._stored.frequent), self._stored.tiles
        whole = len(self) // scoring.TILE * scoring.TILE
        parts = [tiles[: whole * columns].reshape(-1, columns, scoring.TILE)[:, slot].reshape(-1)]
        if whole < len(self):
            parts.append(tiles[whole * columns :].reshape(columns, -1)[slot, : len(self) - whole])
        return np.concatenate(parts)

    def _query(self, rows: Sparse, row: int) -> summing.Query:
        one = slice(rows.indptr[row], rows.indptr[row + 1])
        return self._weighed(rows.indices[one].astype(np.int64), rows.data[one].astype(np.float64))

    def _weighed(self, columns: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]) -> summing.Query:
        steps = weights * self._steps[columns] if len(self._steps) else weights / 255
        least, most = self._moved
        exact, loose = weights if self.bits is None else steps, 0.0 if self._exact else 1.0
        return summing.Query(columns, exact, steps * most if most > 1 else steps, loose, least / most)

    def _few(self, allowed: Bitmap | None) -> npt.NDArray[np.int64] | None:
        """The allowed positions where they are so few that they are scored one by one."""
        if allowed is None or _FEW * np.count_nonzero(allowed) > len(allowed):
            return None
        return np.flatnonzero(allowed)

    def _find(
        self, query: summing.Query, k: int, allowed: Bitmap | None, few: npt.NDArray[np.int64] | None
    ) -> tuple[hits.Positions, hits.Floats]:
        width = min(k, len(self))
        return self._search(query, width, allowed) if few is None else self._search_few(query, width, few)

    def _split(
        self, query: summing.Query, k: int, allowed: Bitmap | None, few: npt.NDArray[np.int64] | None
    ) -> tuple[hits.Positions, hits.Floats]:
        """As `_find`, over all cores where the query reads enough."""
        most = len(self) * len(query.columns)
        if (
            most > _WORTH_SPLITTING
            and few is None
            and threads.workers() > 1
            and self._touched(query) > _WORTH_SPLITTING
        ):
            return self._search_ranges(query, min(k, len(self)), allowed)
        return self._find(query, k, allowed, few)

    def _touched(self, query: summing.Query) -> int:
        """About how many postings a query reads: lists, and a code at every position for each tiled column."""
        sizes = self._stored.starts[query.columns + 1] - self._stored.starts[query.columns]
        return int(sizes.sum()) + int(np.count_nonzero(sizes == 0)) * len(self) // scoring.GROUP

    def _search(
        self, query: summing.Query, k: int, allowed: Bitmap | None, first: int = 0, last: int | None = None
    ) -> tuple[hits.Positions, hits.Floats]:
        if not k or not len(query.columns):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        span = scoring.Span(first, len(self) if last is None else last, _NOTHING if allowed is None else allowed)
        fine, positions, scores = scoring.search(self._stored, self._norms, query, k, span)
        if not fine:
            raise ArtifactError(f"the index holds arrays that contradict each other: {stored.ALTERED}")
        return positions, scores

    def _search_few(
        self, query: summing.Query, k: int, positions: npt.NDArray[np.int64]
    ) -> tuple[hits.Positions, hits.Floats]:
        if not k or not len(query.columns):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        fine, found, scores = scoring.search_few(self._stored, self._norms, query, positions)
        if not fine:
            raise ArtifactError(f"the index holds rows outside its entries: {stored.ALTERED}")
        return found, scores

    def _search_ranges(
        self, query: summing.Query, k: int, allowed: Bitmap | None
    ) -> tuple[hits.Positions, hits.Floats]:
        """One query over all cores: each takes a range of positions."""
        edges = np.linspace(0, len(self), threads.workers() + 1).astype(np.int64) // scoring.GROUP * scoring.GROUP
        edges[-1] = len(self)
        spans = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
        parts = list(threads.pool().map(lambda span: self._search(query, k, allowed, *span), spans))
        return np.concatenate([p for p, _ in parts]), np.concatenate([s for _, s in parts])


def write(
    folder: str | Path,
    forward: Forward,
    order: npt.NDArray[np.int64],
    weighting: TermFrequencies | None,
    *,
    bits: int | None = None,
    budget_bytes: int = BUDGET_BYTES,
) -> None:
    """Store rows as an index, made and written piece by piece in bounded memory.

    Args:
        folder: where the artifact will stand.
        forward: the rows.
        order: the new number of each column of the rows.
        weighting: how term frequencies weigh; None stores impacts.
        bits: 8 rounds every impact to one of 255 steps of its column.
        budget_bytes: memory for a range of columns.
    """
    made = turning.plan(forward, order, weighting, bits=bits)
    settings = plain.to_mapping(
        stored.Made(len(forward), len(order), str(made.values), stored.plain_weighting(weighting), bits)
    )
    with artifacts.draft(folder, kind=KIND, version=VERSION, settings=settings) as draft, ExitStack() as files:
        draft.array("starts", made.starts)
        draft.array("frequent", made.frequent)
        draft.array("steps", _NO_NORMS if made.steps is None else made.steps)
        draft.array("lengths", made.lengths)
        growing = {
            name: GrowingArray(files.enter_context(draft.path(f"{name}.npy").open("wb")), kind)
            for name, kind in stored.kinds(made.values, len(order)).items()
        }
        for name, piece in turning.turn(forward, made, budget_bytes):
            growing[name].append(piece)
        for array in growing.values():
            array.close()
        settings["rounding"] = _rounding(made)


def _rounding(made: turning.Plan) -> float | None:
    moved, all_impacts = made.rounding.tolist()
    return moved / all_impacts if all_impacts else None


def _load_first(folder: str | Path) -> InvertedIndex:
    """An index of the first format, which had lists alone: turned round in memory."""
    artifact = artifacts.open_artifact(folder, kind=KIND, version=1)
    made, weighting = stored.read_settings(artifact)
    starts, positions = artifact.array("starts", np.int64), artifact.array("positions", np.int32)
    values = artifact.array("values", made.values)
    try:
        columns = csc_array((values, positions, starts), shape=(made.size, made.dim))
        columns.check_format(full_check=True)
        rows = columns.tocsr()
        index = InvertedIndex.build(rows, weighting)
    except (ValueError, ShapeError) as error:
        raise ArtifactError(f"{folder}: the arrays do not fit each other ({error}); build the index again") from error
    if weighting is not None and (rows.sum(axis=1) != artifact.array("lengths", np.int32)).any():
        raise ArtifactError(f"{folder}/lengths.npy: found other lengths than the postings have: {stored.ALTERED}")
    return index
