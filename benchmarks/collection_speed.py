"""Collections by turns: this project's, qdrant-edge, LanceDB, milvus-lite, and bm25s + FAISS's HNSW joined by hand.

The same passages, texts and vectors for all (collection_given.py), each engine in a process of its own, one query at a
time. Dense search is set to one recall on queries that are not measured. Engines whose packages are missing are left
out.

    pip install qdrant-edge-py lancedb milvus-lite pymilvus faiss-cpu bm25s
    python benchmarks/collection_speed.py [DATA_FOLDER] [--size 92501] [--queries 300] [--rounds 5] [--clock cpu]
"""

import os

os.environ.setdefault("VIZSLA_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAYON_NUM_THREADS", "1")
os.environ.setdefault("LANCE_CPU_THREADS", "1")
os.environ.setdefault("TOKIO_WORKER_THREADS", "1")
os.environ.setdefault("LANCEDB_LOG", "error")

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import collection_data
import numpy as np
from clock import find_data, in_fresh_process, machine, spread, table
from collection_data import Judged
from collection_given import Given, Truth, write
from collection_peers import ENGINES, SHARED
from sparse_data import cache_folder

from vizsla.data.runs import Run
from vizsla.evaluating.measuring import measure

SCRIPT = str(Path(__file__).with_name("collection_once.py"))
PACKAGES = ("vizsla", "numpy", "numba", "qdrant-edge-py", "lancedb", "milvus-lite", "pymilvus", "faiss-cpu", "bm25s")
ASKED = (
    ("lexical", 10),
    ("lexical", 100),
    ("sparse", 10),
    ("sparse", 100),
    ("dense", 10),
    ("dense", 100),
    ("hybrid", 10),
    ("filtered-dense", 100),
    ("filtered", 10),
)
MS, FEWEST, PATIENCE_S = 1e-3, 10, 30.0
TUNED = {"hybrid": ("dense", 100), "filtered": ("filtered-dense", 100)}
"""What a mode takes its setting from."""


@dataclass
class Opened:
    """An engine's process.

    Attributes:
        process: answers a line for each it gets.
        told: of opening: memory, modes and steps.
        efforts: the setting of each mode and depth.
        answers: of each mode and depth, a round each.
    """

    process: "subprocess.Popen[str]"
    told: dict[str, Any]
    efforts: dict[tuple[str, int], float] = field(default_factory=dict)
    answers: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def start(cls, name: str, given: Path, folder: Path) -> "Opened":
        pipe = subprocess.PIPE
        command = [sys.executable, SCRIPT, "search", name, str(given), str(folder)]
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        assert process.stdout is not None
        return cls(process, json.loads(process.stdout.readline()))

    def ask(self, mode: str, k: int, rows: list[int], effort: float) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"mode": mode, "k": k, "rows": rows, "effort": effort}) + "\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def effort(self, mode: str, k: int) -> float:
        return self.efforts.get(TUNED.get(mode, (mode, k)), 0.0)

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def recall(found: list[list[int]], best: list[list[int]]) -> float:
    """The share of the exact answers that was found, of queries that have any."""
    shares = [len(set(one) & set(other)) / len(other) for one, other in zip(found, best, strict=True) if other]
    return float(np.mean(shares))


def tune(opened: Opened, truth: Truth, rows: list[int], wanted: float) -> None:
    """The least setting that reaches the recall, or the greatest."""
    for mode, k in ASKED:
        if not mode.endswith("dense") or mode not in opened.told["modes"] or not opened.told["steps"]:
            continue
        best = [truth.best(mode, row, k) for row in rows]
        for step in opened.told["steps"]:
            opened.efforts[mode, k] = step
            if recall(opened.ask(mode, k, rows, step)["found"], best) >= wanted:
                break


def rounds(engines: dict[str, Opened], rows: list[int], count: int, patience_s: float) -> None:
    """Every mode by every engine, by turns, after one round to warm up; a slow one is asked fewer queries."""
    for mode, k in ASKED:
        able = {name: one for name, one in engines.items() if mode in one.told["modes"]}
        few = {}
        for name, one in able.items():
            one.ask(mode, k, rows[:FEWEST], one.effort(mode, k))
            each = max(one.ask(mode, k, rows[:FEWEST], one.effort(mode, k))["wall"])
            few[name] = rows[: max(FEWEST, int(patience_s / each))]
        for number in range(count):
            for name in list(able)[:: -1 if number % 2 else 1]:
                one = able[name]
                answered = one.ask(mode, k, few[name], one.effort(mode, k))
                one.answers.setdefault((mode, k), []).append(answered | {"rows": few[name]})
        print(f"{mode} {k}: done", file=sys.stderr, flush=True)


