"""Engines that find the largest products of sparse vectors exactly, each behind the same two doors.

`build(passages, folder)` leaves an index in a folder; an engine opens it with queries and gives, for a
depth, what it found and how long each query took, one query at a time on one thread. The clock of an
engine runs from a query in the form that its own interface takes to its list of results; making that
form beforehand and reading the list afterwards is not counted. Knows the engines' interfaces; refuses to
know how they are compared.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from sparse_data import Ints, Rows

ALGORITHMS = ("block_max_wand", "wand", "maxscore", "block_max_maxscore", "ranked_or", "ranked_or_taat")
ENCODING, WAND_BLOCK, BMP_BLOCK = "block_simdbp", 64, 32
BMP_QUERY, BMP_IMPACT = 32, 255
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds a query, (q,); its positions and its scores, best first, (k,) or fewer."""

    seconds: Ints
    positions: list[Ints]
    scores: list[Ints]


class Engine(Protocol):
    """An opened index with its queries.

    Attributes:
        module: what is imported before memory is measured.
        exact: whether its scores are those of the vectors given.
        held: the vectors and queries that it really searches, where they are others.
        variants: the further arguments that it can be opened with.
    """

    module: str
    exact: bool
    held: Callable[[Rows, Rows], tuple[Rows, Rows]] | None
    variants: tuple[tuple[Any, ...], ...]

    @staticmethod
    def build(passages: Rows, folder: Path) -> None: ...

    def __init__(self, folder: Path, queries: Rows, *variant: Any) -> None: ...

    def search(self, k: int, clock: Clock) -> Found: ...


def one_by_one(
    clock: Clock, queries: list[Any], search: Callable[[Any], Any], read: Callable[[Any], tuple[Any, Any]]
) -> Found:
    """Each query by itself under the clock; results are read after it."""
    seconds, positions, scores = np.empty(len(queries)), [], []
    for row, query in enumerate(queries):
        begin = clock()
        found = search(query)
        seconds[row] = clock() - begin
        places, values = read(found)
        positions.append(np.asarray(places, np.int64))
        scores.append(np.asarray(values, np.float64))
    return Found(seconds, positions, scores)


class Vizsla:
    """This project's inverted index of impacts, stored and mapped again."""

    module, exact, held = "vizsla.indexes.inverted", True, None
    variants = ((),)

    @staticmethod
    def build(passages: Rows, folder: Path) -> None:
        from vizsla.indexes.inverted import InvertedIndex

        InvertedIndex.build(passages.csr()).save(folder)

    def __init__(self, folder: Path, queries: Rows) -> None:
        from vizsla.indexes.inverted import InvertedIndex

        rows = queries.csr()
        self._index, self._queries = InvertedIndex.load(folder), [rows[row : row + 1] for row in range(len(queries))]

    def search(self, k: int, clock: Clock) -> Found:
        def read(hits: Any) -> tuple[Any, Any]:
            kept = hits.positions[0] >= 0
            return hits.positions[0][kept], hits.scores[0][kept]

        return one_by_one(clock, self._queries, lambda row: self._index.search(row, k), read)


class Pisa:
    """PISA through the extension module of `pyterrier-pisa`, its data frames left out.

    The module takes a query as a dictionary and reads dictionaries from an iterator that it is given, so
    the time between two readings is one query's: its terms looked up and repeated by weight, the search,
    and k names of passages made. The index is written in PISA's own collection format, its postings
    compressed and its bounds computed by PISA.
    """

    module, exact, held = "pyterrier_pisa", True, None
    variants = tuple((name,) for name in ALGORITHMS)

    @staticmethod
    def build(passages: Rows, folder: Path) -> None:
        folder.mkdir(parents=True)
        write_collection(passages, folder)
        pisa_context(folder, "quantized")

    def __init__(self, folder: Path, queries: Rows, algorithm: str) -> None:
        self._context, self._algorithm = pisa_context(folder, "quantized"), algorithm
        self._queries = as_words(queries, float)

    def search(self, k: int, clock: Clock) -> Found:
        return pisa_search(self._context, self._algorithm, Stamped(self._queries, clock), k)


def pisa_search(context: Any, algorithm: str, queries: "Stamped", k: int) -> Found:
    """All queries in one call on one thread, each clocked by the iterator that hands them out."""
    from pyterrier_pisa import _pisathon

    room = len(queries) * k
    rows, names, ranks = (np.empty(room, dtype) for dtype in (np.int32, object, np.int32))
    scores = np.empty(room, np.float32)
    size = _pisathon.retrieve(
        context, algorithm, queries, k=k, threads=1, pretokenised=1, query_weighted=1,
        result_qidxs=rows, result_docnos=names, result_ranks=ranks, result_scores=scores,
    )  # fmt: skip
    cuts = np.searchsorted(rows[:size], np.arange(1, len(queries)))
    places = np.split(names[:size].astype(np.int64), cuts)
    return Found(np.diff(queries.stamps), places, np.split(scores[:size].astype(np.float64), cuts))


