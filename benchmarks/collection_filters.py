"""Search in a collection under filters of falling share: recall of the exact answers, and latency, by turns.

python benchmarks/collection_filters.py [DATA_FOLDER] [--size 92501] [--queries 200] [--rounds 5] [--clock cpu]
"""

import os

os.environ.setdefault("VIZSLA_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from functools import partial
from typing import Any

import collection_data
import numpy as np
from clock import CLOCKS, interleave, machine, spread, table
from collection_engines import RECALL, collected
from collection_given import Given, Truth

from vizsla.collections.snapshot import Snapshot

SHARES = (1000, 500, 100, 10, 1)
"""Passages allowed, of 1,000."""
DEPTH = 100


def recalls(hits: Any, best: list[list[int]]) -> list[str]:
    """The share found of the first 10 and of the first 100."""
    shares = {k: [] for k in (10, DEPTH)}
    for row, one in enumerate(best):
        for k, values in shares.items():
            if one:
                values.append(len(set(hits.row(row)[0].tolist()[:k]) & set(one[:k])) / len(one[:k]))
    return [f"{np.mean(values):.4f}" if values else "" for values in shares.values()]


def compare(given: Given, snapshot: Snapshot, options: argparse.Namespace) -> None:
    """Hits' positions are rows: the collection was made at once and never changed."""
    draws = {share: snapshot.bitmap(f"draw < {share}") for share in SHARES}
    texts, truth = given.queries, Truth(given)
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
                best = [truth.ranked(stages[name], row, k, draws[share]) for row in range(len(texts))]
                found = recalls(hits, best)
            counted = int(draws[share].sum())
            lines.append((f"{name}, top {k}", f"{share / 10:g} %", f"{counted:,}", *found,
                          spread(taken[str(share)], 1e-3 * len(texts), 3)))  # fmt: skip
    table(("search", "allowed", "passages", "recall@10", "recall@100", f"ms a query ({options.clock})"), lines)


def one_by_one(retriever: Any, texts: list[str], k: int, allowed: Any) -> None:
    for text in texts:
        retriever.search([text], k, allowed)


def main() -> None:
    parser = collection_data.arguments(__doc__, queries=200, rounds=5)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu where others use the machine")
    options = parser.parse_args()
    judged = collection_data.chosen(options)
    if judged is None:
        return
    print(f"{machine(('vizsla', 'numpy', 'numba'))}; recall wanted: {RECALL}; rounds: {options.rounds}")
    with collected(judged) as (given, snapshot):
        compare(given, snapshot, options)


if __name__ == "__main__":
    main()
