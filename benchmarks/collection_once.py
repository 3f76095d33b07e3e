"""One engine in a process of its own: it builds, or opens and answers what it is asked, line by line.

    python benchmarks/collection_once.py build|search ENGINE GIVEN FOLDER

`build` prints one line of JSON. `search` reads lines {"mode", "k", "rows", "effort"} and answers each with a line:
wall and CPU seconds of every query, and the ids found. It ends with its input.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from clock import peak_mib, size_mib
from collection_given import Given
from collection_peers import ENGINES

BUILT = "built.json"


def build(name: str, given: Given, folder: Path) -> dict[str, float]:
    """Build, and say what it took; memory is what the process held at most beyond what it held before."""
    import importlib

    importlib.import_module(ENGINES[name].module)
    before, begin = held_mib(), (time.perf_counter(), time.process_time())
    ENGINES[name].build(given, folder)
    took = time.perf_counter() - begin[0], time.process_time() - begin[1]
    return {"wall": took[0], "cpu": took[1], "peak_mib": peak_mib() - before, "size_mib": size_mib(folder)}


def answer(engine: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Search each query alone."""
    wall, cpu, found = [], [], []
    for row in asked["rows"]:
        begin = time.perf_counter(), time.process_time()
        ids = engine.search(asked["mode"], row, asked["k"], asked["effort"])
        wall.append(time.perf_counter() - begin[0])
        cpu.append(time.process_time() - begin[1])
        found.append([int(one) for one in ids])
    return {"wall": wall, "cpu": cpu, "found": found, "held_mib": held_mib(), "peak_mib": peak_mib()}


def held_mib() -> float:
    """The memory that this process holds now, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def main() -> None:
    what, name, given, folder = sys.argv[1:]
    out = os.dup(1)
    os.dup2(2, 1)  # engines may print: that is not to come between what is read

    def say(told: dict[str, Any]) -> None:
        with os.fdopen(os.dup(out), "w") as file:
            file.write(json.dumps(told) + "\n")

    data = Given.load(Path(given))
    if what == "build":
        say(build(name, data, Path(folder)))
        return
    before = held_mib()
    engine = ENGINES[name](data, Path(folder))
    say(
        {
            "opened_mib": held_mib() - before,
            "before_mib": before,
            "modes": ENGINES[name].modes,
            "steps": ENGINES[name].steps,
        }
    )
    for line in sys.stdin:
        say(answer(engine, json.loads(line)))


if __name__ == "__main__":
    main()
