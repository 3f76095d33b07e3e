"""An index of sparse vectors built, or opened and searched, in a process of its own: seconds and memory.

    python benchmarks/sparse_once.py build|search ENGINE COLLECTION SIZE ORDER INDEX

The last line printed is JSON. ORDER is a file of positions, or - for the order as made.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from clock import peak_mib, size_mib
from peers import Bmp, Engine, Pisa, Vizsla
from peers_approximate import Kannolo, Seismic
from peers_lexical import Bm25s, PisaBM25, Tantivy, VizslaBM25
from sparse_data import Rows, Vectors

ENGINES: dict[str, type[Engine]] = {
    "vizsla": Vizsla,
    "pisa": Pisa,
    "bmp": Bmp,
    "seismic": Seismic,
    "kannolo": Kannolo,
    "vizsla-bm25": VizslaBM25,
    "bm25s": Bm25s,
    "pisa-bm25": PisaBM25,
    "tantivy": Tantivy,
}
DEPTH, QUERIES = 1000, 200


def collection(folder: Path, size: int, order: str) -> tuple[Rows, Rows]:
    """The first passages of a folder, in another order if one is given, and its queries."""
    vectors = Vectors.load(folder)
    passages = vectors.passages.first(size)
    if order != "-":
        passages = passages.taken(np.load(order))
    return passages, vectors.queries


def build(engine: type[Engine], passages: Rows, index: Path) -> dict[str, float]:
    begin = time.perf_counter()
    engine.build(passages, index)
    return {"seconds": time.perf_counter() - begin, "peak_mib": peak_mib(), "size_mib": size_mib(index)}


def search(engine: type[Engine], queries: Rows, index: Path, size: int) -> dict[str, float]:
    """What opening an index and searching it adds to the memory held, mapped files that it touches included."""
    before = held_mib()
    opened = engine(index, queries.first(QUERIES), *engine.variants[0])
    opened.search(min(DEPTH, size), time.perf_counter)
    return {"memory_mib": held_mib() - before}


def held_mib() -> float:
    """The memory that this process holds now, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    what, name, folder, size, order, index = sys.argv[1:]
    out = os.dup(1)
    os.dup2(2, 1)  # engines may print: that is not to come after what is read
    engine = ENGINES[name]
    importlib.import_module(engine.module)
    passages, queries = collection(Path(folder), int(size), order if what == "build" else "-")
    if what == "build":
        found = build(engine, passages, Path(index))
    else:
        found = search(engine, queries, Path(index), len(passages))
    os.write(out, (json.dumps(found) + "\n").encode())


if __name__ == "__main__":
    main()
