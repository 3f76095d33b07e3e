"""The commit log: which segments are live, which of their rows are dead, and what the collection is made with.

One SQLite file with a rollback journal and full synchronisation, of the journal's folder too, so that a commit that
was acknowledged outlives a loss of power; one transaction is one commit, so a kill leaves the state before it or the
state after it. Knows names, sizes and bitmaps of segments; refuses to know what stands in them, and how the file is
opened (`vizsla.collections.connection`).
"""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vizsla.collections.connection import ADVICE, Kept, LogFile
from vizsla.core.errors import ArtifactError, IncompatibleError
from vizsla.core.vectors import Bitmap

FILE = "log.sqlite"
FORMAT = 1
_NAME_MOST = 64
_APPLICATION = 0x565A534C  # "VZSL" in the header of the file
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE segments (place INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, dead BLOB);
CREATE TABLE pipelines (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
"""
_META = {"generation": int, "settings": dict, "schema": dict, "rerankers": dict, "next_segment": int}


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """A segment that is a part of the collection.

    Attributes:
        name: its folder's.
        size: rows, dead ones too.
        dead: (size,) which rows were deleted or replaced; None where none was.
    """

    name: str
    size: int
    dead: Bitmap | None = None

    @property
    def kept(self) -> int:
        """How many rows are not dead."""
        return self.size - (0 if self.dead is None else int(np.count_nonzero(self.dead)))


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """All that one commit left.

    Attributes:
        file: the number of the log's file among those that this log saw: a collection may be removed and made anew.
        generation: the number of the commit, rising.
        settings: what the collection was made with, as plain values.
        schema: the types of metadata fields, as plain values.
        segments: the live ones, in order of positions.
        pipelines: named pipelines as texts.
        rerankers: where the models of named rerankers are.
        next_segment: the number that no segment has had.
    """

    file: int
    generation: int
    settings: Mapping[str, Any]
    schema: Mapping[str, Any]
    segments: tuple[Live, ...]
    pipelines: Mapping[str, str]
    rerankers: Mapping[str, str]
    next_segment: int


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What a connection said of the last commit, and SQLite's number for the file as it was then."""

    kept: Kept
    version: int
    generation: int


class CommitLog:
    """The log of the collection in a folder; threads may share it.

    Args:
        folder: the collection's.

    Attributes:
        path: of the file.
    """

    def __init__(self, folder: str | Path) -> None:
        self._file = LogFile(Path(folder) / FILE)
        self.path = self._file.path
        self._last: _Look | None = None

    def create(self, settings: Mapping[str, Any], rerankers: Mapping[str, str] | None = None) -> None:
        """Begin a log with its first commit; what a killed creation left is begun again.

        Raises:
            ArtifactError: a log stands there, or it cannot be written.
        """
        with self._file.opened("rwc") as connection:
            connection.execute("BEGIN EXCLUSIVE")
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise ArtifactError(f"{self._file.folder}: a collection stands there; open it, or choose another place")
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {FORMAT}")
            first = {"generation": 1, "settings": dict(settings), "schema": {}, "next_segment": 1}
            first["rerankers"] = dict(rerankers or {})
            connection.executemany("INSERT INTO meta VALUES (?, ?)", [(k, _plain(v)) for k, v in first.items()])
            connection.execute("COMMIT")

    def generation(self) -> int:
        """The number of the last commit: the cheapest look.

        Raises:
            ArtifactError: no log, or one that cannot be read.
            IncompatibleError: of a newer release.
        """
        with self._file.kept() as kept:
            return self._look(kept)

    def is_last(self, state: State) -> bool:
        """Whether nothing was committed after a state, and no other collection made in its place; as cheap a look.

        Raises:
            ArtifactError: no log, or one that cannot be read.
            IncompatibleError: of a newer release.
        """
        with self._file.kept() as kept:
            return (kept.number, self._look(kept)) == (state.file, state.generation)

    def read(self) -> State:
        """What the last commit left, read in one transaction.

        Raises:
            ArtifactError: no log, or one that cannot be read.
            IncompatibleError: of a newer release.
        """
        with self._file.kept() as kept, self._reading(kept.connection) as connection:
            meta = _meta(connection)
            rows = connection.execute("SELECT name, size, dead FROM segments ORDER BY place").fetchall()
            pipelines = dict(connection.execute("SELECT name, text FROM pipelines ORDER BY name").fetchall())
            _check_texts(pipelines)
            number = kept.number
        live = tuple(self._live(*row) for row in rows)
        return State(
            file=number,
            generation=int(meta["generation"]),
            settings=meta["settings"],
            schema=meta["schema"],
            segments=live,
            pipelines=pipelines,
            rerankers=meta["rerankers"],
            next_segment=int(meta["next_segment"]),
        )

    def commit(
        self,
        segments: Sequence[Live],
        *,
        schema: Mapping[str, Any] | None = None,
        pipelines: Mapping[str, str] | None = None,
        rerankers: Mapping[str, str] | None = None,
        next_segment: int | None = None,
    ) -> None:
        """Make these the live segments, all at once; what is None stays as it is.

        Only the holder of the writer's lock may call it.

        Raises:
            ArtifactError: the log cannot be written; what it held is held still.
        """
        with self._file.opened("rw") as connection:
            self._check(connection)
            connection.execute("BEGIN IMMEDIATE")
            meta = _meta(connection)
            _store_segments(connection, segments)
            if pipelines is not None:
                connection.execute("DELETE FROM pipelines")
                connection.executemany("INSERT INTO pipelines VALUES (?, ?)", pipelines.items())
            changed: dict[str, object] = {"generation": meta["generation"] + 1}
            changed |= {} if schema is None else {"schema": dict(schema)}
            changed |= {} if rerankers is None else {"rerankers": dict(rerankers)}
            changed |= {} if next_segment is None else {"next_segment": next_segment}
            connection.executemany(
                "UPDATE meta SET value = ? WHERE key = ?", [(_plain(v), k) for k, v in changed.items()]
            )
            connection.execute("COMMIT")

    def verify(self) -> None:
        """Read the whole file and check its structure.

        Raises:
            ArtifactError: it is damaged.
        """
        # By a connection of its own: the one that is kept remembers pages.
        with self._file.opened(self._file.mode) as connection:
            self._check(connection)
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise ArtifactError(f"{self.path}: damaged ({found}); {ADVICE}")

    def _look(self, kept: Kept) -> int:
        """The generation, read again only where SQLite says that the file is another one than before."""
        version = kept.connection.execute("PRAGMA data_version").fetchone()[0]
        if self._last is None or self._last.kept is not kept or self._last.version != version:
            with self._reading(kept.connection) as connection:
                self._last = _Look(kept, version, int(_meta(connection)["generation"]))
        return self._last.generation

    @contextmanager
    def _reading(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        connection.execute("BEGIN")
        self._check(connection)
        yield connection
        connection.execute("COMMIT")

    def _check(self, connection: sqlite3.Connection) -> None:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        folder = self._file.folder
        if application == version == 0 and not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise ArtifactError(f"{folder}: its creation was broken off; create the collection again")
        if application != _APPLICATION:
            raise ArtifactError(f"{self.path}: found a database that is no commit log of vizsla; choose another folder")
        if version != FORMAT:
            found = f"found format {version} of a collection; this release reads {FORMAT}"
            raise IncompatibleError(f"{folder}: {found}: use the release that wrote it, or build it again")

    def _live(self, name: Any, size: Any, dead: Any) -> Live:
        try:
            named = isinstance(name, str) and name.isalnum() and len(name) <= _NAME_MOST
            plain = named and isinstance(size, int) and size >= 0
            if not plain:
                raise ValueError(f"the segment {name!r} of {size!r} rows")
            return Live(name, size, None if dead is None else _unpacked(dead, size))
        except (ValueError, TypeError, zlib.error) as error:
            raise ArtifactError(f"{self.path}: found {error}; altered since it was written: {ADVICE}") from error


def _store_segments(connection: sqlite3.Connection, segments: Sequence[Live]) -> None:
    """Bring the table to these segments, touching only rows that change."""
    found = connection.execute("SELECT place, name, dead FROM segments").fetchall()
    held = {name: (place, dead) for place, name, dead in found}
    wanted = {one.name: (place, _packed(one.dead)) for place, one in enumerate(segments)}
    gone = [(name,) for name, (place, _) in held.items() if wanted.get(name, (None,))[0] != place]
    connection.executemany("DELETE FROM segments WHERE name = ?", gone)
    for one in segments:
        place, dead = wanted[one.name]
        if one.name not in held or held[one.name][0] != place:
            connection.execute("INSERT INTO segments VALUES (?, ?, ?, ?)", (place, one.name, one.size, dead))
        elif held[one.name][1] != dead:
            connection.execute("UPDATE segments SET dead = ? WHERE name = ?", (dead, one.name))


def _packed(dead: Bitmap | None) -> bytes | None:
    """A bitmap as bytes: few dead rows among a million take a few kilobytes."""
    return zlib.compress(np.packbits(dead).tobytes(), 1) if dead is not None and dead.any() else None


def _unpacked(stored: bytes, size: int) -> Bitmap:
    packed, wanted = zlib.decompressobj(), (size + 7) // 8
    bits = np.frombuffer(packed.decompress(stored, wanted + 1), np.uint8)  # little may stand for more than memory holds
    if len(bits) != wanted or not packed.eof:
        raise ValueError(f"{len(bits)} bytes of dead rows for {size} rows")
    dead: Bitmap = np.unpackbits(bits, count=size).astype(np.bool_)
    dead.flags.writeable = False
    return dead


def _meta(connection: sqlite3.Connection) -> dict[str, Any]:
    found = {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM meta")}
    if wrong := [key for key, kind in _META.items() if not isinstance(found.get(key), kind)]:
        raise ValueError(f"'{wrong[0]}' is {found.get(wrong[0])!r}")
    _check_texts(found["rerankers"])
    return found


def _check_texts(named: Mapping[str, Any]) -> None:
    if wrong := [one for one in named.values() if not isinstance(one, str)]:
        raise ValueError(f"found {wrong[0]!r} where a text would be")


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
