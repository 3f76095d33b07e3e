"""The command line as a program of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VIZSLA = (sys.executable, "-m", "vizsla")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "80"}
Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        words = [*VIZSLA, *map(str, arguments)]
        settings = {"cwd": tmp_path, "env": ENVIRONMENT, "timeout": 120, **options}
        return subprocess.run(words, capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload,no-any-return]

    return run
