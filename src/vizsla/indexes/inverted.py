"""The inverted index: the largest dot products of sparse vectors, exactly.

One index, two posting weightings: learned postings store impacts, lexical ones store term
frequencies and are weighed while they are read, as tf / (tf + norm[position]). Every posting also
has a one-byte code that bounds it; search finds candidates by the codes and sums these exactly, in
rising order of columns, in float64, rounded once, so neither k nor blocks nor threads can change a
score. Knows columns and positions; refuses to know terms and ids.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from threading import Event
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
from vizsla.indexes.contents import Contents
from vizsla.indexes.forward import Forward
from vizsla.indexes.weighting import TermFrequencies
from vizsla.kernels import bounding, decoding, postings, scoring

KIND, VERSION = "inverted-index", 2
BUDGET_BYTES = 256 << 20
_WORTH_SPLITTING = 4_000_000
_WORTH_A_THREAD = 100_000
"""Entries from which on rows and lists are turned at once: less takes longer to hand over than to do."""
_LONGEST = 2.0**31
"""An index holds no more passages, and none of more terms: no average lies beyond this, or below one of it."""
_NOTHING = np.zeros(0, np.bool_)
_NO_NORMS = np.zeros(0, np.float32)
_NOTHING.flags.writeable = _NO_NORMS.flags.writeable = False  # as what stands there else: one compiled loop for both


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
        lengths: the sum of each position's term frequencies, (n,); empty where impacts are stored.
        moved: what term frequencies add under the average that counts, at least and at most, over what codes say.
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
        self.dim = len(stored.postings.starts) - 1
        self._steps = steps
        self.lengths = lengths
        self.weighting = weighting
        self.bits = bits
        self.rounding = rounding
        self._norms, self.moved = decoding.Norms(_NO_NORMS, _NO_NORMS), (1.0, 1.0)
        if weighting is not None:
            self._norms, self.moved = _norms(weighting, lengths, average), weighting.moved(lengths, average)
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
        for name, piece in chain(*turning.turn(forward, made, BUDGET_BYTES)):
            pieces[name].append(piece.astype(kinds[name], copy=False))
        arrays = {name: np.concatenate(parts) for name, parts in pieces.items()}
        arranged = stored.arranged(arrays, made.starts, made.frequent)
        steps = _NO_NORMS if made.steps is None else made.steps
        return cls(arranged, steps, made.lengths, weighting, bits, _rounding(made))

    def save(self, folder: artifacts.Place) -> None:
        """Store the index as an artifact."""
        kind = str(self._stored.rows.values.dtype)
        made = stored.Made(len(self), self.dim, kind, stored.plain_weighting(self.weighting), self.bits, self.rounding)
        with artifacts.draft(folder, kind=KIND, version=VERSION, settings=plain.to_mapping(made)) as draft:
            arrays = self._stored.postings._asdict()
            arrays |= {f"row_{name}": array for name, array in self._stored.rows._asdict().items()}
            arrays |= {"steps": self._steps, "lengths": self.lengths}
            for name, array in arrays.items():
                draft.array(name, array)

    @classmethod
    def load(cls, folder: artifacts.Place) -> "InvertedIndex":
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
        columns, weights = rows.indices.astype(np.int64), rows.data.astype(np.float64)
        found = hits.empty(rows.shape[0], depth)
        self._search(self.weighed(rows.indptr.astype(np.int64), columns, weights), found, bitmap, alone=True)
        return found

    @property
    def contents(self) -> Contents:
        """What it holds, to be read instead of searched."""
        return Contents(self._stored, self.dim, None if self.bits is None else self._steps)

    @property
    def arrays(self) -> tuple[scoring.Stored, decoding.Norms]:
        """What kernels search."""
        return self._stored, self._norms

    def at(self, average: float) -> "InvertedIndex":
        """The same postings, weighed by an average length that is not theirs; impacts stay as they are.

        Raises:
            ShapeError: an average that no passages have.
        """
        if not 1 / _LONGEST <= average <= _LONGEST:
            raise ShapeError(
                f"found the average length {average}; wanted one from {1 / _LONGEST:.1g} to {_LONGEST:.1g}"
            )
        made = self._stored, self._steps, self.lengths, self.weighting, self.bits, self.rounding
        return InvertedIndex(*made, average=average)

    def weighed(
        self, starts: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]
    ) -> scoring.Block:
        """Queries as kernels take them: where each begins, (q + 1,), rising columns, and weights above zero."""
        least, most = self.moved
        steps = weights * self._steps[columns] if len(self._steps) else weights * (most / 255)
        exact, loose = weights if self.bits is None else steps, 0.0 if self._exact else 1.0
        return scoring.Block(starts, columns, exact, steps, loose, least / most)

    def contributions(self, queries: Sparse, position: int) -> list[tuple[int, float]]:
        """What each column of one query adds to a position's product: (column, product), in order of columns."""
        row = vectors.sparse(queries, dim=self.dim)
        held = dict(self.contents.vector(position))
        weights = zip(row.indices.tolist(), row.data.tolist(), strict=True)
        return [(column, weight * self._weigh(held[column], position)) for column, weight in weights if column in held]

    def _weigh(self, value: float, position: int) -> float:
        return value if self.weighting is None else value / (value + float(self._norms.live[position]))

    def _search(self, block: scoring.Block, found: Hits, bitmap: Bitmap | None, *, alone: bool) -> None:
        """Fill rows of hits that say nothing yet."""
        cores = threads.workers() if alone else 1
        if bitmap is not None and scoring.FEW * np.count_nonzero(bitmap) <= len(self):
            self._shared(block, found, cores, (scoring.search_few, np.flatnonzero(bitmap)))
        elif len(found) == 1 and cores > 1 and self._touched(block) > _WORTH_SPLITTING:
            self._search_ranges(block, found, bitmap)
        else:
            span = bounding.Span(0, len(self), len(self), _NOTHING if bitmap is None else bitmap)
            self._shared(block, found, cores, (scoring.search_block, span))

    def _touched(self, block: scoring.Block) -> int:
        """About how many postings queries read: lists, and a code of every group of positions for each tiled column."""
        starts = self._stored.postings.starts
        sizes = starts[block.columns + 1] - starts[block.columns]
        return int(sizes.sum()) + int(np.count_nonzero(sizes == 0)) * len(self) // bounding.GROUP

    def _shared(self, block: scoring.Block, found: Hits, cores: int, how: tuple[Callable[..., Any], Any]) -> None:
        """Search for parts of the queries on all cores, each into its rows: by which loop, and where."""
        count, (search, where) = len(found), how
        size = max(1, -(-count // (4 * cores)) if cores > 1 else count)

        def run(first: int) -> Any:
            part = block if size >= count else block._replace(starts=block.starts[first : first + size + 1])
            rows = slice(first, first + size)
            return search(self._stored, self._norms, part, where, found.positions[rows], found.scores[rows])

        firsts = range(0, count, size)
        if not all(threads.pool().map(run, firsts) if len(firsts) > 1 else map(run, firsts)):
            raise ArtifactError(f"the index holds arrays that contradict each other: {stored.ALTERED}")

    def _search_ranges(self, block: scoring.Block, found: Hits, allowed: Bitmap | None) -> None:
        """One query over all cores: each takes a range of positions, and the best are ranked together."""
        edges = np.linspace(0, len(self), threads.workers() + 1).astype(np.int64) // bounding.GROUP * bounding.GROUP
        edges[-1] = len(self)
        some = _NOTHING if allowed is None else allowed
        parts = [hits.empty(1, found.positions.shape[1]) for _ in edges[1:]]

        def run(number: int) -> Any:
            span = bounding.Span(int(edges[number]), int(edges[number + 1]), len(self), some)
            part = parts[number]
            return scoring.search_block(self._stored, self._norms, block, span, part.positions, part.scores)

        if not all(threads.pool().map(run, range(len(parts)))):
            raise ArtifactError(f"the index holds arrays that contradict each other: {stored.ALTERED}")
        best = hits.merge(parts, found.positions.shape[1])
        found.positions[:], found.scores[:] = best.positions, best.scores


def _norms(weighting: TermFrequencies, lengths: npt.NDArray[np.int32], average: float | None) -> decoding.Norms:
    """The norms by the lengths' own average, which codes are made with, and those by another one."""
    coded = weighting.norms(lengths)
    live = coded if average is None else weighting.norms(lengths, average)
    coded.flags.writeable = live.flags.writeable = False
    return decoding.Norms(live, coded)


def write(
    folder: artifacts.Place,
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
            name: GrowingArray(files.enter_context(draft.open(name)), kind)
            for name, kind in stored.kinds(made.values, len(order)).items()
        }

        stop = Event()

        def put(stream: Iterator[turning.Piece]) -> None:
            for name, piece in stream:
                if stop.is_set():  # the other stream has failed: what it waits for is thrown away
                    return
                growing[name].append(piece)

        rows, lists = turning.turn(forward, made, budget_bytes)
        if threads.workers() > 1 and forward.entries > _WORTH_A_THREAD:
            # A thread of its own: a thread of the pool that waited for the pool might wait for itself.
            with ThreadPoolExecutor(1) as beside:
                waiting = beside.submit(put, lists)
                waiting.add_done_callback(lambda done: stop.set() if done.exception() else None)
                try:
                    put(rows)
                    waiting.result()
                finally:
                    stop.set()  # both are done, or one has failed
        else:
            put(chain(rows, lists))
        for array in growing.values():
            array.close()
        settings["rounding"] = _rounding(made)


def _rounding(made: turning.Plan) -> float | None:
    moved, all_impacts = made.rounding.tolist()
    return moved / all_impacts if all_impacts else None


def _load_first(folder: artifacts.Place) -> InvertedIndex:
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
