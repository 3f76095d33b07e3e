"""The commit log: what was committed is read back, and what cannot be is said."""

import sqlite3
import stat
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizsla.collections.log import FORMAT, CommitLog, Live
from vizsla.core.errors import ArtifactError, IncompatibleError


@pytest.fixture
def log(tmp_path: Path) -> CommitLog:
    made = CommitLog(tmp_path)
    made.create({"encoders": []})
    return made


def alter(log: CommitLog, statement: str) -> None:
    with sqlite3.connect(log.path) as connection:
        connection.execute(statement)
    connection.close()


def shown(log: CommitLog) -> list[tuple[str, int, list[int]]]:
    return [
        (one.name, one.size, [] if one.dead is None else np.flatnonzero(one.dead).tolist())
        for one in log.read().segments
    ]


def test_a_new_log_holds_its_settings_and_nothing_else(log: CommitLog) -> None:
    state = log.read()
    assert (state.generation, state.settings, state.schema) == (1, {"encoders": []}, {})
    assert (state.segments, state.pipelines, state.rerankers, state.next_segment) == ((), {}, {}, 1)


def test_before_a_commit_full_synchronisation_is_asked_for_and_no_schema_trusted(
    log: CommitLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    connect = sqlite3.connect

    def overheard(place: str, **settings: Any) -> sqlite3.Connection:
        opened: sqlite3.Connection = connect(place, **settings)
        opened.set_trace_callback(said.append)
        return opened

    monkeypatch.setattr(sqlite3, "connect", overheard)
    CommitLog(log.path.parent).commit([Live("a", 1)])
    before = said[: said.index("BEGIN IMMEDIATE")]
    assert {"PRAGMA synchronous = EXTRA", "PRAGMA trusted_schema = OFF"} <= set(before)


def test_segments_keep_their_order_and_their_dead_rows(log: CommitLog) -> None:
    dead = np.arange(19) % 5 == 0
    log.commit([Live("a", 3), Live("b", 19, dead)], next_segment=7)
    assert shown(log) == [("a", 3, []), ("b", 19, [0, 5, 10, 15])]
    log.commit([Live("c", 5), Live("b", 19, dead)])
    assert shown(log) == [("c", 5, []), ("b", 19, [0, 5, 10, 15])]
    log.commit([Live("b", 19), Live("d", 1)])
    assert shown(log) == [("b", 19, []), ("d", 1, [])]
    assert (log.generation(), log.read().next_segment) == (4, 7)
    log.commit([])
    assert shown(log) == []


def test_a_dead_row_is_counted_out(log: CommitLog) -> None:
    assert Live("b", 4, np.array([True, False, False, True])).kept == 2
    assert Live("b", 4).kept == 4


def test_what_is_not_named_stays(log: CommitLog) -> None:
    log.commit([Live("a", 1)], schema={"year": "number"}, pipelines={"best": "bm25"}, rerankers={"r": "place"})
    log.commit([Live("a", 1)])
    state = log.read()
    assert (state.schema, state.pipelines, state.rerankers) == ({"year": "number"}, {"best": "bm25"}, {"r": "place"})
    log.commit([], pipelines={})
    assert log.read().pipelines == {}


def test_a_second_creation_is_refused(log: CommitLog, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="a collection stands there"):
        CommitLog(tmp_path).create({})


def test_a_folder_without_a_log_is_no_collection(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no collection"):
        CommitLog(tmp_path).read()
    with pytest.raises(ArtifactError, match="is not there"):
        CommitLog(tmp_path / "none").read()


def test_a_creation_broken_off_is_said_and_can_be_done_again(tmp_path: Path) -> None:
    log = CommitLog(tmp_path)
    log.path.touch()
    with pytest.raises(ArtifactError, match="broken off"):
        log.read()
    log.create({})
    assert log.generation() == 1


def test_a_newer_format_is_refused(log: CommitLog) -> None:
    alter(log, f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(IncompatibleError, match=f"format {FORMAT + 1} of a collection; this release reads {FORMAT}"):
        log.read()


def test_another_database_is_refused(log: CommitLog) -> None:
    alter(log, "PRAGMA application_id = 7")
    with pytest.raises(ArtifactError, match="no commit log of vizsla"):
        log.read()


@pytest.mark.parametrize(
    "content", [b"no database, but long enough to be one" * 40, b"SQLite format 3\0" + b"\7" * 4096]
)
def test_a_file_that_is_no_database_is_said(log: CommitLog, content: bytes) -> None:
    log.path.write_bytes(content)
    for look in (log.read, log.generation, log.verify):
        with pytest.raises(ArtifactError, match=r"log\.sqlite: cannot be read"):
            look()


def test_a_log_with_a_damaged_page_does_not_verify(log: CommitLog) -> None:
    log.commit([Live(f"s{number}", 100) for number in range(500)])
    log.verify()
    content = bytearray(log.path.read_bytes())
    content[-3000:-2000] = b"\xff" * 1000
    log.path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"damaged|cannot be read"):
        log.verify()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE segments SET name = '../outside'",
        "UPDATE segments SET name = replace(hex(zeroblob(1000)), '00', 'x')",
        "UPDATE segments SET size = -1",
        "UPDATE segments SET size = 'many'",
        "UPDATE segments SET size = 1000",
        "UPDATE segments SET dead = x'00'",
        "UPDATE segments SET dead = 'text'",
        "UPDATE segments SET dead = substr(dead, 1, length(dead) - 4)",
    ],
)
def test_an_altered_row_is_said(log: CommitLog, statement: str) -> None:
    log.commit([Live("a", 10, np.arange(10) == 3)])
    alter(log, statement)
    with pytest.raises(ArtifactError, match="altered since it was written"):
        log.read()


