"""Files that torch wrote before 1.6, and still writes on demand: five pickles, then the storages one after another.

The pickles: a magic number, a version, the machine's sizes, the state dict, the keys of its storages in the order of
the file. Each storage: an int64 with how many numbers there are, then the numbers. Refuses files of big-endian
machines, storages cut short and views of storages, which torch left behind before 0.4.
"""

from pathlib import Path
from typing import Any

from vizsla.core.errors import ArtifactError
from vizsla.models.weights import tensors
from vizsla.models.weights.numbers import Array
from vizsla.models.weights.unpickling import Machine, Table

_MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_VERSION = 1001
_COUNT = 8


def is_old(content: memoryview) -> bool:
    """Whether a file is of this format."""
    return bytes(content[: len(_MAGIC)]) == _MAGIC


def read(content: memoryview, path: Path) -> dict[str, Array]:
    """Every tensor of a file by its key.

    Raises:
        ArtifactError: cut short, another version, or a global that no state dict needs.
    """
    at = _checked_start(content, path)
    kinds: dict[str, tuple[str, int]] = {}
    _, after = _pickle(content, path, at, _noting(kinds))
    keys, after = _pickle(content, path, after, Table({}))
    if not isinstance(keys, list) or sorted(map(str, keys)) != sorted(kinds):
        raise ArtifactError(f"{path}: found other storages than its tensors name; wanted the same: fetch it again")
    storages = _storages(content[after:], path, {key: kinds[key] for key in keys})
    root, _ = _pickle(content, path, at, tensors.table(lambda key, _kind, _count: storages[key]))
    return tensors.kept(root, path)


def _checked_start(content: memoryview, path: Path) -> int:
    """Where the state dict begins."""
    version, at = _pickle(content, path, len(_MAGIC), Table({}))
    machine, at = _pickle(content, path, at, Table({}))
    if version != _VERSION or not isinstance(machine, dict) or machine.get("little_endian") is not True:
        found = f"version {str(version)[:50]} and {str(machine)[:100]}"
        raise ArtifactError(f"{path}: found {found}; wanted version {_VERSION} of a little-endian machine")
    return at


def _pickle(content: memoryview, path: Path, at: int, table: Table) -> tuple[Any, int]:
    """The value of one pickle, and where the next begins."""
    machine = Machine(content, path, table, at)
    return machine.run(), machine.at


def _noting(kinds: dict[str, tuple[str, int]]) -> Table:
    """What notes the storages that are named, and builds no tensor: the numbers stand behind the pickle."""

    def note(key: str, kind: str, count: int) -> None:
        if count < 0 or kinds.setdefault(key, (kind, count)) != (kind, count):
            raise ValueError(f"the storage '{key[:50]}' in two sizes")

    whole = tensors.table(note)
    builders = {name: _nothing for name in whole.globals if name.startswith("torch._utils ")}
    return Table({**whole.globals, **builders}, whole.persistent)


def _nothing(*_: object) -> None:
    return None


def _storages(content: memoryview, path: Path, kinds: dict[str, tuple[str, int]]) -> dict[str, tensors.Storage]:
    found, at = {}, 0
    for key, (kind, count) in kinds.items():
        size = count * tensors.dtype(kind).itemsize
        begin, at = at + _COUNT, at + _COUNT + size
        if at > len(content) or int.from_bytes(content[begin - _COUNT : begin], "little") != count:
            where = f"the storage '{key[:50]}' of {count} numbers"
            raise ArtifactError(f"{path}: found {where} cut short or of another size; wanted it whole: fetch it again")
        found[key] = tensors.numbers(content[begin:at], kind)
    if at != len(content):
        raise ArtifactError(f"{path}: found {len(content) - at} bytes behind the storages; wanted none: fetch it again")
    return found