class Stamped:
    """Queries that note the time whenever the next one is asked for."""

    def __init__(self, queries: list[dict[str, Any]], clock: Clock) -> None:
        self._queries, self._clock = queries, clock
        self.stamps: list[float] = []

    def __len__(self) -> int:
        return len(self._queries)

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for row, query in enumerate(self._queries):
            self.stamps.append(self._clock())
            yield row, query
        self.stamps.append(self._clock())


def pisa_context(folder: Path, scorer: str, **settings: float) -> Any:
    """The opened index; its compressed postings and bounds are made where they are not there."""
    from pyterrier_pisa import _pisathon

    context = _pisathon.RetrievalContext()
    _pisathon.prepare_index(context, str(folder), ENCODING, scorer, "", block_size=WAND_BLOCK, **settings)
    return context


def write_collection(passages: Rows, folder: Path) -> None:
    """Postings as PISA's binary collection: counts before lists, all of them uint32."""
    from pyterrier_pisa import _pisathon

    sums = np.concatenate([[0], np.cumsum(passages.data, dtype=np.int64)])[passages.indptr]
    np.concatenate([[len(passages)], np.diff(sums)]).astype(np.uint32).tofile(folder / "inv.sizes")
    names = []
    with (folder / "inv.docs").open("wb") as docs, (folder / "inv.freqs").open("wb") as freqs:
        docs.write(np.array([1, len(passages)], np.uint32).tobytes())
        for column, positions, weights in passages.columns():
            names.append(word(column))
            for file, values in ((docs, positions), (freqs, weights)):
                file.write(np.uint32(len(values)).tobytes() + values.astype(np.uint32).tobytes())
    for what, lexicon, words in (("terms", "termlex", names), ("documents", "doclex", map(str, range(len(passages))))):
        (folder / f"fwd.{what}").write_text("".join(f"{one}\n" for one in words), encoding="ascii")
        _pisathon.build_binlex(str(folder / f"fwd.{what}"), str(folder / f"fwd.{lexicon}"))


class Bmp:
    """Block-max pruning over an index made of a CIFF file.

    It keeps impacts in 8 bits, rounds a query's weights up to whole 32nds of the largest, and adds scores
    in 16 bits: `held` gives the vectors and queries it really searches, with which its scores agree as
    long as none of them exceeds 65,535.
    """

    module, exact = "bmp", False
    variants = ((),)

    @staticmethod
    def held(passages: Rows, queries: Rows) -> tuple[Rows, Rows]:
        """The vectors and the queries as BMP holds them."""
        sizes = np.diff(queries.indptr)
        largest = np.repeat(np.maximum.reduceat(queries.data, queries.indptr[:-1]), sizes).astype(np.float32)
        levels = np.ceil(queries.data * (np.float32(BMP_QUERY) / largest)).astype(np.uint16)
        held = Rows(passages.indptr, passages.indices, np.minimum(passages.data, BMP_IMPACT), passages.dim)
        return held, Rows(queries.indptr, queries.indices, levels, queries.dim)

    @staticmethod
    def build(passages: Rows, folder: Path) -> None:
        import bmp

        from vizsla.data.formats import ciff

        folder.mkdir(parents=True)
        frequencies = np.bincount(passages.indices, minlength=passages.dim)
        header = ciff.Header(int((frequencies > 0).sum()), len(passages))
        postings = (
            ciff.Postings(word(column), positions, np.minimum(weights, BMP_IMPACT).astype(np.int64))
            for column, positions, weights in passages.columns()
        )
        records = (ciff.Record(row, str(row), 1) for row in range(len(passages)))
        ciff.write(folder / "index.ciff", header, postings, records)
        bmp.ciff2bmp(str(folder / "index.ciff"), str(folder / "index.bmp"), BMP_BLOCK, True)
        (folder / "index.ciff").unlink()

    def __init__(self, folder: Path, queries: Rows) -> None:
        import bmp

        self._searcher, self._queries = bmp.Searcher(str(folder / "index.bmp")), as_words(queries, int)

    def search(self, k: int, clock: Clock) -> Found:
        def read(found: tuple[list[str], list[float]]) -> tuple[Any, Any]:
            return np.array(found[0], dtype=np.int64), found[1]

        return one_by_one(clock, self._queries, lambda query: self._searcher.search(query, k, 1.0, 1.0), read)


def word(column: int) -> str:
    """A name that sorts as the number does."""
    return f"{column:07d}"


def as_words(queries: Rows, kind: type) -> list[dict[str, Any]]:
    """Queries as dictionaries of names and weights."""
    starts, columns, weights = queries.indptr.tolist(), queries.indices.tolist(), queries.data.tolist()
    return [
        {word(column): kind(weight) for column, weight in zip(columns[begin:end], weights[begin:end], strict=True)}
        for begin, end in pairwise(starts)
    ]
