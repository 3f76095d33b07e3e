"""How the cost of exact search grows with the collection: generated vectors, streamed into an index in bounded memory.

python benchmarks/sparse_growth.py [--profile light] [--sizes 10000 100000 1000000 8000000] [--cache DIR]
"""

import os

os.environ.setdefault("VIZSLA_THREADS", "1")

import argparse
import shutil
import sys
import time
from pathlib import Path

import generated
import numpy as np
from clock import CLOCKS, in_fresh_process, machine, peak_mib, size_mib, table
from sparse_data import Vectors, cache_folder

from vizsla.indexes import inverted
from vizsla.indexes.forward import Forward
from vizsla.indexes.inverted import InvertedIndex
from vizsla.kernels.postings import Counts

BATCH, QUERIES, ROUNDS, BUDGET = 20_000, 50, 7, 1 << 30


def build(folder: str, size: str, target: str) -> dict[str, float]:
    """Passages of a folder, batch by batch, to an index on disk."""
    passages = Vectors.load(Path(folder)).passages.first(int(size))
    scratch, begin = Path(f"{target}.rows"), time.perf_counter()
    scratch.mkdir(parents=True, exist_ok=True)
    forward = Forward(scratch, np.float32)
    for first in range(0, len(passages), BATCH):
        ends = passages.indptr[first + 1 : first + BATCH + 1]
        one = slice(int(passages.indptr[first]), int(ends[-1]))
        values = passages.data[one].astype(np.float32)
        forward.add(Counts(passages.indices[one].astype(np.int32), values, ends - one.start), passages.dim)
    inverted.write(target, forward, np.arange(passages.dim), None, budget_bytes=BUDGET)
    forward.close()
    shutil.rmtree(scratch)
    return {"seconds": time.perf_counter() - begin, "peak_mib": peak_mib(), "size_mib": size_mib(target)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", default="light")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 8_000_000])
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    options = parser.parse_args()
    folder = generated.made(max(options.sizes), options.profile, options.seed, options.cache)
    queries = Vectors.load(folder).queries.first(QUERIES).csr()
    print(f"{machine()}\n\n{options.profile}, {queries.shape[0]} queries, clock: {options.clock}\n")
    rows, clock = [], CLOCKS[options.clock]
    singles = [queries[row : row + 1] for row in range(queries.shape[0])]
    for size in options.sizes:
        target = options.cache / "indexes" / f"growth-{options.profile}-{size}"
        shutil.rmtree(target, ignore_errors=True)
        made = in_fresh_process(__file__, "build", str(folder), str(size), str(target))
        index = InvertedIndex.load(target)
        for k in (10, 100, 1000):
            seconds = [[_timed(index, one, k, clock) for one in singles] for _ in range(ROUNDS + 1)]
            times = 1e3 * np.array(seconds[1:])
            spread = (np.median(times.mean(axis=1)), *np.percentile(np.median(times, axis=0), [50, 95, 99]))
            cost = [f"{made['seconds']:.0f}", f"{made['peak_mib']:,.0f}", f"{made['size_mib']:,.0f}"]
            rows.append([f"{size:,}", k, *(f"{one:.3f}" for one in spread), *cost])
        del index
        shutil.rmtree(target)
    table(("passages", "top", "mean ms", "p50", "p95", "p99", "build s", "peak MiB", "MiB on disk"), rows)


def _timed(index: InvertedIndex, query: object, k: int, clock: object) -> float:
    begin = clock()  # type: ignore[operator]
    index.search(query, k)  # type: ignore[arg-type]
    return float(clock() - begin)  # type: ignore[operator]


if __name__ == "__main__":
    if sys.argv[1:2] == ["build"]:
        import json

        print(json.dumps(build(*sys.argv[2:])))
    else:
        main()
