"""kill -9 and Ctrl-C of `vizsla add`: what was committed stays, and adding the same again goes on from there."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from vizsla.collections.collection import Collection
from vizsla.core.errors import ArtifactError

from .conftest import ENVIRONMENT, VIZSLA, Program

PASSAGES = 20_000  # five commits
TIMEOUT_S = 100.0


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = random.Random(5)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(5_000)]
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(PASSAGES):
            record = {"id": str(number), "text": " ".join(draw.choices(words, k=30)), "metadata": {"n": number}}
            file.write(json.dumps(record) + "\n")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    Collection.create(tmp_path / "kb")
    return tmp_path


def stopped(home: Path, corpus: Path, number: signal.Signals, after: int) -> tuple[int, str]:
    """Send `vizsla add` a signal as soon as so many passages are committed."""
    words = [*VIZSLA, "add", "kb", str(corpus)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, cwd=home, env=ENVIRONMENT, **streams) as running:  # type: ignore[call-overload]
        deadline = time.monotonic() + TIMEOUT_S
        while len(Collection.open(home / "kb")) < after and time.monotonic() < deadline:
            assert running.poll() is None, "it ended too early"
            time.sleep(0.002)
        os.kill(running.pid, number)
        try:
            _, said = running.communicate(timeout=TIMEOUT_S)
        finally:
            running.kill()
    return running.returncode, said


def test_what_was_killed_goes_on(home: Path, corpus: Path, program: Program) -> None:
    held = 0
    for after in (1, 5_000):
        code, _ = stopped(home, corpus, signal.SIGKILL, after)
        assert code == -signal.SIGKILL
        collection = Collection.open(home / "kb")
        collection.verify()
        assert held < len(collection) < PASSAGES
        held = len(collection)
        assert [one.id for one in collection.export()] == [str(number) for number in range(held)]
    done = program("add", "kb", corpus, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["unchanged"], told["added"], told["passages"]) == (held, PASSAGES - held, PASSAGES)
    collection = Collection.open(home / "kb")
    collection.verify()
    assert [one.id for one in collection.export()] == [str(number) for number in range(PASSAGES)]
    assert not list((home / "kb/segments").glob(".*"))


def test_ctrl_c_is_said_and_keeps_what_was_committed(home: Path, corpus: Path) -> None:
    code, said = stopped(home, corpus, signal.SIGINT, 1)
    assert code == 130
    assert said.splitlines()[-1].startswith("vizsla: interrupted; ")
    assert 0 < len(Collection.open(home / "kb")) < PASSAGES


def test_a_second_writer_is_refused_and_readers_go_on(home: Path, corpus: Path, program: Program) -> None:
    words = [*VIZSLA, "add", "kb", str(corpus)]
    with subprocess.Popen(words, cwd=home, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + TIMEOUT_S
        while not len(Collection.open(home / "kb")) and time.monotonic() < deadline:
            time.sleep(0.002)
        os.kill(running.pid, signal.SIGSTOP)
        try:
            refused = program("delete", "kb", "0")
            found = program("search", "kb", "--k", 1, "--where", "n = 7", "--json", "--", "absent")
            info = program("info", "kb")
        finally:
            running.kill()
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"process {running.pid} on " in refused.stderr
    assert "is writing to it; try again when it is done" in refused.stderr
    assert (found.returncode, info.returncode) == (0, 0)


def test_a_creation_is_whole_or_can_be_done_again(tmp_path: Path, program: Program) -> None:
    with subprocess.Popen([*VIZSLA, "create", "kb"], cwd=tmp_path, env=ENVIRONMENT) as running:
        deadline = time.monotonic() + TIMEOUT_S
        while not (tmp_path / "kb").exists() and time.monotonic() < deadline:
            time.sleep(0.0005)
        running.kill()
    try:
        Collection.open(tmp_path / "kb")
    except ArtifactError:
        assert program("create", "kb").returncode == 0
    assert program("info", "kb").returncode == 0
