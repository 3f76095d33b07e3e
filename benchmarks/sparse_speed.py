"""Speed of the inverted index beside other engines: learned sparse vectors, and BM25.

    python benchmarks/sparse_speed.py --data real|fitted|light [--size 1000000] [--k 100 1000] [--rounds 7]
    python benchmarks/sparse_speed.py --data words|wenyan-zh|squad-en [--size 2000000] [--k 10 1000]

`real` are the vectors that sparse_vectors.py has made; fitted, light and words come from generated.py, made
when they are not there; any other name is a judged set, its terms counted by this project's analyzer. All
engines get the same whole numbers, order of passages, k and one thread. `--order` is a .npy file of
positions, the passages in another order, given to every engine. Indexes stay in `--work`.
"""

import os

os.environ.setdefault("VIZSLA_THREADS", "1")

import argparse
import json
import shutil
import subprocess
import time
from pathlib import Path

import generated
import numpy as np
import peers_lexical
from clock import find_data, in_fresh_process, machine, table
from sparse_data import COLUMNS, Vectors, cache_folder, statistics
from sparse_once import ENGINES, collection
from sparse_search import Contest, run

ONCE = str(Path(__file__).with_name("sparse_once.py"))
LEARNED = ("real", "fitted", "light")
SPARSE, LEXICAL = ("vizsla", "pisa", "bmp"), ("vizsla-bm25", "bm25s", "pisa-bm25", "tantivy")
CLOCKS = {"wall": time.perf_counter, "cpu": time.thread_time}


def options_given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="real", help="which vectors")
    parser.add_argument("--sets", help="the folder of the judged sets")
    parser.add_argument("--size", type=int, default=1_000_000, help="passages; real ones are as many as there are")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--k", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), help="those that fit the data if not given")
    parser.add_argument("--variants", nargs="+", help="only these of the engines that have several, as wand")
    parser.add_argument("--order", default="-", help="a .npy file of positions: the passages in another order")
    parser.add_argument("--cache", type=Path, default=cache_folder(), help="where vectors are kept")
    parser.add_argument("--work", type=Path, help="where indexes are kept; the cache's indexes/ if not given")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu: where others use the machine")
    parser.add_argument("--statistics", action="store_true", help="show those of the vectors first")
    return parser.parse_args()


def main() -> None:
    options = options_given()
    folder = made(options)
    if folder is None:
        return
    size = min(options.size, len(Vectors.load(folder).passages))
    passages, queries = collection(folder, size, options.order)
    queries = queries.taken(np.linspace(0, len(queries) - 1, min(len(queries), options.queries)).astype(np.int64))
    entries = f"{len(passages.data) / size:.0f} entries each, order: {options.order}; clock: {options.clock}"
    print(f"{machine()}\n\n{options.data}: {size:,} passages, {entries}", flush=True)
    if options.statistics:
        table(COLUMNS, statistics(Vectors(passages, queries, {})))
    is_learned = options.data in LEARNED
    work = (
        options.work or options.cache / "indexes"
    ) / f"{options.data}-{size}-{'as-made' if options.order == '-' else Path(options.order).stem}"
    indexes = {name: work / name for name in options.engines or (SPARSE if is_learned else LEXICAL)}
    built(options, folder, size, indexes)
    engines = {
        " ".join(map(str, (name, *variant))): ENGINES[name](index, queries, *variant)
        for name, index in indexes.items()
        for variant in ENGINES[name].variants
        if not variant or not options.variants or str(variant[0]) in options.variants
    }
    truth, tolerance = ((passages, queries), 0.0) if is_learned else (peers_lexical.held(passages, queries), 1e-4)
    contest = Contest(engines, passages, queries, truth, tolerance, CLOCKS[options.clock])
    run(contest, [min(k, size) for k in options.k], options.rounds)


def made(options: argparse.Namespace) -> Path | None:
    """The folder of the vectors asked for; None, and said why, where they cannot be had."""
    if options.data in generated.PROFILES:
        return generated.made(options.size, options.data, options.seed, options.cache)
    folder: Path = options.cache / options.data
    if (folder / "made.json").exists():
        return folder
    if options.data == "real":
        print(f"skipped: found no real vectors at {folder}; make them with sparse_vectors.py")
        return None
    sets = find_data(options.sets)
    if sets is not None:
        peers_lexical.counted(sets / options.data).save(folder)
    return folder if sets is not None else None


def built(options: argparse.Namespace, folder: Path, size: int, indexes: dict[str, Path]) -> None:
    """Indexes that are not there are built, each in a process of its own; what each took is kept beside it."""
    rows = []
    for name, index in indexes.items():
        given, note = (name, str(folder), str(size), options.order, str(index)), index.with_suffix(".json")
        if not note.exists():
            shutil.rmtree(index, ignore_errors=True)
            index.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(json.dumps(once("build", *given)), encoding="ascii")
        took = json.loads(note.read_text(encoding="ascii")) | once("search", *given)
        rows.append(
            [name, f"{took['seconds']:.1f}", *(f"{took[f'{one}_mib']:,.0f}" for one in ("peak", "size", "memory"))]
        )
    table(("engine", "build s", "most memory while building MiB", "on disk MiB", "memory searching MiB"), rows)


def once(*given: str) -> dict[str, float]:
    """What sparse_once.py says, or the end of what it complained of."""
    try:
        return in_fresh_process(ONCE, *given)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{' '.join(given)} ended with {error.returncode}:\n{error.stderr[-2000:]}") from error


if __name__ == "__main__":
    main()
