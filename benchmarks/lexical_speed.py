"""Speed of lexical retrieval beside bm25s and tantivy: search, build, cold start, tokenizer, sizes.

    python benchmarks/lexical_speed.py [DATA_FOLDER] [--set wenyan-zh] [--rounds 7] [--parts search build ...]

Everything by turns, on one core where not said otherwise. The machine should be quiet.
"""

import os

os.environ.setdefault("VIZSLA_THREADS", "1")

import argparse
import logging
import tempfile
from pathlib import Path

import lexical_build
import lexical_search
import lexical_start
import lexical_tokens
from clock import find_data, machine
from lexical_once import queries_of, titles

from vizsla import FrozenCollection, IndexSettings, read_passages

PARTS = ("search", "build", "start", "tokens")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="the folder of the judged sets")
    parser.add_argument("--set", default="wenyan-zh", help="the set to search and build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    logging.getLogger("vizsla").setLevel(logging.ERROR)
    data = find_data(options.data)
    if data is None:
        return
    print(f"{machine()}\n\nset: {options.set}, rounds: {options.rounds}")
    folder = data / options.set
    if {"search", "start"} & set(options.parts):
        with tempfile.TemporaryDirectory() as temporary:
            _indexed(folder, Path(temporary) / "index", options.parts, options.rounds)
    if "build" in options.parts:
        lexical_build.run(folder, max(3, options.rounds // 2))
    if "tokens" in options.parts:
        lexical_tokens.run(data, options.rounds)


def _indexed(folder: Path, target: Path, parts: list[str], rounds: int) -> None:
    """The parts that need an index: it is built once."""
    index = FrozenCollection.build(read_passages(folder), target, IndexSettings(titles=titles(folder)))
    if "start" in parts:
        lexical_start.run(target, queries_of(folder)[0], rounds)
    if "search" in parts:
        bench = lexical_search.Bench.make(index, queries_of(folder))
        lexical_search.run(bench, rounds)
        lexical_search.limits(bench, rounds)
        lexical_search.sizes(bench)


if __name__ == "__main__":
    main()
