"""Searching by turns with bm25s on the same terms, one core; and how far the loop is from memory's own pace."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from clock import interleave, ratios, size_mib, spread, table
from lexical_once import bm25s_index
from numba import njit

from vizsla import FrozenCollection
from vizsla.kernels.bounding import TILE
from vizsla.text.analyzer import pack
from vizsla.text.counting import TermCounter

US = 1e-6


@dataclass(frozen=True)
class Bench:
    """The same index twice, and the same queries as texts, as vectors and as bm25s' token ids."""

    index: FrozenCollection
    other: Any
    texts: list[str]
    rows: Any
    ids: list[list[int]]

    @classmethod
    def make(cls, index: FrozenCollection, queries: list[str]) -> "Bench":
        tokens = _tokens(index)
        ids = [
            [tokens.vocab[term] for term in index.encoder.analyzer.terms(text) if term in tokens.vocab]
            for text in queries
        ]
        kept = [row for row, numbers in enumerate(ids) if numbers]
        texts = [queries[row] for row in kept]
        return cls(index, bm25s_index(tokens), texts, index.encoder.encode_queries(texts), [ids[row] for row in kept])

    def singles(self) -> list[Any]:
        return [self.rows[row : row + 1] for row in range(len(self.texts))]

    def retrieve(self, ids: list[list[int]], k: int, threads: int = 1) -> Any:
        return self.other.retrieve(ids, k=k, n_threads=threads, show_progress=False)


def _tokens(index: FrozenCollection) -> Any:
    """Our analyzer's terms of every passage, for bm25s; the order of terms within a passage is free."""
    from bm25s.tokenization import Tokenized

    counter, ids = TermCounter(index.encoder.analyzer), []
    searched = index.manifest["settings"]["titles"] == "index"
    for start in range(0, len(index), 256):
        texts = index.corpus.texts(range(start, min(start + 256, len(index))))
        counts = counter.count(pack([t if isinstance(t, str) else "\n".join(t) if searched else t[1] for t in texts]))
        begins = [0, *counts.ends[:-1].tolist()]
        for begin, end in zip(begins, counts.ends.tolist(), strict=True):
            ids.append(np.repeat(counts.terms[begin:end], counts.values[begin:end]).tolist())
    return Tokenized(ids, {term: number for number, term in enumerate(counter.terms())})


def check(bench: Bench, k: int) -> float:
    """The largest relative difference of scores, rank by rank; stops where it exceeds 1e-4."""
    k = min(k, len(bench.index))
    ours, theirs = bench.index.index.search(bench.rows, k).scores, bench.retrieve(bench.ids, k).scores
    found = np.where(np.isfinite(ours), ours, 0.0)
    worst = float(np.max(np.abs(found - theirs) / np.maximum(theirs, 1e-6)))
    if worst > 1e-4:
        raise SystemExit(f"found scores that differ by {worst:.1e}; wanted 1e-4 at most: nothing is timed")
    return worst


def run(bench: Bench, rounds: int) -> None:
    print(f"\n{len(bench.index):,} passages, {len(bench.texts)} queries, one core; a query: median (least-most)")
    rows = []
    for k in (10, 1000):
        depth = min(k, len(bench.index))
        worst = check(bench, depth)
        for name, ours, theirs in _pairs(bench, depth):
            seconds = interleave({"ours": ours, "theirs": theirs}, rounds)
            unit = US * len(bench.texts)
            times = [spread(seconds[which], unit, 0) for which in ("ours", "theirs")]
            rows.append([f"top {k}", name, *times, spread(ratios(seconds["ours"], seconds["theirs"])), f"{worst:.0e}"])
    table(("depth", "how", "vizsla us", "bm25s us", "ratio, round by round", "scores differ by"), rows)


def _pairs(bench: Bench, k: int) -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
    search, retriever, singles = bench.index.index.search, bench.index.retriever, bench.singles()

    def alone() -> None:
        for ids in bench.ids:
            bench.retrieve([ids], k)

    def batch() -> None:
        bench.retrieve(bench.ids, k)

    return [
        ("one at a time, terms given", lambda: [search(row, k) for row in singles], alone),
        ("one batch, terms given", lambda: search(bench.rows, k), batch),
        ("one at a time, ours from text", lambda: [retriever.search([text], k) for text in bench.texts], alone),
        ("one batch, ours from text", lambda: retriever.search(bench.texts, k), batch),
        ("one batch on two threads, terms given", *_on_two_threads(bench, k)),
    ]


def _on_two_threads(bench: Bench, k: int) -> tuple[Callable[[], object], Callable[[], object]]:
    def ours() -> None:
        os.environ["VIZSLA_THREADS"] = "2"
        bench.index.index.search(bench.rows, k)
        os.environ["VIZSLA_THREADS"] = "1"

    return ours, lambda: bench.retrieve(bench.ids, k, threads=2)


