"""kill -9 at any moment of a change: what was acknowledged is there, what was under way is in or out."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from vizsla.collections.collection import Collection
from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import Passage

from . import collection_model as model
from .conftest import ENVIRONMENT, ROOT

CALLS = ("fsync", "fdatasync", "rename", "renameat2", "unlink", "unlinkat", "pwrite64")
CHANGES: list[model.Change] = [
    ("add", [Passage("a", "vizslas point at birds"), Passage("b", "维兹拉犬", "title", {"year": 1})]),
    ("add", [Passage("c", "dogs run")]),
    ("update", [Passage("b", "维兹拉犬", "title", {"year": 2}), Passage("d", "new")]),
    ("delete", ["a", "absent"]),
    ("compact", []),
]
MOST = 2000


class Driver:
    """The program, and what it says."""

    def __init__(self) -> None:
        words = [sys.executable, "-m", "tests.integration.collection_driver"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(words, cwd=ROOT, env=ENVIRONMENT, **pipes)  # type: ignore[call-overload]
        assert self.read() == ["ready"]

    def read(self) -> list[Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), f"the driver ended, or said {line!r}"
        return cast("list[Any]", json.loads(line))

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def start(self, **run: object) -> int:
        self.say(json.dumps(run))
        return cast("int", self.read()[1])

    def told(self) -> Iterator[list[Any]]:
        while (said := self.read())[0] != "ended":
            yield said
        self.code = said[1]


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    made.process.kill()
    made.process.communicate()


def replayed(held: model.Model, told: list[list[Any]]) -> tuple[model.Model, model.Model]:
    """What must be there, and what may be: with the change that was under way."""
    may = held
    for said in told:
        if said[0] == "begin":
            may = model.applied(held, model.from_plain(said[1]))
        elif said[0] == "done":
            held = may
    return held, may


def killed(driver: Driver, folder: Path, held: model.Model, seed: int) -> model.Model:
    """Kill it somewhere in one of its first changes: about as long after the one before as one takes."""
    draw = random.Random(seed)
    begun = time.monotonic()
    process = driver.start(script=False, folder=str(folder), seed=seed)
    told = [driver.read() for _ in range(draw.randrange(1, 8))]  # begin, done, begin, done, ...
    time.sleep(draw.uniform(0.0, (time.monotonic() - begun) / len(told)))
    os.kill(process, signal.SIGKILL)
    told += driver.told()
    assert driver.code == -signal.SIGKILL
    return model.check(Collection.open(folder), *replayed(held, told))


def kill_at_random(driver: Driver, folder: Path, times: int) -> None:
    Collection.create(folder, model.ENCODERS)
    held: model.Model = {}
    for seed in range(times):
        held = killed(driver, folder, held, seed)
    assert held, "nothing was ever committed"
    collection = Collection.open(folder)
    collection.compact()
    model.check(collection, held)
    assert len(list((folder / "segments").iterdir())) == 1


def test_ten_kills_lose_nothing(driver: Driver, tmp_path: Path) -> None:
    kill_at_random(driver, tmp_path / "c", 10)


@pytest.mark.slow
def test_three_hundred_kills_lose_nothing(driver: Driver, tmp_path: Path) -> None:
    kill_at_random(driver, tmp_path / "c", 300)


def kill_at(driver: Driver, folder: Path, call: str, number: int) -> bool:
    """Kill the scripted run at its n-th call; whether there was one."""
    process = driver.start(script=True, folder=str(folder), changes=[model.to_plain(one) for one in CHANGES])
    watch = ["strace", "-f", "-p", str(process), "-o", "/dev/null", "-e", f"trace={call}"]
    watch += ["-e", f"inject={call}:signal=SIGKILL:when={number}"]
    with subprocess.Popen(watch, stderr=subprocess.PIPE) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline().decode()
        if "attached" not in said:
            os.kill(process, signal.SIGKILL)
        driver.say("")
        told = list(driver.told())
    if "attached" not in said:
        pytest.skip(f"strace may not look at other processes here: {said.strip()}")
    held = model.check(opened(folder, created=["created"] in told), *replayed({}, told))
    after: model.Change = ("add", [Passage("after", "the next writer goes on")])
    model.change(Collection.open(folder), after)
    model.check(Collection.open(folder), model.applied(held, after))
    assert not list((folder / "segments").glob(".*")), "the next writer did not sweep"
    return bool(driver.code == -signal.SIGKILL)


def opened(folder: Path, *, created: bool) -> Collection:
    """A collection whose creation may have been broken off: then it can be created again."""
    if not created:
        try:
            Collection.open(folder)
        except ArtifactError as error:
            refused = str(error)
            assert any(said in refused for said in ("is not there", "holds no collection", "broken off"))
            return Collection.create(folder, model.ENCODERS)
    return Collection.open(folder)


@pytest.fixture
def strace() -> None:
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")


@pytest.mark.parametrize(
    ("call", "number"),
    [("fsync", 12), ("fdatasync", 17), ("rename", 3), ("unlink", 4), ("unlinkat", 4), ("pwrite64", 55)],
)
def test_a_kill_at_a_call_loses_nothing(driver: Driver, tmp_path: Path, strace: None, call: str, number: int) -> None:
    assert kill_at(driver, tmp_path / "c", call, number), "there are not so many any more: take a lower number"


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS)
def test_a_kill_at_every_call_loses_nothing(driver: Driver, tmp_path: Path, strace: None, call: str) -> None:
    for number in range(1, MOST):
        if not kill_at(driver, tmp_path / str(number), call, number):
            break
        shutil.rmtree(tmp_path / str(number))
    assert number > 1 or call == "renameat2", "the script makes no such call"


@pytest.fixture(autouse=True)
def own_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vizsla.assembly.load", model.toy)
