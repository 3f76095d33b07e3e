"""The kept connection: looks share it, and it is another one where it has to be."""

import gc
import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from vizsla.collections.log import CommitLog, Live
from vizsla.core.errors import ArtifactError, IncompatibleError

COMMIT = "import sys; from vizsla.collections.log import CommitLog, Live; CommitLog(sys.argv[1]).commit([Live('b', 2)])"


@pytest.fixture
def log(tmp_path: Path) -> CommitLog:
    return made(tmp_path / "c")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The places that are connected to."""
    places: list[str] = []
    connect = sqlite3.connect

    def counted(place: str, **settings: Any) -> sqlite3.Connection:
        places.append(place)
        opened: sqlite3.Connection = connect(place, **settings)
        return opened

    monkeypatch.setattr(sqlite3, "connect", counted)
    return places


def made(folder: Path) -> CommitLog:
    folder.mkdir()
    log = CommitLog(folder)
    log.create({"encoders": []})
    return log


def held_files(path: Path) -> int:
    """How many of this process's files are this one."""
    places = Path("/proc/self/fd")
    if not places.exists():
        pytest.skip("only Linux says which files a process holds")
    return sum(os.path.realpath(one).startswith(str(path)) for one in places.iterdir())


def test_looks_share_one_connection(log: CommitLog, opened: list[str]) -> None:
    state = log.read()
    assert all(log.is_last(state) for _ in range(5))
    assert log.generation() == 1
    assert len(opened) == 1
    log.commit([Live("a", 1)])
    assert not log.is_last(state)
    assert log.is_last(log.read())
    assert len(opened) == 2, "the commit's alone came to it"


def test_commits_of_other_processes_are_seen(log: CommitLog, opened: list[str]) -> None:
    state = log.read()
    subprocess.run([sys.executable, "-c", COMMIT, str(log.path.parent)], check=True)
    assert not log.is_last(state)
    assert [one.name for one in log.read().segments] == ["b"]
    assert len(opened) == 1


def test_a_newer_format_is_refused_by_who_looks_already(log: CommitLog) -> None:
    assert log.generation() == 1
    with sqlite3.connect(log.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    for _ in range(2):
        with pytest.raises(IncompatibleError, match="found format 99"):
            log.generation()


@pytest.mark.parametrize("how", ["removed", "moved"])
def test_another_log_in_its_place_is_another_state(log: CommitLog, tmp_path: Path, how: str) -> None:
    state = log.read()
    folder = log.path.parent
    made(tmp_path / "other").commit([Live("new", 1)])
    log.commit([Live("old", 1)])
    state = log.read()
    shutil.rmtree(folder) if how == "removed" else folder.rename(tmp_path / "away")
    with pytest.raises(ArtifactError, match="is not there"):
        log.generation()
    (tmp_path / "other").rename(folder)
    assert log.generation() == state.generation
    assert not log.is_last(state)
    assert [one.name for one in log.read().segments] == ["new"]
    assert log.is_last(log.read())


def test_a_log_exchanged_between_two_looks_is_another_state(log: CommitLog, tmp_path: Path) -> None:
    state = log.read()
    other = made(tmp_path / "other")
    other.path.replace(log.path)
    assert not log.is_last(state)
    assert log.is_last(log.read())


def half_written(log: CommitLog) -> None:
    """Leave what a writer leaves that is killed in its commit."""
    connection = sqlite3.connect(log.path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN EXCLUSIVE")
    connection.executemany("INSERT INTO pipelines VALUES (?, ?)", [(str(n), "x" * 500) for n in range(2000)])
    journal = log.path.with_name("log.sqlite-journal")
    half, written = log.path.read_bytes(), journal.read_bytes()
    connection.execute("ROLLBACK")
    connection.close()
    log.path.write_bytes(half)
    journal.write_bytes(written)


def test_who_looks_already_rolls_back_what_a_killed_writer_left(log: CommitLog, opened: list[str]) -> None:
    log.commit([Live("a", 1)])
    state = log.read()
    begun = len(opened)
    half_written(log)
    assert log.is_last(state)
    assert not log.read().pipelines
    assert len(opened) == begun + 1, "the killed writer's alone came to it"
    assert not log.path.with_name("log.sqlite-journal").exists()


def test_who_may_only_read_says_so_until_another_rolled_back(log: CommitLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.commit([Live("a", 1)])
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda path, mode: False)
        state = log.read()
        half_written(log)
        for _ in range(2):
            with pytest.raises(ArtifactError, match="killed writer left a journal"):
                log.is_last(state)
        assert CommitLog(log.path.parent)._file.mode == "ro"
    assert log.generation() == state.generation, "it may write now"
    assert not log.read().pipelines


def test_an_error_costs_the_connection_and_no_more(log: CommitLog, opened: list[str]) -> None:
    state, whole = log.read(), log.path.read_bytes()
    log.path.write_bytes(b"no database" * 1000)
    with pytest.raises(ArtifactError, match="cannot be read"):
        log.is_last(state)
    log.path.write_bytes(whole)
    assert log.generation() == state.generation
    assert not log.is_last(state), "it may be another one"
    assert log.is_last(log.read())
    assert len(opened) == 2


def test_threads_look_at_once_while_another_commits(log: CommitLog) -> None:
    def look(_: int) -> list[int]:
        return [log.generation() for _ in range(50)]

    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(look, number) for number in range(4)]
        for _ in range(20):
            log.commit([])
        for one in looks:
            assert one.result() == sorted(one.result())
    assert log.generation() == 21


def test_a_forked_process_has_a_connection_of_its_own(log: CommitLog, opened: list[str]) -> None:
    state = log.read()
    begin, end = os.pipe()
    child = os.fork()
    if child == 0:  # what is raised here would run the other tests again
        said = b"failed"
        try:
            held, known = log.is_last(state), len(opened)
            log.commit([Live("a", 1)])
            said = b"%d %d %d %d" % (held, known, log.is_last(state), log.is_last(log.read()))
        finally:
            os.write(end, said)
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(begin, 100) == b"1 2 0 1"
    os.close(begin)
    os.close(end)
    assert not log.is_last(state)
    assert [one.name for one in log.read().segments] == ["a"]
    assert len(opened) == 1


def test_it_is_closed_with_the_last_who_could_look(tmp_path: Path) -> None:
    log = made(tmp_path / "c")
    assert log.generation() == 1
    path = log.path
    assert held_files(path) == 1
    del log
    gc.collect()
    assert held_files(path) == 0


def test_what_may_not_be_looked_at_is_said(log: CommitLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refused)  # root may look everywhere
    with pytest.raises(ArtifactError, match=r"log\.sqlite: cannot be read \(Permission denied\)"):
        log.generation()
