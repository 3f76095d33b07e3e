"""A large collection, added as a stream in bounded memory, changed, and searched: words and dense vectors.

Texts are drawn from a seed, words as frequent as 1 / (rank + 10); vectors are real ones and more like them
(dense_vectors.py). The model that gives them looks them up, so no encoding is timed. Adding runs in a process of its
own, whose memory is told in two parts: its own, and pages of mapped files, which the system may take back.

    python benchmarks/collection_large.py [--size 1000000] [--queries 200] [--rounds 7] [--clock cpu] [--cache DIR]
"""

import os

os.environ.setdefault("VIZSLA_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dense_vectors
import numpy as np
from clock import CLOCKS, in_fresh_process, machine, peak_mib, size_mib, spread, table
from sparse_data import cache_folder

from vizsla import assembly
from vizsla.collections.collection import Collection
from vizsla.core.protocols import Passage
from vizsla.encoders.dense import DenseEncoder
from vizsla.models.contract import Contract

WORDS, LENGTH, SEED, CHANGED, BATCH = 200_000, 40, 7, 100, 10_000
PIPELINES = ("bm25", "dense", "rrf(bm25, dense)")
VECTORS, ASKED = "passages.npy", "queries.npy"


class Kept(DenseEncoder):
    """A model that looks a text's vector up: the text begins with its number."""

    contract = Contract.of({"model": "kept"})

    def __init__(self, folder: Path) -> None:
        self._passages, self._queries = (np.load(folder / name, mmap_mode="r") for name in (VECTORS, ASKED))
        self.dim = self._passages.shape[1]

    def encode_passages(self, passages: Sequence[Any]) -> Any:
        return self._passages[[int(text.split(maxsplit=1)[0]) for text in passages]]

    def encode_queries(self, queries: Sequence[str]) -> Any:
        return self._queries[[int(text.split(maxsplit=1)[0]) for text in queries]]


def known(folder: Path) -> None:
    """Let the model named 'kept' be the one of this folder's vectors."""
    real = assembly.load
    assembly.load = lambda model=None, **how: Kept(folder) if model == "kept" else real(model, **how)


def texts(count: int, seed: int, length: int) -> Iterator[str]:
    """Texts of drawn words, each behind its number."""
    draws = np.random.default_rng(seed)
    for begin in range(0, count, BATCH):
        ranks = 10 * ((WORDS / 10 + 1) ** draws.random((min(BATCH, count - begin), length)) - 1)
        for number, row in enumerate(ranks.astype(np.int64).tolist(), begin):
            yield f"{number} " + " ".join(f"w{rank}" for rank in row)


def passages(size: int) -> Iterator[Passage]:
    for number, text in enumerate(texts(size, SEED, LENGTH)):
        yield Passage(f"p{number}", text, metadata={"draw": number % 1000, "lang": "zh" if number % 3 else "en"})


class Held:
    """Watches how much memory of its own this process holds at most, in MiB: what is not of a file."""

    def __init__(self) -> None:
        self.most, self._stop = 0.0, threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            told = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
            found = [int(line.split()[1]) / 1024 for line in told if line.startswith("RssAnon")]
            self.most = max([self.most, *found])


def build(given: str, folder: str, size: str) -> dict[str, float]:
    """Add all passages, then update and delete some of them."""
    known(Path(given))
    held, begin = Held(), time.perf_counter()
    made = Collection.create(folder, ["bm25", "dense=kept"])
    made.add(passages(int(size)))
    added = time.perf_counter()
    again = [one for one in passages(min(int(size), BATCH)) if int(one.metadata["draw"]) % 10 == 0]  # type: ignore[call-overload]
    made.update([Passage(one.id, one.text, metadata={**one.metadata, "lang": "fr"}) for one in again])
    updated = time.perf_counter()
    made.delete([f"p{number}" for number in range(1, int(size), CHANGED)])
    deleted = time.perf_counter()
    return {
        "add": added - begin, "update": updated - added, "delete": deleted - updated, "updated": len(again),
        "own": held.most, "peak": peak_mib(), "disk": size_mib(folder), "segments": len(made.info().segments),
    }  # fmt: skip


def search(given: Path, folder: Path, options: argparse.Namespace) -> None:
    """Time of one query, with and without a condition, and the recall of dense search."""
    known(given)
    begin = time.perf_counter()
    opened = Collection.open(folder)
    snapshot = opened.snapshot()
    print(f"\nopened in {1e3 * (time.perf_counter() - begin):.0f} ms: {len(opened):,} passages")
    queries, clock, rows = list(texts(options.queries, SEED + 1, 4)), CLOCKS[options.clock], []
    for where in (None, "draw < 100", "draw < 1"):
        allowed = None if where is None else snapshot.bitmap(where)
        for pipeline in PIPELINES:
            retriever, taken = snapshot.retriever(pipeline), []
            for number in range(-1, options.rounds):
                each = []
                for query in queries:
                    started = clock()
                    retriever.search([query], 10, allowed)
                    each.append(clock() - started)
                taken += [each] if number >= 0 else []
            medians = [float(np.percentile(each, 50)) for each in taken]
            tails = [float(np.percentile(each, 95)) for each in taken]
            rows.append((where or "all", pipeline, spread(medians, 1e-3), spread(tails, 1e-3)))
    table(("allowed", "search, top 10", f"p50 ms ({options.clock})", "p95 ms"), rows)
    print(f"\nrecall@100 of dense search on {options.queries} queries: {recall(given, opened, queries):.3f}")


def recall(given: Path, opened: Collection, queries: Sequence[str]) -> float:
    """The share of the exact best 100 that dense search finds."""
    snapshot, model, found = opened.snapshot(), Kept(given), []
    live = np.flatnonzero(snapshot.placed.live)
    numbers = np.array([int(one[1:]) for one in snapshot.ids(live)])
    for query in queries:
        scores = np.asarray(model._passages) @ model.encode_queries([query])[0]  # noqa: SLF001 - its own file's class
        best = numbers[np.argsort(-scores[numbers], kind="stable")[:100]]
        positions = snapshot.retriever("dense").search([query], 100).row(0)[0]
        found.append(len({f"p{one}" for one in best} & set(snapshot.ids(positions))) / 100)
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu where others use the machine")
    parser.add_argument("--work", type=Path, help="where all is made; a temporary folder else")
    options = parser.parse_args()
    print(f"{machine(('vizsla', 'numpy', 'numba'))}; rounds: {options.rounds}")
    with tempfile.TemporaryDirectory(dir=options.work) as place:
        given, folder = Path(place) / "given", Path(place) / "made"
        given.mkdir()
        rows, asked = dense_vectors.load(options.cache, options.size, SEED)
        np.save(given / VECTORS, rows)
        np.save(given / ASKED, np.resize(asked, (options.queries, asked.shape[1])))
        del rows
        told = in_fresh_process(__file__, "build", str(given), str(folder), str(options.size))
        rates = f"{options.size / told['add']:,.0f} a second"
        table(
            ("passages", "added in s", "own memory, MiB", "with mapped files", "MiB on disk", "segments",
             f"{told['updated']:,} updated, s", "1 % deleted, s"),
            [(f"{options.size:,}", f"{told['add']:.0f} ({rates})", f"{told['own']:,.0f}", f"{told['peak']:,.0f}",
              f"{told['disk']:,.0f}", f"{told['segments']}", f"{told['update']:.1f}", f"{told['delete']:.1f}")],
        )  # fmt: skip
        search(given, folder, options)


if __name__ == "__main__":
    if sys.argv[1:2] == ["build"]:
        print(json.dumps(build(*sys.argv[2:])))
    else:
        main()
