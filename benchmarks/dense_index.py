"""Searching dense vectors by turns: vizsla's indexes and FAISS's, recall first, then the same queries in rounds.

Every engine is set to the wanted recall@100 on queries that are not asked again, then measured on others. Those of
FAISS run where its package is installed (`pip install faiss-cpu`). Vectors come from dense_vectors.py.

python benchmarks/dense_index.py [--sizes 50000 200000] [--engines flat quantised one-cell faiss-pq ...]
    [--recall 0.98] [--queries 200] [--rounds 5] [--clock wall|cpu] [--cache DIR]
"""

import os

os.environ.setdefault("VIZSLA_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import dense_vectors
import numpy as np
import numpy.typing as npt
from clock import CLOCKS, interleave, machine, spread, table
from dense_vectors import Block
from sparse_data import cache_folder

from vizsla.indexes.depths import measure
from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.quantised import QuantisedIndex
from vizsla.indexes.signs import Signs

DEPTHS, MS, TUNED, TRAINED = (10, 100), 1e-3, 200, 65_536
SHARES = (0.5, 0.1, 0.01, 0.001)
FACTORS, WIDTHS = (1, 1.5, 2, 3, 4, 6, 8, 12, 20, 40, 80), (16, 32, 64, 128, 256, 512)
Positions = npt.NDArray[np.int64]
PACKAGES = ("vizsla", "numpy", "numba", "faiss-cpu")


@dataclass
class Engine:
    """An index of one kind: built, set to a recall, searched one query at a time.

    Attributes:
        make: passages and tuning queries to the index.
        ask: the index, queries and k to positions.
        steps: values of the setting, rising in recall; none where the index sets itself, or is exact.
        setting: the one chosen.
        bytes_of: what it holds beside the vectors themselves.
    """

    make: Callable[[Block, Block, float], Any]
    ask: Callable[[Any, Block, int, float], Positions]
    steps: tuple[float, ...] = ()
    bytes_of: Callable[[Any], int] = lambda _: 0
    setting: float = 0.0
    index: Any = field(default=None, repr=False)

    def search(self, queries: Block, k: int) -> Positions:
        return np.concatenate(
            [self.ask(self.index, queries[row : row + 1], k, self.setting) for row in range(len(queries))]
        )


def ours(kind: str) -> Engine:
    def ask(index: Any, query: Block, k: int, _: float) -> Positions:
        return np.asarray(index.search(query, k).positions)

    if kind == "flat":
        return Engine(lambda rows, _, __: FlatIndex.build(rows), ask)
    make = _one_cell if kind == "one-cell" else QuantisedIndex.build
    return Engine(lambda rows, _, recall: make(rows, recall=recall), ask, bytes_of=_codes)


def _one_cell(rows: Block, *, recall: float) -> QuantisedIndex:
    """As the index is where few passages make cells not worth their centres: all codes are read."""
    flat = FlatIndex.build(rows)
    signs = Signs.made(flat.vectors, 0)
    return QuantisedIndex(flat, signs, measure(flat, signs, None, recall, 0), recall, 0)


def _codes(index: Any) -> int:
    signs = index._signs  # noqa: SLF001 - what an index holds beside its vectors is asked by nobody else
    return 0 if signs is None else sum(one.nbytes for one in (*signs.codes, signs.centres, signs.rotation))


def theirs(words: str) -> Engine:
    """An index of FAISS by its factory's words: RFlat rescores `setting` x k candidates, a graph looks at `setting`."""
    import faiss

    faiss.omp_set_num_threads(1)
    rescored, graph = words.endswith("RFlat"), words.startswith("HNSW")

    def make(rows: Block, _: Block, __: float) -> Any:
        index = faiss.index_factory(rows.shape[1], words, faiss.METRIC_INNER_PRODUCT)
        index.train(rows[:: max(1, len(rows) // TRAINED)])
        index.add(rows)
        return index

    def ask(index: Any, query: Block, k: int, setting: float) -> Positions:
        if rescored:
            index.k_factor = setting
        if graph:
            index.hnsw.efSearch = max(k, int(setting))
        return np.asarray(index.search(query, k)[1])

    def beside(index: Any) -> int:
        return len(faiss.serialize_index(index)) - int(index.ntotal) * int(index.d) * 4

    return Engine(make, ask, FACTORS if rescored else WIDTHS if graph else (), beside)


def engines(names: list[str]) -> dict[str, Engine]:
    known: dict[str, Callable[[], Engine]] = {
        "flat": partial(ours, "flat"),
        "quantised": partial(ours, "quantised"),
        "one-cell": partial(ours, "one-cell"),
        "faiss-flat": partial(theirs, "Flat"),
        "faiss-pq": partial(theirs, "PQ96x4fs,RFlat"),
        "faiss-rabitq": partial(theirs, "RaBitQfs,RFlat"),
        "faiss-hnsw": partial(theirs, "HNSW32"),
    }
    try:
        return {name: known[name]() for name in names}
    except ImportError:
        print("found no faiss; its engines are left out")
        return {name: known[name]() for name in names if not name.startswith("faiss")}


def truth(rows: Block, queries: Block) -> list[tuple[Block, Block]]:
    """The products of each query, and the k-th largest for each of DEPTHS."""
    found = []
    for query in queries.astype(np.float64):
        products = rows.astype(np.float32) @ query.astype(np.float32)
        edges = -np.partition(-products, [k - 1 for k in DEPTHS])[[k - 1 for k in DEPTHS]]
        found.append((products, edges))
    return found


def recall(engine: Engine, queries: Block, judged: list[tuple[Block, Block]], k: int) -> float:
    """The share of hits whose product is no less than the k-th largest, so that equals count alike."""
    shares = []
    for positions, (products, edges) in zip(engine.search(queries, k), judged, strict=True):
        shares.append(float((products[positions[positions >= 0]] >= edges[DEPTHS.index(k)] - 1e-6).sum()) / k)
    return float(np.mean(shares))


def prepare(engine: Engine, rows: Block, tuning: Block, judged: list[tuple[Block, Block]], wanted: float) -> float:
    """Build an engine and set it; returns the seconds of building."""
    begin = time.perf_counter()
    engine.index = engine.make(rows, tuning, wanted)
    seconds = time.perf_counter() - begin
    for setting in engine.steps:
        engine.setting = setting
        if recall(engine, tuning, judged, DEPTHS[-1]) >= wanted:
            break
    return seconds


def compare(rows: Block, queries: Block, options: argparse.Namespace) -> None:
    tuning, asked = queries[:TUNED], queries[TUNED : TUNED + options.queries]
    judged, held, found = truth(rows, tuning), truth(rows, asked), engines(options.engines)
    seconds = {name: prepare(engine, rows, tuning, judged, options.recall) for name, engine in found.items()}
    taken = {
        k: interleave(
            {name: partial(engine.search, asked, k) for name, engine in found.items()},
            options.rounds,
            CLOCKS[options.clock],
        )
        for k in DEPTHS
    }
    lines = []
    for name, engine in found.items():
        shares = [f"{recall(engine, asked, held, k):.3f}" for k in DEPTHS]
        times = [spread(taken[k][name], MS * len(asked), 3) for k in DEPTHS]
        cells = (f"{engine.setting:g}", f"{seconds[name]:.1f}", f"{engine.bytes_of(engine.index) / 2**20:.1f}")
        lines.append([name, *cells, *shares, *times])
    print(f"\n{len(rows):,} x {rows.shape[1]}; {dense_vectors.likeness(rows, asked[:50])}; clock: {options.clock}")
    names = ("recall@10", "recall@100", "ms, top 10", "ms, top 100")
    table(("engine", "setting", "build s", "MiB beside vectors", *names), lines)
    if "quantised" in found:
        print(f"\nquantised: {found['quantised'].index.measured}")
        filtered(found["quantised"].index, rows, asked, options)


def filtered(index: QuantisedIndex, rows: Block, asked: Block, options: argparse.Namespace) -> None:
    """The ten best of those that are allowed, drawn evenly: recall, and a query's median."""
    clock, exact, lines = CLOCKS[options.clock], FlatIndex.build(rows), []
    for share in SHARES:
        allowed = np.random.default_rng(options.seed).random(len(rows)) < share
        wanted, taken, shares = exact.search(asked, DEPTHS[0], allowed).positions, [], []
        for query, best in zip(asked, wanted, strict=True):
            begin = clock()
            found = index.search(query[None], DEPTHS[0], allowed).positions[0]
            taken.append(clock() - begin)
            shares.append(np.isin(best[best >= 0], found).mean())
        lines.append([f"{share:.1%}", f"{np.mean(shares):.3f}", f"{np.median(taken) / MS:.2f}"])
    table(("allowed", "recall", "p50 ms"), lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50_000, 200_000])
    names = ["flat", "quantised", "one-cell", "faiss-flat", "faiss-pq", "faiss-rabitq", "faiss-hnsw"]
    parser.add_argument("--engines", nargs="+", default=names, choices=names)
    parser.add_argument("--recall", type=float, default=0.98)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    options = parser.parse_args()
    print(f"{machine(PACKAGES)}; {options.queries} queries, one at a time on one thread; rounds: {options.rounds}")
    for size in options.sizes:
        rows, queries = dense_vectors.load(options.cache, size, options.seed)
        order = np.random.default_rng(options.seed).permutation(len(queries))
        compare(rows, np.ascontiguousarray(queries[order]), options)


if __name__ == "__main__":
    main()