def limits(bench: Bench, rounds: int) -> None:
    """What a query costs beside loops that do less and less of it, and how much memory it could touch at most."""
    stored, singles = Stored.read(bench.index), bench.singles()
    queries = [stored.query(row.indices) for row in singles]
    sums = np.zeros(len(stored.tiles[0]) if len(stored.tiles) else len(bench.index), np.float32)
    seconds = interleave(
        {
            "search, top 10, one at a time": lambda: [bench.index.index.search(row, 10) for row in singles],
            "bound every position by lists and tiles": lambda: [_bound(stored, *query, sums) for query in queries],
            "read the lists and tiles": lambda: [_read(stored, *query) for query in queries],
        },
        rounds,
    )
    lists = sum(int((ends - begins).sum()) for begins, ends, _ in queries)
    tiles = sum(len(slots) for _, _, slots in queries) * len(sums)
    count = len(bench.texts)
    frequencies = bench.index.encoder.vocabulary.frequencies
    postings = int(frequencies[bench.rows.indices].sum())
    print(f"\n{postings / count:,.0f} postings a query: {lists / count:,.0f} in lists, 5 bytes each, the others in")
    print(f"{tiles / count / len(sums):.1f} tiled columns, a byte a position")
    rows = [
        [name, spread(found, US * count, 0), f"{(5 * lists + tiles) / median(found) / 1e9:.1f}"]
        for name, found in seconds.items()
    ]
    table(("loop", "us a query", "GB/s, were everything read"), rows)


class Stored(NamedTuple):
    """What finds candidates, as docs/formats says it is stored; the tiles of a column side by side."""

    starts: Any
    frequent: Any
    positions: Any
    codes: Any
    tiles: Any

    @classmethod
    def read(cls, index: FrozenCollection) -> "Stored":
        names = ("starts", "frequent", "positions", "codes")
        arrays = [np.load(index.folder / "index" / f"{name}.npy") for name in names]
        stored, width = np.load(index.folder / "index/tiles.npy"), len(arrays[1])
        whole = len(index) // TILE * TILE * width
        parts = [
            stored[:whole].reshape(-1, width, TILE).swapaxes(0, 1).reshape(width, -1),
            stored[whole:].reshape(width, -1) if len(stored) > whole else np.zeros((width, 0), np.uint8),
        ]
        return cls(*arrays, np.ascontiguousarray(np.concatenate(parts, axis=1)))

    def query(self, columns: Any) -> tuple[Any, Any, Any]:
        """Where each list begins and ends, and the slots of the tiled columns."""
        slots = np.searchsorted(self.frequent, columns)
        tiled = self.frequent[np.minimum(slots, len(self.frequent) - 1)] == columns
        others = columns[~tiled]
        return self.starts[others], self.starts[others + 1], slots[tiled]


@njit(error_model="numpy")
def _bound(stored: Any, begins: Any, ends: Any, slots: Any, sums: Any) -> None:
    for row in range(len(begins)):
        places, codes = stored.positions[begins[row] : ends[row]], stored.codes[begins[row] : ends[row]]
        for i in range(len(places)):
            sums[np.uint32(places[i])] += np.float32(1.5) * np.float32(codes[i])
    for slot in slots:
        codes = stored.tiles[slot]
        for i in range(len(sums)):
            sums[i] += np.float32(1.5) * np.float32(codes[i])


@njit
def _read(stored: Any, begins: Any, ends: Any, slots: Any) -> int:
    total = 0
    for row in range(len(begins)):
        places, codes = stored.positions[begins[row] : ends[row]], stored.codes[begins[row] : ends[row]]
        for i in range(len(places)):
            total += np.int64(places[i]) + np.int64(codes[i])
    for slot in slots:
        codes = stored.tiles[slot]
        for i in range(len(codes)):
            total += np.int64(codes[i])
    return total


def sizes(bench: Bench) -> None:
    """MiB on disk by part, and bytes a posting."""
    entries = int(bench.index.encoder.vocabulary.frequencies.sum())
    parts = [part for part in sorted(bench.index.folder.iterdir()) if part.is_dir()]
    rows = [[f"vizsla: {part.name}", size_mib(part)] for part in parts]
    scores = bench.other.scores
    rows.append(["bm25s: three arrays", sum(scores[name].nbytes for name in ("data", "indices", "indptr")) / 2**20])
    print(f"\n{entries:,} postings of {len(bench.index.encoder.vocabulary):,} terms")
    table(("part", "MiB", "bytes a posting"), [[name, f"{m:.1f}", f"{m * 2**20 / entries:.2f}"] for name, m in rows])
