"""Files inside a model's folder: paths that cannot leave it, JSON of a bounded size, bytes mapped not copied.

Knows which file an array is a view of. Refuses to know what the files mean.
"""

import json
import mmap
import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from vizsla.core.errors import ArtifactError
from vizsla.models.weights.numbers import Array

_LARGEST_JSON = 64 << 20
_LONGEST_NAME = 255


class Identity(NamedTuple):
    """What a file's content cannot change without: its place, size, and times of change and of status."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


_MAPPED: WeakKeyDictionary[mmap.mmap, tuple[int, Identity]] = WeakKeyDictionary()
"""The files that are mapped now: where in memory, and which."""


def inside(folder: Path, name: object, *, said_by: Path) -> Path:
    """A path that a file of the folder names, if it stays in the folder.

    Links are followed: the cache of a hub is made of them.

    Raises:
        ArtifactError: no text, an absolute path, or one that climbs out.
    """
    if not isinstance(name, str) or "\0" in name or not _stays(name):
        raise ArtifactError(f"{said_by}: found the path {str(name)[:200]!r}; wanted one inside {folder}: correct it")
    return folder / name


def _stays(name: str) -> bool:
    windows = PureWindowsPath(name)
    if any(len(part.encode("utf-8", "surrogatepass")) > _LONGEST_NAME for part in windows.parts):
        return False  # no file system has it, and some raise where they are only asked
    absolute = PurePosixPath(name).is_absolute() or windows.drive or windows.root
    return not absolute and ".." not in windows.parts


def read_json(path: Path) -> dict[str, Any]:
    """The object of a JSON file.

    Raises:
        ArtifactError: no file, too large, or no object.
    """
    value = _json(path)
    if not isinstance(value, dict):
        raise ArtifactError(f"{path}: found a {type(value).__name__}; wanted an object: fetch the model again")
    return value


def read_json_list(path: Path) -> list[Any]:
    """The list of a JSON file.

    Raises:
        ArtifactError: no file, too large, or no list.
    """
    value = _json(path)
    if not isinstance(value, list):
        raise ArtifactError(f"{path}: found a {type(value).__name__}; wanted a list: fetch the model again")
    return value


def _json(path: Path) -> Any:
    try:
        size = path.stat().st_size
        if size > _LARGEST_JSON:
            raise ArtifactError(f"{path}: found {size} bytes of settings; wanted at most {_LARGEST_JSON}")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror}); fetch the model again") from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: found no JSON ({error}); wanted settings: fetch the model again") from error


def read_optional_json(path: Path) -> dict[str, Any]:
    """The object of a JSON file, empty where there is none."""
    return read_json(path) if path.is_file() else {}


def mapped(path: Path) -> memoryview:
    """The bytes of a file, mapped read-only.

    Raises:
        ArtifactError: no file, or an empty one.
    """
    try:
        with path.open("rb") as file:
            found = identity(os.fstat(file.fileno()))
            made = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); fetch the model again") from error
    _MAPPED[made] = _address(np.frombuffer(made, np.uint8)), found
    return memoryview(made)


def identity(status: os.stat_result) -> Identity:
    """A file's identity by its status."""
    return Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def origin(array: Array) -> tuple[Identity, int] | None:
    """The mapped file that an array is a view of, and where in it the array begins; None of an array in memory."""
    at = _address(array)
    for start, found in list(_MAPPED.values()):
        if start <= at < start + found.size:
            return found, at - start
    return None


def _address(array: Array) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
