"""What a collection meets outside: a full disk, a folder it may not write, and readers in other processes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest

from vizsla.collections.collection import Collection
from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import Passage

from . import collection_model as model
from .conftest import ENVIRONMENT, ROOT

SIZE_KIB = 600


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vizsla.assembly.load", model.toy)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KIB}k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here")
    if mounted.returncode:
        pytest.skip(f"no small disk may be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(collection: Collection, held: model.Model, first: int) -> tuple[model.Model, int]:
    """Add until it fails: each passage is there wholly, or not at all."""
    for number in range(first, first + 1000):
        one = Passage(f"p{number}", f"text {number} " + "word " * 100)
        try:
            collection.add([one])
        except ArtifactError as error:
            said = str(error)
            assert "what was committed is whole" in said
            return held, number
        held = {**held, one.id: one}
    raise AssertionError("the disk was never full")


def test_a_full_disk_loses_nothing_and_room_is_enough_to_go_on(small_disk: Path) -> None:
    reader, collection, number = None, Collection.create(small_disk / "c", model.ENCODERS), 0
    held: model.Model = {}
    ballast = small_disk / "ballast"
    for size_kib in (0, 40, 80, 120):  # full at another place each time
        ballast.write_bytes(b"x" * (size_kib << 10))
        held, number = fill(collection, held, number)
        assert model.check(Collection.open(small_disk / "c"), held) == held
        reader = reader or Collection.open(small_disk / "c")
        assert list(reader.export()) == list(held.values())
        ballast.unlink()
        if not held:
            continue
        gone = next(iter(held))
        collection.delete([gone])
        held = model.applied(held, ("delete", [gone]))
        model.check(collection, held)
    assert held


def program(name: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.integration.collection_programs", name, str(folder)]


def test_a_limit_on_files_loses_nothing(tmp_path: Path) -> None:
    """As a full disk: the limit stops files of any kind, and of any layer."""
    collection, refused = Collection.create(tmp_path / "c", model.ENCODERS), 0
    held: model.Model = {}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    words = program("limited", tmp_path / "c")
    with subprocess.Popen(words, cwd=ROOT, env=ENVIRONMENT, **pipes) as running:  # type: ignore[call-overload]
        for line in running.stdout:
            id_, text, said = json.loads(line)
            assert said == "done" or said.startswith("refused"), said
            refused += said != "done"
            held = {**held, id_: Passage(id_, text)} if said == "done" else held
            model.check(collection, held)
            running.stdin.write("on\n")
            running.stdin.flush()
    assert running.returncode == 0
    assert refused >= 4
    assert held


def test_a_read_only_folder_is_searched_and_not_changed() -> None:
    with tempfile.TemporaryDirectory() as home:  # where another user may get to
        Path(home).chmod(0o755)
        folder, one = Path(home) / "c", Passage("a", "vizslas point at birds")
        Collection.create(folder, model.ENCODERS).add([one])
        places = [folder, *folder.rglob("*")]
        for place in places:
            place.chmod(0o555 if place.is_dir() else 0o444)
        words = program("unprivileged", folder)
        ran = subprocess.run(words, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
        for place in places:
            place.chmod(0o755 if place.is_dir() else 0o644)
        assert ran.returncode == 0, ran.stderr
        found, read, said = json.loads(ran.stdout)
        assert found == ["a"]
        assert read > 0
        assert "cannot be written to (Permission denied); it can be searched" in said
        model.check(Collection.open(folder), {"a": one})


def read_on(folder: str) -> tuple[int, str]:
    """Read until the writer is done: every look is a state that was committed."""
    looks, collection = 0, Collection.open(folder)
    done = False
    while not done:
        done = (Path(folder).parent / "done").exists()
        told = {one.id: one for one in collection.export()}
        rounds = {one.metadata["round"] for one in told.values()}
        if len(rounds) > 1 or len(told) not in (0, 20):
            return looks, f"found {len(told)} passages of the rounds {rounds}"
        hits = collection.search("birds", 20, pipeline="bm25")
        if len(hits) != 20 or len({one.metadata["round"] for one in hits}) != 1:
            return looks, f"found {len(hits)} hits"
        looks += 1
        (Path(folder).parent / f"began-{os.getpid()}").touch()
    return looks, ""


def test_readers_in_other_processes_see_whole_commits_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)  # a spawned process looks for this module where its parent does
    folder = tmp_path / "c"
    collection = Collection.create(folder)

    def passages(number: int) -> list[Passage]:
        return [Passage(str(place), f"birds {number} {place}", metadata={"round": number}) for place in range(20)]

    collection.add(passages(0))
    with get_context("spawn").Pool(2) as pool:
        reading = [pool.apply_async(read_on, (str(folder),)) for _ in range(2)]
        while len(list(tmp_path.glob("began-*"))) < 2 and not any(one.ready() for one in reading):
            time.sleep(0.05)
        for number in range(1, 13):
            collection.update(passages(number))
            if number % 5 == 0:
                collection.compact()
        (tmp_path / "done").touch()
        for looks, wrong in (one.get(60) for one in reading):
            assert not wrong
            assert looks > 1
