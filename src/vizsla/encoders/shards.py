"""Unfinished vectors: arrays that grow shard by shard and survive a kill at any moment.

Beside the place of the artifact stands a folder `.NAME.encoding` with the arrays so far and `progress.json`, which
says how far they are whole. Bytes reach the disk before the progress that counts them; whatever lies behind it is
thrown away when the work is taken up again. Knows files; refuses to know what is encoded.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ArtifactError, IncompatibleError, OverloadedError

_PROGRESS = "progress.json"
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Column:
    """One array that grows: its name, its type, and its width where it has two axes."""

    name: str
    dtype: str
    width: int = 0

    def header(self, file: Any, size: int) -> None:
        """Write the header of `size` rows, whose length is the same for every size."""
        shape = (size, self.width) if self.width else (size,)
        np.lib.format.write_array_header_1_0(file, {"descr": self.dtype, "fortran_order": False, "shape": shape})

    def row_bytes(self) -> int:
        """Bytes of one row."""
        return np.dtype(self.dtype).itemsize * (self.width or 1)


class Shards:
    """Arrays under way; made by `taken_up`.

    Attributes:
        done: how many texts are on the disk.
        counts: what else is counted, by name.
    """

    def __init__(self, folder: Path, columns: tuple[Column, ...], what: Mapping[str, object]) -> None:
        self._folder, self._columns, self._what = folder, columns, dict(what)
        self.done = 0
        self.counts: dict[str, int] = {}
        self._rows = {column.name: 0 for column in columns}
        if (folder / _PROGRESS).is_file():
            self._resume()
        else:
            self._begin()

    def rows(self, name: str) -> int:
        """How many rows an array has."""
        return self._rows[name]

    def append(self, arrays: Mapping[str, npt.NDArray[Any]], *, texts: int, counts: Mapping[str, int]) -> None:
        """Put a shard on the disk: all of it counts, or none.

        Args:
            arrays: further rows by the arrays' names.
            texts: how many texts they are of.
            counts: what to add to `counts`.
        """
        for column in self._columns:
            rows = np.ascontiguousarray(arrays[column.name], dtype=column.dtype)
            with self._path(column).open("ab") as file:
                file.write(rows.data)
                _flush(file)
            self._rows[column.name] += len(rows)
        self.done += texts
        self.counts = {name: self.counts.get(name, 0) + more for name, more in counts.items()}
        self._record()

    def finish(self, into: Path) -> None:
        """Write how many rows there are into the headers and stand the files in a folder of the same disk."""
        for column in self._columns:
            with self._path(column).open("r+b") as file:
                column.header(file, self._rows[column.name])
                _flush(file)
            try:
                os.link(self._path(column), into / self._path(column).name)
            except OSError:  # a file system without hard links
                shutil.copyfile(self._path(column), into / self._path(column).name)

    def _path(self, column: Column) -> Path:
        return self._folder / f"{column.name}.npy"

    def _begin(self) -> None:
        for column in self._columns:
            with self._path(column).open("wb") as file:
                column.header(file, 0)
                _flush(file)
        self._record()

    def _resume(self) -> None:
        path = self._folder / _PROGRESS
        try:
            said = json.loads(path.read_bytes())
            what, done, rows, counts = said["what"], said["done"], said["rows"], said["counts"]
            differs = ", ".join(sorted(name for name in self._what if what.get(name) != self._what[name]))
            numbers = [done, *rows.values(), *counts.values()]
            whole = differs or rows.keys() == self._rows.keys()
            if not whole or not all(type(one) is int and one >= 0 for one in numbers):
                raise ValueError("an entry is not of its type")
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtifactError(f"{path}: not a record of progress ({error}); remove {self._folder}") from error
        if differs:
            raise IncompatibleError(
                f"{self._folder}: found work begun with another {differs}; go on with the same, or remove the folder"
            )
        self.done, self._rows, self.counts = done, rows, counts
        for column in self._columns:
            self._shorten(column)

    def _shorten(self, column: Column) -> None:
        """Throw away what was written behind the last progress."""
        path = self._path(column)
        try:
            with path.open("r+b") as file:
                column.header(file, 0)
                wanted = file.tell() + self._rows[column.name] * column.row_bytes()
                found = path.stat().st_size
                if found >= wanted:
                    file.truncate(wanted)
        except OSError as error:
            raise ArtifactError(f"{path}: cannot be read ({error.strerror}); remove {self._folder}") from error
        if found < wanted:
            raise ArtifactError(f"{path}: found {found} bytes; wanted {wanted}; remove {self._folder}")

    def _record(self) -> None:
        said = {"what": self._what, "done": self.done, "rows": self._rows, "counts": self.counts}
        path = self._folder / _PROGRESS
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(json.dumps(said, indent=1).encode())
            _flush(file)
        os.rename(fresh, path)
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def taken_up(target: Path, columns: tuple[Column, ...], what: Mapping[str, object]) -> Iterator[Shards]:
    """The arrays that belong to an artifact's place, begun or taken up; removed when the block ends without an error.

    Args:
        target: where the artifact will stand.
        columns: the arrays.
        what: everything that must be the same to go on.

    Raises:
        OverloadedError: another process is at it.
        IncompatibleError: work begun with something else.
        ArtifactError: work that is not whole, or a place that cannot be written.
    """
    folder = target.parent / f".{target.name}.encoding"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK).open("wb")
    except OSError as error:
        raise ArtifactError(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OverloadedError(f"{target}: another process is encoding to this place; wait for it") from None
        yield Shards(folder, columns, what)
        shutil.rmtree(folder, ignore_errors=True)


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
