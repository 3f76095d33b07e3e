"""A collection grown by one-passage additions beside one made at once: seconds, segments, and search by turns.

python benchmarks/collection_growth.py [DATA_FOLDER] [--size 10000] [--queries 200] [--rounds 5] [--clock cpu]
"""

import os

os.environ.setdefault("VIZSLA_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import tempfile
import time
from itertools import chain
from pathlib import Path

import collection_data
import numpy as np
from clock import CLOCKS, interleave, machine, ratios, spread, table
from collection_engines import RECALL, Vizsla, known
from collection_filters import one_by_one
from collection_given import Given, write

from vizsla.collections.collection import Collection

PIPELINES = ("bm25", "dense", "rrf(bm25, dense)")


def grow(given: Given, folder: Path) -> tuple[float, list[float]]:
    """Add every passage alone; seconds of all, and of each."""
    known(given)
    made = Collection.create(folder, ["bm25", "dense=dense"], recall=RECALL)
    each, begin = [], time.perf_counter()
    for one in chain.from_iterable(given.passages()):
        started = time.perf_counter()
        made.add([one])
        each.append(time.perf_counter() - started)
    return time.perf_counter() - begin, each


def compare(given: Given, place: Path, options: argparse.Namespace) -> None:
    seconds, each = grow(given, place / "grown")
    begin = time.perf_counter()
    Vizsla.build(given, place / "fresh")
    fresh = time.perf_counter() - begin
    opened = {name: Collection.open(place / name) for name in ("grown", "fresh")}
    told = {name: one.info() for name, one in opened.items()}
    lines = [
        (name, f"{took:,.1f}", f"{len(told[name].segments)}: {', '.join(map(str, told[name].segments))}",
         f"{told[name].size_bytes / 2**20:.1f}") for name, took in (("grown", seconds), ("fresh", fresh))
    ]  # fmt: skip
    table(("collection", "s", "segments", "MiB"), lines)
    points = ", ".join(f"p{at} {1e3 * np.percentile(each, at):.1f}" for at in (50, 95, 99, 100))
    print(f"\none addition, ms: {points}")
    rows = []
    for pipeline in PIPELINES:
        retrievers = {name: one.snapshot().retriever(pipeline) for name, one in opened.items()}
        alike = all(
            one.snapshot().ids(retrievers[name].search([text], 10).row(0)[0]) == opened["fresh"].snapshot().ids(
                retrievers["fresh"].search([text], 10).row(0)[0])
            for name, one in opened.items() for text in given.queries[:50]
        )  # fmt: skip
        taken = interleave(
            {name: lambda one=one: one_by_one(one, given.queries, 10, None) for name, one in retrievers.items()},
            options.rounds,
            CLOCKS[options.clock],
        )
        unit = 1e-3 * len(given.queries)
        times = [spread(taken[name], unit, 3) for name in ("grown", "fresh")]
        rows.append(
            (pipeline, *times, spread(ratios(taken["grown"], taken["fresh"])), "the same" if alike else "others")
        )
    table(("search, top 10", f"grown, ms ({options.clock})", "fresh, ms", "ratio", "hits of 50 queries"), rows)


def main() -> None:
    parser = collection_data.arguments(__doc__, queries=200, rounds=5, size=10_000)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu where others use the machine")
    parser.add_argument(
        "--work", type=Path, help="where both are made: a disk's flushes count; a temporary folder else"
    )
    options = parser.parse_args()
    judged = collection_data.chosen(options)
    if judged is None:
        return
    print(f"{machine(('vizsla', 'numpy', 'numba'))}; rounds: {options.rounds}")
    with tempfile.TemporaryDirectory(dir=options.work) as place:
        write(judged, Path(place) / "given")
        compare(Given.load(Path(place) / "given"), Path(place), options)


if __name__ == "__main__":
    main()
