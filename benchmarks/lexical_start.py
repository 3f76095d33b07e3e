"""From a cold process to the first hit: the command line, three lines of Python, and an empty kernel cache."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from clock import interleave, spread, table

SCRIPT = (
    "import sys, vizsla\nindex = vizsla.load(sys.argv[1])\nprint(index.retriever.search([sys.argv[2]], 10).positions)"
)
COMMAND = "from vizsla.cli import main; main()"


def run(index: Path, query: str, rounds: int) -> None:
    ways = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import numpy, scipy.sparse, numba": [sys.executable, "-c", "import numpy, scipy.sparse, numba"],
        "three lines of Python": [sys.executable, "-c", SCRIPT, str(index), query],
    }
    if find_spec("vizsla.cli"):
        ways["vizsla search INDEX QUERY --json"] = [
            sys.executable,
            "-c",
            COMMAND,
            "search",
            str(index),
            query,
            "--json",
        ]
    seconds = interleave({name: _runner(command) for name, command in ways.items()}, rounds)
    rows = [[name, spread(found)] for name, found in seconds.items()]
    with tempfile.TemporaryDirectory() as empty:
        begin = time.perf_counter()
        _runner(ways["three lines of Python"], NUMBA_CACHE_DIR=empty)()
        rows.append(["three lines of Python, kernel cache empty (once)", f"{time.perf_counter() - begin:.2f}"])
    print("\nfirst query from a cold process, files in the page cache: seconds, median (least-most)")
    table(("start", "seconds"), rows)


def _runner(command: list[str], **environment: str) -> Callable[[], object]:
    wanted = os.environ | environment
    return lambda: subprocess.run(command, check=True, capture_output=True, env=wanted)
