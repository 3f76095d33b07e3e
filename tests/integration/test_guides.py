"""What the README and the guides show is run: every block of sh and Python, in order, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ENVIRONMENT, ROOT

PAGES = ["README.md", pytest.param("docs/guides/lexical.md", marks=pytest.mark.slow)]  # half a minute
NOT_RUN = ("make ", "pip ", "vizsla evaluate INDEX", "vizsla compare DATA", "vizsla calibrate INDEX")
TIMEOUT_S = 120


def blocks(text: str) -> list[tuple[str, str]]:
    """The language and the lines of every block of code."""
    return re.findall(r"^```(sh|python)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def script(block: str) -> str:
    """A block without the lines that install something or stand for a reader's own files."""
    return "\n".join(line for line in block.splitlines() if not line.startswith(NOT_RUN))


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs(page: str, tmp_path: Path) -> None:
    program = tmp_path / "bin/vizsla"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m vizsla "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "place").mkdir()
    environment = ENVIRONMENT | {"PATH": f"{program.parent}:{os.environ['PATH']}"}
    found = blocks((ROOT / page).read_text(encoding="utf-8"))
    assert {language for language, _ in found} == {"sh", "python"}
    for language, block in found:
        run = ["bash", "-euo", "pipefail", "-c", script(block)] if language == "sh" else [sys.executable, "-c", block]
        streams = {"capture_output": True, "text": True, "timeout": TIMEOUT_S}
        done = subprocess.run(run, cwd=tmp_path / "place", env=environment, check=False, **streams)  # type: ignore[call-overload]
        assert done.returncode == 0, f"{page}: this block failed:\n{block}\n{done.stdout}{done.stderr}"


def test_the_readme_example_is_short_and_right(tmp_path: Path) -> None:
    (example,) = [block for language, block in blocks((ROOT / "README.md").read_text("utf-8")) if language == "python"]
    lines = [line for line in example.splitlines() if line]
    assert len(lines) <= 10
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("['d2'] [")
    assert done.stdout.endswith("{'RR@10': 1.0, 'nDCG@10': 1.0}\n")
