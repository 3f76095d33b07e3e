"""What the benchmarks share: finding the data, naming the machine, interleaved clocks, Markdown rows.

Knows nothing of retrieval. Two things are compared by turns in one process, so that what the rest of
the machine does falls on both; a ratio is taken within a round, where the machine was the same.
"""

import gc
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("vizsla", "numpy", "numba", "bm25s", "PyStemmer", "tantivy")


def find_data(given: str | None) -> Path | None:
    """The folder of the judged sets: as given, or $VIZSLA_DATA, or shared/data beside the repository."""
    folder = Path(given or os.environ.get("VIZSLA_DATA") or ROOT.parent / "shared" / "data")
    if folder.is_dir():
        return folder
    print(f"skipped: found no judged sets at {folder}; give the folder, or set VIZSLA_DATA")
    return None


def machine(wanted: Sequence[str] = PACKAGES) -> str:
    """One line: processor, cores this process may use, Python, packages and the day."""
    names = [line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    packages = ", ".join(f"{name} {_version(name)}" for name in wanted)
    processor = names[0] if names else platform.processor()
    today = datetime.now(UTC).date()
    return f"{processor}, {len(os.sched_getaffinity(0))} cores; Python {platform.python_version()}, {packages}; {today}"


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
"""The second where others use the machine: seconds of all threads of this process, fair only with one thread."""


def interleave(
    actions: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each action in each round, after one round to warm up; every second round runs backwards."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(-1, rounds):
        for name in list(actions)[:: -1 if number % 2 else 1]:
            gc.collect()
            begin = clock()
            actions[name]()
            if number >= 0:
                seconds[name].append(clock() - begin)
    return seconds


def spread(values: Sequence[float], unit: float = 1.0, digits: int = 2) -> str:
    """Median and, in brackets, least and most: '2.91 (2.85-3.10)'."""
    low, middle, high = (f"{value / unit:,.{digits}f}" for value in (min(values), median(values), max(values)))
    return f"{middle} ({low}-{high})"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours by theirs, round by round."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table."""
    print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)


def in_fresh_process(script: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run `script ARGUMENTS` in a Python of its own; returns the JSON of its last line of output."""
    done = subprocess.run(
        [sys.executable, script, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def peak_mib() -> float:
    """The most memory this process has held, in MiB, mapped files that it touched included.

    From /proc and not from getrusage, whose figure a child inherits from its parent.
    """
    found = [line.split()[1] for line in _lines("/proc/self/status") if line.startswith("VmHWM")]
    return int(found[0]) / 1024 if found else float("nan")


def size_mib(folder: str | Path) -> float:
    """The bytes of a folder's files, in MiB."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 2**20


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "from source"