def speeds(engines: dict[str, Opened], truth: Truth, rows: list[int], clock: str) -> None:
    """A table a mode: p50 and p95 with the spread of rounds, recall of the exact answers."""
    lines = []
    for mode, k in ASKED:
        best = {row: truth.best(mode, row, k) for row in rows}
        for name, one in engines.items():
            if (mode, k) not in one.answers:
                continue
            answers = one.answers[mode, k]
            asked = answers[0]["rows"]
            halves, tails = ([float(np.percentile(each[clock], at)) for each in answers] for at in (50, 95))
            other = "wall" if clock == "cpu" else "cpu"
            beside = median(float(np.percentile(each[other], 50)) for each in answers)
            found = f"{recall(answers[0]['found'], [best[row] for row in asked]):.3f}"
            effort = f"{one.effort(mode, k):g}" if one.told["steps"] and mode not in ("lexical", "sparse") else ""
            cells = (spread(halves, MS, 2), spread(tails, MS, 2), f"{beside / MS:.2f}")
            lines.append((f"{mode}, top {k}", name, f"{len(asked)}", effort, found, *cells))
    other = "wall" if clock == "cpu" else "cpu"
    table(
        (
            "search",
            "engine",
            "queries",
            "setting",
            "recall",
            f"p50, ms ({clock})",
            f"p95, ms ({clock})",
            f"p50, ms ({other})",
        ),
        lines,
    )


def quality(engines: dict[str, Opened], judged: Judged, rows: list[int]) -> None:
    """nDCG@10 of what each engine found."""
    ids, texts = list(judged.queries), [one.id for one in judged.passages]
    modes = [(mode, k) for mode, k in ASKED if k == 10]
    asked = {ids[row] for row in rows} & set(judged.grades)
    kept = Judged(**{**_fields(judged), "grades": {query: judged.grades[query] for query in asked}})
    lines = []
    for name, one in engines.items():
        cells = []
        for key in modes:
            if key not in one.answers:
                cells.append("")
                continue
            if len(one.answers[key][0]["rows"]) < len(rows):
                cells.append("too slow")
                continue
            found = zip(rows, one.answers[key][0]["found"], strict=True)
            ranked = {ids[row]: [(texts[at], float(-rank)) for rank, at in enumerate(each)] for row, each in found}
            cells.append(f"{measure(Run(name, ranked), kept.judgements, 'nDCG@10').means['nDCG@10']:.4f}")
        lines.append((name, *cells))
    table(("nDCG@10", *(mode for mode, _ in modes)), lines)


def _fields(judged: Judged) -> dict[str, Any]:
    return {name: getattr(judged, name) for name in Judged.__dataclass_fields__}


def compare(judged: Judged, options: argparse.Namespace, place: Path) -> None:
    write(judged, place / "given")
    names = [name for name in options.engines if find_spec(ENGINES[name].module)]
    if left := sorted(set(options.engines) - set(names)):
        print(f"left out, for their packages are missing: {', '.join(left)}")
    built = {}
    for name in names:
        if name not in SHARED:
            built[name] = in_fresh_process(SCRIPT, "build", name, str(place / "given"), str(place / name))
            print(f"{name}: built {built[name]}", file=sys.stderr, flush=True)
    engines = {name: Opened.start(name, place / "given", place / SHARED.get(name, name)) for name in names}
    truth, every = Truth(Given.load(place / "given")), list(range(len(judged.queries)))
    draws = np.random.default_rng(options.seed).permutation(every).tolist()
    rows, tuning = sorted(draws[: options.queries]), draws[options.queries :]
    for name, one in engines.items():
        tune(one, truth, tuning, options.recall)
        print(f"{name}: {one.efforts}", file=sys.stderr, flush=True)
    rounds(engines, rows, options.rounds, options.patience)
    held = {name: one.ask("dense", 10, rows[:1], one.effort("dense", 10)) for name, one in engines.items()}
    for one in engines.values():
        one.stop()
    lines = [
        (name, f"{it['wall']:,.1f}", f"{it['cpu']:,.1f}", f"{it['peak_mib']:,.0f}", f"{it['size_mib']:,.0f}",
         f"{held[name]['held_mib'] - engines[name].told['before_mib']:,.0f}")
        for name, it in built.items()
    ]  # fmt: skip
    table(
        ("engine", "build s", "build CPU s", "peak MiB of building", "MiB on disk", "MiB held after searching"), lines
    )
    speeds(engines, truth, rows, options.clock)
    quality(engines, judged, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--sets", nargs="+", default=list(collection_data.SETS))
    parser.add_argument("--size", type=int, help="passages, an even share of all; all if not given")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--tuning", type=int, default=150)
    parser.add_argument("--recall", type=float, default=0.98)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--patience", type=float, default=PATIENCE_S, help="seconds a round of one engine may take")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu where others use the machine")
    parser.add_argument("--work", type=Path, help="where indexes are made; a temporary folder if not given")
    options = parser.parse_args()
    data = find_data(options.data)
    if data is None:
        return
    asked = options.queries + options.tuning
    judged = collection_data.load(data, options.cache, tuple(options.sets), size=options.size, asked=asked)
    print(f"{machine(PACKAGES)}; rounds: {options.rounds}")
    print(
        f"{len(judged.passages):,} passages, {options.queries} queries, one at a time on one thread; {options.recall=}"
    )
    with tempfile.TemporaryDirectory(dir=options.work) as place:
        compare(judged, options, Path(place))


if __name__ == "__main__":
    main()
