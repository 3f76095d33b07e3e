"""This project's collections, and the same made by hand of bm25s and FAISS, behind one door.

Vectors are given, none is made here: a collection's models look up the text that they are asked for.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from collection_data import Judged
from collection_given import DEPTH, WHERE, Given, fuse, write
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from vizsla.collections.snapshot import Snapshot

MODES = ("lexical", "sparse", "dense", "hybrid", "filtered")
WIDTHS = (24.0, 32.0, 48.0, 64.0, 96.0, 128.0, 192.0, 256.0, 384.0, 512.0, 768.0, 1024.0, 2048.0)
RECALL = 0.98


class Engine(Protocol):
    """An engine whose folder is opened.

    Attributes:
        module: the package it needs.
        modes: what it can do.
        steps: of the setting that finds more as it grows; none where recall is settled at build or search is exact.
    """

    module: ClassVar[str]
    modes: ClassVar[tuple[str, ...]]
    steps: ClassVar[tuple[float, ...]]

    @staticmethod
    def build(given: Given, folder: Path) -> None: ...
    def __init__(self, given: Given, folder: Path) -> None: ...
    def search(self, mode: str, row: int, k: int, effort: float) -> list[Any]:
        """The ids of the k best passages for a query, by its row; `filtered` is hybrid under the filter."""
        ...


class Vizsla:
    """A collection's snapshot, held as a reader holds it, searched for positions and their ids."""

    module, modes, steps = "vizsla", (*MODES, "filtered-dense"), ()
    recall = RECALL
    pipelines: ClassVar = {"lexical": "bm25", "hybrid": "rrf(bm25, dense)", "filtered": "rrf(bm25, dense)"}

    @classmethod
    def build(cls, given: Given, folder: Path) -> None:
        from vizsla.collections.collection import Collection

        known(given)
        models = ["bm25", "dense=dense", *(["sparse=sparse"] if "sparse" in given.weighted else [])]
        made = Collection.create(folder, models, recall=cls.recall)
        made.add(one for batch in given.passages() for one in batch)
        made.compact()

    def __init__(self, given: Given, folder: Path) -> None:
        from vizsla.collections.collection import Collection

        known(given)
        self._collection, self._queries = Collection.open(folder), given.queries
        self._snapshot = self._collection.snapshot()

    def search(self, mode: str, row: int, k: int, effort: float) -> list[Any]:  # noqa: ARG002 - recall is settled at build
        snapshot, filtered = self._snapshot, mode.startswith("filtered")
        allowed = snapshot.bitmap(WHERE) if filtered else None
        name = self.pipelines.get(mode) or mode.removeprefix("filtered-")
        hits = snapshot.retriever(name).search([self._queries[row]], k, allowed)
        return snapshot.ids(hits.row(0)[0])


class VizslaResults(Vizsla):
    """A collection's own search: as of the last commit, with texts, metadata and every stage's places."""

    def search(self, mode: str, row: int, k: int, effort: float) -> list[Any]:  # noqa: ARG002 - recall is settled at build
        where = WHERE if mode.startswith("filtered") else None
        name = self.pipelines.get(mode) or mode.removeprefix("filtered-")
        return [one.id for one in self._collection.search(self._queries[row], k, where=where, pipeline=name)]


class VizslaFlat(Vizsla):
    """A collection that searches all dense vectors exactly."""

    recall = 1.0


