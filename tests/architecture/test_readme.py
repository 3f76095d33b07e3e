"""Every command that the guides show exists: make's targets, vizsla's commands and their options."""

import contextlib
import functools
import io
import re
import shlex
from pathlib import Path

import pytest

from vizsla.cli.app import run

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = {"make", "vizsla"}


def commands(text: str) -> list[list[str]]:
    """The words of every line of a code block that starts with make or vizsla."""
    found = []
    for block in re.findall(r"^```[^\n]*\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            found += [words for part in re.split(r"&&|;|\|", line) if (words := split(part))]
    return found


def split(line: str) -> list[str]:
    try:
        words = shlex.split(line.strip().removeprefix("$ "), comments=True)
    except ValueError:
        return []
    if not words or Path(words[0]).name not in PROGRAMS:
        return []
    return [Path(words[0]).name, *words[1:]]


@functools.cache
def help_of(*names: str) -> str:
    """What `vizsla NAMES --help` prints; an unknown command fails."""
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(told):
        for name, value in (("COLUMNS", "200"), ("TERM", "dumb"), ("NO_COLOR", "1")):
            patch.setenv(name, value)
        code = run([*names, "--help"])
    assert code == 0, f"vizsla {' '.join(names)} --help failed: {told.getvalue()}"
    return told.getvalue()


def check_make(words: list[str]) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    unknown = [word for word in words if "=" not in word and not word.startswith("-") and word not in targets]
    assert not unknown, f"make has no target {unknown}; it has {sorted(targets)}"


def check_vizsla(words: list[str]) -> None:
    names = [words[0]] if words and not words[0].startswith("-") else []
    shown = help_of(*names)
    options = [word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)]
    unknown = [option for option in options if not re.search(rf"{re.escape(option)}\b", shown)]
    assert not unknown, f"vizsla {' '.join(names)} has no option {unknown}"


def test_the_readme_shows_the_two_commands_that_do_everything() -> None:
    shown = commands((ROOT / "README.md").read_text(encoding="utf-8"))
    assert ["make", "demo"] in shown
    assert ["make", "test"] in shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_shown_exists(page: Path) -> None:
    for program, *words in commands(page.read_text(encoding="utf-8")):
        (check_make if program == "make" else check_vizsla)(words)


def test_the_makefile_has_the_words_everybody_uses() -> None:
    check_make(["help", "install", "demo", "check", "test", "test-all", "bench"])


def test_commands_are_found_and_checked() -> None:
    text = "make nothing\n```sh\n$ make demo  # runs\n.venv/bin/vizsla search X \\\n  --k 3 | head\nls\n```\n"
    assert commands(text) == [["make", "demo"], ["vizsla", "search", "X", "--k", "3"]]
    with pytest.raises(AssertionError, match="no target"):
        check_make(["demonstrate"])
