"""The connection to the commit log: one kept for looks, and one of its own for each change.

A look asks the connection that is there, which costs a hundredth of opening one. It is made again where another file
stands at the path, after an error, and in a forked process, which must not touch its parent's. Only SQLite opens the
file: its locks are the process's, and any other `close` of the file would drop them. Refuses to know the tables.
"""

import os
import sqlite3
import stat
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import quote

from vizsla.core.errors import ArtifactError

ADVICE = "restore the collection from a copy, or build it again from its texts"
_PATIENCE_S = 60.0
_inherited: list[sqlite3.Connection] = []
"""Connections of a parent process: SQLite asks a child not even to close them."""

Mode: TypeAlias = Literal["rwc", "rw", "ro"]


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """The connection for looks.

    Attributes:
        connection: in no transaction.
        number: of the file that it reads: another one where the file was replaced since, or may have been.
        place: the process, and the file's device and number there.
        close: closes it, at the latest when nobody can look any more.
    """

    connection: sqlite3.Connection
    number: int
    place: tuple[int, int, int]
    close: "weakref.finalize[[sqlite3.Connection, int], LogFile]"


class LogFile:
    """The file of a commit log; threads may share it.

    Args:
        path: where it stands in the folder of its collection.
    """

    def __init__(self, path: Path) -> None:
        self.folder, self.path = path.parent, path
        self._lock = threading.Lock()
        self._kept: Kept | None = None
        self._files = 0

    @contextmanager
    def opened(self, mode: Mode) -> Iterator[sqlite3.Connection]:
        """A connection of its own, closed behind the `with` block.

        Raises:
            ArtifactError: no file where none may be created, or one that cannot be read or written.
        """
        if mode != "rwc":
            self._identity()
        with self._told(), closing(self._connected(mode)) as connection:
            yield connection

    @contextmanager
    def kept(self) -> Iterator[Kept]:
        """The connection for looks, one at a time; after an error it is not kept.

        Raises:
            ArtifactError: no file, or one that cannot be read.
        """
        with self._lock, self._told(), ExitStack() as broken:
            broken.callback(self._drop)
            yield self._current()
            broken.pop_all()

    @property
    def mode(self) -> Mode:
        """How to open it for reading: who may write rolls back what a killed writer left half done."""
        return "rw" if os.access(self.folder, os.W_OK) and os.access(self.path, os.W_OK) else "ro"

    def _current(self) -> Kept:
        place = (os.getpid(), *self._identity())
        if self._kept is None or self._kept.place != place:
            same = self._kept is not None and self._kept.place[1:] == place[1:]
            connection = self._connected(self.mode)
            self._drop()  # only now, so that no new file could get the number of the one before
            self._files += not same
            close = weakref.finalize(self, _close, connection, os.getpid())
            self._kept = Kept(connection, self._files, place, close)
        return self._kept

    def _drop(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _identity(self) -> tuple[int, int]:
        """The device and the number of the file that stands there now."""
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):
            found = None
        except OSError as error:
            raise ArtifactError(f"{self.path}: cannot be read ({error.strerror}); look who may read it") from error
        if found is None or not stat.S_ISREG(found.st_mode):
            what = "holds no collection" if self.folder.is_dir() else "is not there"
            raise ArtifactError(f"{self.folder}: {what}; wanted a folder made by Collection.create or `vizsla create`")
        return found.st_dev, found.st_ino

    def _connected(self, mode: Mode) -> sqlite3.Connection:
        place = f"file:{quote(os.fspath(self.path.absolute()))}?mode={mode}"
        # Several threads may use one, though never at once.
        connection = sqlite3.connect(
            place, uri=True, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
        )
        with ExitStack() as broken:
            broken.callback(connection.close)
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("PRAGMA trusted_schema = OFF")
            broken.pop_all()
        return connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, OverflowError, RecursionError) as error:
            raise ArtifactError(f"{self.path}: {_said(error)}") from error


def _close(connection: sqlite3.Connection, process: int) -> None:
    if os.getpid() == process:
        connection.close()
    else:
        _inherited.append(connection)


def _said(error: Exception) -> str:
    """What to do about an error of SQLite."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return f"held by another process for more than {_PATIENCE_S:.0f} s; try again when it rests"
    if "full" in text or "disk I/O" in text:
        return f"cannot be written ({text}); make room on the disk and try again: what was committed is whole"
    if "readonly" in text:
        return (
            f"cannot be written ({text}); where a killed writer left a journal beside it, open the collection once "
            "where it may be written"
        )
    return f"cannot be read ({text}); {ADVICE}"