def test_dead_rows_that_would_fill_memory_are_refused(log: CommitLog) -> None:
    log.commit([Live("a", 10, np.arange(10) == 3)])
    with sqlite3.connect(log.path) as connection:
        connection.execute("UPDATE segments SET dead = ?", (zlib.compress(bytes(64 << 20)),))
    connection.close()
    tracemalloc.start()
    with pytest.raises(ArtifactError, match="bytes of dead rows for 10 rows"):
        log.read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM meta",
        "UPDATE meta SET value = '{'",
        "UPDATE meta SET value = replace(hex(zeroblob(50000)), '0', '[')",
        "UPDATE meta SET value = '{\"m\": 5}' WHERE key = 'rerankers'",
        "INSERT INTO pipelines VALUES ('default', x'00')",
        "DROP TABLE segments",
    ],
)
def test_a_log_without_its_parts_is_said(log: CommitLog, statement: str) -> None:
    alter(log, statement)
    with pytest.raises(ArtifactError, match=r"log\.sqlite"):
        log.read()


def test_a_read_only_log_is_read(log: CommitLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.commit([Live("a", 1)])
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everything
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert shown(log) == [("a", 1, [])]
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_what_a_killed_writer_left_is_rolled_back(log: CommitLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.commit([Live("a", 1)])
    whole = log.path.read_bytes()
    connection = sqlite3.connect(log.path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("BEGIN EXCLUSIVE")
    connection.executemany("INSERT INTO pipelines VALUES (?, ?)", [(str(n), "x" * 500) for n in range(2000)])
    half, journal = log.path.read_bytes(), log.path.with_name("log.sqlite-journal").read_bytes()
    connection.execute("ROLLBACK")
    connection.close()
    assert half != whole, "nothing was half written"
    log.path.write_bytes(half)
    log.path.with_name("log.sqlite-journal").write_bytes(journal)
    with monkeypatch.context() as patch:
        patch.setattr("os.access", lambda path, mode: False)
        with pytest.raises(ArtifactError, match="killed writer left a journal"):
            log.read()
    assert shown(log) == [("a", 1, [])]
    assert not log.read().pipelines
    log.verify()
