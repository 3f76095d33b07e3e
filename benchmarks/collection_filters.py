"""Search in a collection under filters of falling share: recall of the exact answers, and latency, by turns.

python benchmarks/collection_filters.py [DATA_FOLDER] [--size 92501] [--queries 200] [--rounds 5] [--clock cpu]
"""

import os

os.environ.setdefault("VIZSLA_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import collection_data
import numpy as np
from clock import CLOCKS, find_data, interleave, machine, spread, table
from collection_engines import RECALL, Vizsla, known
from collection_given import Given, write
from sparse_data import cache_folder

from vizsla.collections.collection import Collection
from vizsla.collections.snapshot import Snapshot

SHARES = (1000, 500, 100, 10, 1)
"""Passages allowed, of 1,000."""
DEPTH = 100


def exact(given: Given, kind: str, kept: Any, rows: list[int]) -> list[list[int]]:
    """The best rows of each query among those that are kept."""
    found = []
    passages, queries = (
        (one.csr(np.float64) for one in given.weighted[kind]) if kind in given.weighted else (None, None)
    )
    for row in rows:
        if passages is None:
            scores = np.where(kept, given.dense @ given.asked_dense[row], -np.inf)
        else:
            sums = np.asarray((passages @ queries[[row]].T).todense()).ravel().astype(np.float32)
            scores = np.where(kept & (sums > 0), sums, -np.inf)
        best = np.lexsort((np.arange(len(scores)), -scores))[:DEPTH]
        found.append(best[np.isfinite(scores[best])].tolist())
    return found


def recalls(hits: Any, best: list[list[int]]) -> list[str]:
    """The share found of the first 10 and of the first 100."""
    shares = {k: [] for k in (10, DEPTH)}
    for row, one in enumerate(best):
        for k, values in shares.items():
            if one:
                values.append(len(set(hits.row(row)[0].tolist()[:k]) & set(one[:k])) / len(one[:k]))
    return [f"{np.mean(values):.4f}" for values in shares.values()]


def compare(given: Given, snapshot: Snapshot, options: argparse.Namespace) -> None:
    """Hits' positions are rows: the collection was made at once and never changed."""
    draws = {share: snapshot.bitmap(f"draw < {share}") for share in SHARES}
    rows = list(range(options.queries))
    texts = [given.queries[row] for row in rows]
    stages = {"bm25": "lexical", "dense": "dense", **({"sparse": "sparse"} if "sparse" in given.weighted else {})}
    retrievers = {name: snapshot.stage(name) for name in stages} | {"hybrid": snapshot.retriever("rrf(bm25, dense)")}
    lines = []
    for name, retriever in retrievers.items():
        k = 10 if name == "hybrid" else DEPTH
        actions = {str(share): partial(one_by_one, retriever, texts, k, draws[share]) for share in SHARES}
        taken = interleave(actions, options.rounds, CLOCKS[options.clock])
        for share in SHARES:
            found = ["", ""]
            if name != "hybrid":
                hits = retriever.search(texts, k, draws[share])
                found = recalls(hits, exact(given, stages[name], draws[share], rows))
            counted = int(draws[share].sum())
            lines.append((f"{name}, top {k}", f"{share / 10:g} %", f"{counted:,}", *found,
                          spread(taken[str(share)], 1e-3 * len(rows), 3)))  # fmt: skip
    table(("search", "allowed", "passages", "recall@10", "recall@100", f"ms a query ({options.clock})"), lines)


def one_by_one(retriever: Any, texts: list[str], k: int, allowed: Any) -> None:
    for text in texts:
        retriever.search([text], k, allowed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--size", type=int)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu where others use the machine")
    options = parser.parse_args()
    data = find_data(options.data)
    if data is None:
        return
    sets = collection_data.SETS
    judged = collection_data.load(data, options.cache, sets, size=options.size, asked=options.queries)
    print(f"{machine(('vizsla', 'numpy', 'numba'))}; recall wanted: {RECALL}; rounds: {options.rounds}")
    with tempfile.TemporaryDirectory() as place:
        write(judged, Path(place) / "given")
        given = Given.load(Path(place) / "given")
        Vizsla.build(given, Path(place) / "made")
        known(given)
        compare(given, Collection.open(Path(place) / "made").snapshot(), options)


if __name__ == "__main__":
    main()
