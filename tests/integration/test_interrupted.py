"""Ctrl-C and kill -9 at every step of `vizsla index`: the old index stays whole, and the next run sweeps."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from vizsla.collections.frozen import FrozenCollection
from vizsla.core.protocols import Passage

from .conftest import ENVIRONMENT, VIZSLA

PASSAGES, WORDS, KINDS = 12_000, 60, 20_000
STEPS = {
    "reading": ".corpus.unfinished-*/bytes.npy",
    "indexing": "scratch/rows.bin",
    "turning": ".index.unfinished-*/positions.npy",
    "finished": "index/manifest.json",
}
TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = random.Random(7)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(KINDS)]
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(PASSAGES):
            file.write(json.dumps({"id": str(number), "text": " ".join(draw.choices(words, k=WORDS))}) + "\n")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with an old index of one passage."""
    FrozenCollection.build([Passage("old", "the old index")], tmp_path / "i")
    return tmp_path


def left(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir())


def stopped(home: Path, corpus: Path, step: str, number: signal.Signals) -> tuple[int, str]:
    """Start an index over the old one and send a signal as soon as a step has begun."""
    words = [*VIZSLA, "index", str(corpus), "--output", "i"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, cwd=home, env=ENVIRONMENT, **streams) as running:  # type: ignore[call-overload]
        deadline = time.monotonic() + TIMEOUT_S
        while not found(home, step) and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.0005)
        assert running.poll() is None, f"it ended before the step '{step}' was seen"
        os.kill(running.pid, number)
        try:
            _, said = running.communicate(timeout=TIMEOUT_S)
        finally:
            running.kill()  # else leaving the block would wait for it
    return running.returncode, said


def found(home: Path, step: str) -> bool:
    try:
        return next(home.glob(f".i.unfinished-*/{STEPS[step]}"), None) is not None
    except OSError:  # a folder vanished between two looks
        return False


def whole(home: Path) -> int:
    collection = FrozenCollection.load(home / "i")
    collection.verify()
    return len(collection)


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("reading", signal.SIGINT),
        ("indexing", signal.SIGINT),
        ("turning", signal.SIGINT),
        ("indexing", signal.SIGTERM),
    ],
)
def test_an_interrupted_index_leaves_nothing(home: Path, corpus: Path, step: str, number: signal.Signals) -> None:
    code, said = stopped(home, corpus, step, number)
    assert code == 128 + number
    assert len(said.splitlines()) <= 1
    assert "Traceback" not in said
    assert left(home) == ["i"]
    assert whole(home) == 1


def test_a_killed_index_leaves_the_old_or_the_new_one_and_the_next_run_sweeps(home: Path, corpus: Path) -> None:
    for step in STEPS:
        code, _ = stopped(home, corpus, step, signal.SIGKILL)
        assert code == -signal.SIGKILL
        assert whole(home) in (1, PASSAGES), step
        assert len(left(home)) <= 2, f"{step}: the run before was not swept: {left(home)}"
    done = subprocess.run([*VIZSLA, "index", corpus, "--output", "i"], cwd=home, env=ENVIRONMENT, check=True)
    assert done.returncode == 0
    assert left(home) == ["i"]
    assert whole(home) == PASSAGES