class ByHand:
    """bm25s for terms, FAISS's HNSW for vectors, numpy for what is between; learned sparse vectors by columns."""

    module, modes, steps = "faiss", (*MODES, "filtered-dense"), WIDTHS

    @staticmethod
    def build(given: Given, folder: Path) -> None:
        import faiss

        folder.mkdir(parents=True)
        faiss.omp_set_num_threads(1)
        index = faiss.IndexHNSWFlat(given.dense.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 100
        index.add(np.asarray(given.dense))
        faiss.write_index(index, str(folder / "dense.faiss"))
        for kind, (passages, _) in given.weighted.items():
            columns = passages.csr().tocsc()
            for name in ("data", "indices", "indptr"):
                np.save(folder / f"{kind}-{name}.npy", getattr(columns, name))
        (folder / "passages.jsonl").write_bytes((given.folder / "passages.jsonl").read_bytes())

    def __init__(self, given: Given, folder: Path) -> None:
        import bm25s
        import faiss

        faiss.omp_set_num_threads(1)
        self._faiss, self._given = faiss, given
        self._index = faiss.read_index(str(folder / "dense.faiss"))
        self._columns = {
            kind: {name: np.load(folder / f"{kind}-{name}.npy") for name in ("data", "indices", "indptr")}
            for kind in given.weighted
        }
        scores = self._columns["lexical"]
        self._asked = given.weighted["lexical"][1].csr()
        self._bm25 = bm25s.BM25(backend="numba")
        self._bm25.scores = _weighed(scores, given) | {"num_docs": len(given.dense)}
        self._bm25.unique_token_ids_set, self._bm25.vocab_dict = set(range(given.weighted["lexical"][0].dim)), {}
        self._bm25.nonoccurrence_array = None
        self._bits = np.packbits(given.allowed, bitorder="little")

    def search(self, mode: str, row: int, k: int, effort: float) -> list[Any]:
        filtered = mode.startswith("filtered")
        if mode in ("dense", "filtered-dense"):
            return self._dense(row, k, effort, filtered=filtered)
        if mode == "sparse":
            return self._sparse(row, k)
        if mode == "lexical":
            return self._lexical(row, k, filtered=False)
        both = [self._lexical(row, DEPTH, filtered=filtered), self._dense(row, DEPTH, effort, filtered=filtered)]
        return fuse(both)[:k]

    def _dense(self, row: int, k: int, effort: float, *, filtered: bool) -> list[int]:
        settings = self._faiss.SearchParametersHNSW(efSearch=max(k, int(effort)))
        if filtered:
            settings.sel = self._faiss.IDSelectorBitmap(self._bits)
        query = np.asarray(self._given.asked_dense[row : row + 1])
        found: list[int] = self._index.search(query, k, params=settings)[1][0].tolist()
        return [one for one in found if one >= 0]

    def _lexical(self, row: int, k: int, *, filtered: bool) -> list[int]:
        terms = self._given.row("lexical", row, asked=True)[0].tolist()
        if not terms:
            return []
        mask = self._given.allowed.astype(np.float32) if filtered else None
        found = self._bm25.retrieve([terms], k=k, n_threads=1, show_progress=False, weight_mask=mask)
        kept: list[int] = found.documents[0][found.scores[0] > 0].tolist()
        return kept

    def _sparse(self, row: int, k: int) -> list[int]:
        held, sums = self._columns["sparse"], np.zeros(len(self._given.dense), np.float32)
        for column, weight in zip(*self._given.row("sparse", row, asked=True), strict=True):
            part = slice(held["indptr"][column], held["indptr"][column + 1])
            sums[held["indices"][part]] += weight * held["data"][part]
        best = np.argpartition(-sums, k)[:k]
        found: list[int] = best[np.argsort(-sums[best], kind="stable")].tolist()
        return found


def _weighed(columns: dict[str, Any], given: Given) -> dict[str, Any]:
    """bm25s adds stored scores: the queries' weights, which are the terms' own, are put into them."""
    rows = given.weighted["lexical"][1]
    weights = np.full(rows.dim, np.inf, np.float32)
    np.minimum.at(weights, rows.indices, rows.data)  # a term that a query repeats weighs more there
    weights[np.isinf(weights)] = 0
    sizes = np.diff(columns["indptr"])
    return columns | {"data": columns["data"] * np.repeat(weights, sizes)}


@contextmanager
def collected(judged: Judged) -> Iterator[tuple[Given, "Snapshot"]]:
    """A collection of what is judged, in a folder that goes away: what it was given, and its snapshot."""
    from vizsla.collections.collection import Collection

    with tempfile.TemporaryDirectory() as place:
        write(judged, Path(place) / "given")
        given = Given.load(Path(place) / "given")
        Vizsla.build(given, Path(place) / "made")
        yield given, Collection.open(Path(place) / "made").snapshot()


def known(given: Given) -> None:
    """Let models named 'dense' and 'sparse' be what looks up the given vectors."""
    from vizsla import assembly
    from vizsla.encoders.dense import DenseEncoder
    from vizsla.models.contract import Contract

    places: dict[int, int] = {}

    def rows(texts: Any) -> list[int]:
        if not places:
            each = (one for batch in given.passages() for one in batch)
            keys = ((one["title"], one["text"]) if one["title"] else one["text"] for one in each)
            places.update((hash(key), row) for row, key in enumerate(keys))  # not the texts: memory is measured
        return [places[hash(text)] for text in texts]

    asked = {text: row for row, text in enumerate(given.queries)}

    class Dense(DenseEncoder):
        contract = Contract.of({"model": "dense"})

        def __init__(self) -> None:
            self.dim = given.dense.shape[1]

        def encode_queries(self, texts: Any) -> Any:
            return given.asked_dense[[asked[text] for text in texts]]

        def encode_passages(self, passages: Any) -> Any:
            return given.dense[rows(passages)]

    class Sparse:
        contract = Contract.of({"model": "sparse"})

        def __init__(self) -> None:
            self._passages, self._queries = given.weighted["sparse"]
            self.dim = self._passages.dim

        def encode_queries(self, texts: Any) -> csr_array:
            return self._queries.taken(np.array([asked[text] for text in texts])).csr()

        def encode_passages(self, passages: Any) -> csr_array:
            return self._passages.taken(np.array(rows(passages))).csr()

    real = assembly.load
    stand_ins: dict[Any, Any] = {"dense": Dense, "sparse": Sparse}
    assembly.load = lambda model=None, **how: stand_ins[model]() if model in stand_ins else real(model, **how)
