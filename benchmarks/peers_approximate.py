"""Engines that may miss some of the best: Seismic's clustered postings and kANNolo's graph, as references.

They are opened and searched as those of peers.py. What an engine may miss is its variants' choice, from
quick to careful; its recall is measured by who compares.
"""

from pathlib import Path
from typing import Any

import numpy as np
from peers import Clock, Found, one_by_one
from sparse_data import Rows


class Seismic:
    """Postings cut to their heaviest, clustered, each cluster with a summary; then the whole vectors.

    A variant is how many of a query's terms are looked up, and its heap factor: the smaller, the fewer
    clusters are passed over.
    """

    module, exact, held = "seismic", False, None
    variants = ((5, 0.9), (10, 0.8), (20, 0.7), (40, 0.5))

    @staticmethod
    def build(passages: Rows, folder: Path) -> None:
        import seismic

        folder.mkdir(parents=True)
        dataset = seismic.SeismicDataset(passages.dim)
        step = 1 << 16
        for start in range(0, len(passages), step):
            ends = passages.indptr[start : start + step + 1]
            columns, weights = passages.indices[ends[0] : ends[-1]], passages.data[ends[0] : ends[-1]]
            names = [str(row) for row in range(start, start + len(ends) - 1)]
            dataset.add_documents_by_id(
                names, columns.astype(np.int64), weights.astype(np.float32), np.array(ends - ends[0])
            )
        postings = max(3500, len(passages) // 500)
        seismic.SeismicIndex.build_from_dataset(dataset, n_postings=postings).save(str(folder / "it"))

    def __init__(self, folder: Path, queries: Rows, terms: int, factor: float) -> None:
        import seismic

        (path,) = folder.iterdir()
        self._index, self._how = seismic.SeismicIndex.load(str(path)), (terms, factor)
        kind = seismic.get_seismic_string()
        self._queries = [(columns.astype(str).astype(kind), weights) for columns, weights in _each(queries)]

    def search(self, k: int, clock: Clock) -> Found:
        def read(found: list[tuple[str, float, str]]) -> tuple[Any, Any]:
            return [int(name) for _, _, name in found], [score for _, score, _ in found]

        return one_by_one(clock, self._queries, lambda query: self._index.search("", *query, k, *self._how), read)


class Kannolo:
    """A graph of neighbours walked from a fixed entry; a variant is how many candidates are kept, or k if more."""

    module, exact, held = "kannolo", False, None
    variants = ((100,), (400,), (1600,))

    @staticmethod
    def build(passages: Rows, folder: Path) -> None:
        import kannolo

        folder.mkdir(parents=True)
        arrays = passages.indices.astype(np.int32), passages.data.astype(np.float32), np.array(passages.indptr)
        kannolo.SparsePlainHNSW.build_from_arrays(*arrays, m=32, ef_construction=200).save(str(folder / "graph"))

    def __init__(self, folder: Path, queries: Rows, candidates: int) -> None:
        import kannolo

        self._index, self._candidates = kannolo.SparsePlainHNSW.load(str(folder / "graph")), candidates
        self._queries = [(columns.astype(np.int32), weights) for columns, weights in _each(queries)]

    def search(self, k: int, clock: Clock) -> Found:
        def read(found: tuple[Any, Any]) -> tuple[Any, Any]:
            return found[1][found[1] >= 0], found[0][found[1] >= 0]

        candidates = max(k, self._candidates)
        return one_by_one(clock, self._queries, lambda query: self._index.search(*query, k, candidates), read)


def _each(queries: Rows) -> list[tuple[Any, Any]]:
    cuts = queries.indptr[1:-1]
    weights = np.split(queries.data.astype(np.float32), cuts)
    return list(zip(np.split(np.asarray(queries.indices), cuts), weights, strict=True))
