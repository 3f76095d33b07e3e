"""What impacts in eight bits cost and save: recall of the exact lists, time and size; vectors of sparse_vectors.py.

python benchmarks/sparse_bits.py [--folder real] [--cache DIR] [--rounds 7] [--clock wall|cpu]
"""

import os

os.environ.setdefault("VIZSLA_THREADS", "1")

import argparse
import tempfile
from pathlib import Path

import numpy as np
from clock import CLOCKS, interleave, machine, ratios, size_mib, spread, table
from sparse_data import Vectors, cache_folder

from vizsla.indexes.inverted import InvertedIndex

QUERIES = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default="real", help="a folder of vectors within the cache")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    options = parser.parse_args()
    if not (options.cache / options.folder / "made.json").exists():
        print(f"skipped: found no vectors at {options.cache / options.folder}; make them with sparse_vectors.py")
        return
    vectors = Vectors.load(options.cache / options.folder)
    rows = np.linspace(0, len(vectors.queries) - 1, min(len(vectors.queries), QUERIES)).astype(np.int64)
    passages, queries = vectors.passages.csr(), vectors.queries.taken(rows).csr()
    passages.data /= 100  # as the model made them: an impact is no whole number
    exact, eight = InvertedIndex.build(passages), InvertedIndex.build(passages, bits=8)
    print(
        f"{machine()}\n\n{options.folder}: {len(exact):,} passages, {queries.shape[0]} queries, clock: {options.clock}"
    )
    print(f"impacts are moved by {eight.rounding:.2%} of their sum\n")
    with tempfile.TemporaryDirectory() as folder:
        sizes = []
        for name, index in (("exact", exact), ("eight", eight)):
            index.save(Path(folder) / name)
            sizes.append(f"{size_mib(Path(folder) / name):,.0f}")
    made, singles = [], [queries[row : row + 1] for row in range(queries.shape[0])]
    for k in (10, 100, 1000):
        one, other = exact.search(queries, k).positions, eight.search(queries, k).positions
        kept = np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(one, other, strict=True)])
        seconds = interleave(
            {
                "exact": lambda k=k: [exact.search(row, k) for row in singles],
                "eight": lambda k=k: [eight.search(row, k) for row in singles],
            },
            options.rounds,
            CLOCKS[options.clock],
        )
        unit = 1e-6 * len(singles)
        times = [spread(seconds[name], unit, 0) for name in ("exact", "eight")]
        made.append([f"{k}", f"{kept:.4f}", *times, spread(ratios(seconds["eight"], seconds["exact"]))])
    table(("top", "of the exact list", "float32 us", "eight bits us", "ratio, round by round"), made)
    print(f"\nMiB on disk: float32 {sizes[0]}, eight bits {sizes[1]}")


if __name__ == "__main__":
    main()
