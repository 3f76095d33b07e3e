"""torch's zip files (`pytorch_model.bin`) without torch: a pickle read as data, and raw storages as views.

Knows state dicts of tensors and parameters. Refuses compressed entries, tensors larger than their storage, every
other global, and the files that torch wrote before 1.6, which have no zip around them.
"""

import math
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from vizsla.core.errors import ArtifactError
from vizsla.models.weights.numbers import Array, widened
from vizsla.models.weights.pdparams import ordered
from vizsla.models.weights.places import mapped
from vizsla.models.weights.unpickling import Call, Named, Table
from vizsla.models.weights.unpickling import read as unpickled

_TYPES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": "u2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "UntypedStorage": "u1",
    "BoolStorage": "?",
}
_BRAIN = "BFloat16Storage"
_LOCAL_HEADER = 30
_OLD = (b"\x80\x02\x8a\x0a", b"\x80\x02}", b"\x80\x02c")
_CONVERT = "convert it where torch is: torch.save(torch.load(path, weights_only=True), path)"


def read(path: str | Path) -> dict[str, Array]:
    """Every tensor of a file by its key.

    Raises:
        ArtifactError: not this format, cut short, compressed, or a global that no state dict needs.
    """
    path = Path(path)
    archive = _Archive(path)
    root = unpickled(archive.entry("data.pkl"), path, Table(_globals(), archive.storage))
    if isinstance(root, dict) and isinstance(root.get("state_dict"), dict):
        root = root["state_dict"]
    if not isinstance(root, dict):
        raise ArtifactError(f"{path}: found a {type(root).__name__}; wanted a dict of names to tensors")
    return {key: value for key, value in root.items() if isinstance(key, str) and isinstance(value, np.ndarray)}


class _Archive:
    """The entries of torch's zip, as views of the mapped file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = mapped(path)
        try:
            with zipfile.ZipFile(path) as opened:
                self._entries = {entry.filename: entry for entry in opened.infolist()}
        except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, struct.error) as error:
            raise self._no_zip(error) from error
        roots = [name.removesuffix("/data.pkl") for name in self._entries if name.endswith("/data.pkl")]
        if len(roots) != 1 or f"{roots[0]}/constants.pkl" in self._entries:
            raise ArtifactError(f"{path}: found a zip without one data.pkl; wanted a state dict that torch saved")
        self._root = roots[0]
        self._order = ">" if self._has("byteorder") and bytes(self.entry("byteorder")) == b"big" else "<"

    def _no_zip(self, error: Exception) -> ArtifactError:
        if bytes(self._content[:4]).startswith(_OLD):
            return ArtifactError(f"{self._path}: found a file of torch before 1.6; wanted its zip format: {_CONVERT}")
        if bytes(self._content[:40]).startswith(b"version https://git-lfs"):
            return ArtifactError(f"{self._path}: found a pointer to the file; wanted the file: run git lfs pull")
        return ArtifactError(f"{self._path}: found no whole zip ({error}); wanted torch's: fetch it again")

    def _has(self, name: str) -> bool:
        return f"{self._root}/{name}" in self._entries

    def entry(self, name: str) -> memoryview:
        """The bytes of one entry."""
        found = self._entries.get(f"{self._root}/{name}")
        if found is None:
            raise ArtifactError(f"{self._path}: found no entry '{name[:100]}'; wanted it whole: fetch it again")
        if found.compress_type != zipfile.ZIP_STORED or found.flag_bits & 1:
            said = f"the entry '{name[:100]}' compressed or encrypted ({found.file_size} bytes once unpacked)"
            raise ArtifactError(f"{self._path}: found {said}; wanted it stored, as torch does: {_CONVERT}")
        at = found.header_offset
        header = self._content[at : at + _LOCAL_HEADER]
        begin = at + _LOCAL_HEADER + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        if bytes(header[:4]) != b"PK\x03\x04" or begin + found.file_size > len(self._content):
            raise ArtifactError(f"{self._path}: found the entry '{name[:100]}' cut short; wanted it whole")
        return self._content[begin : begin + found.file_size]

    def storage(self, reference: Any) -> tuple[Array, bool]:
        """The numbers that a persistent id stands for, and whether they are bfloat16."""
        word, kind, key, _, count = reference
        if word != "storage" or not isinstance(kind, Named) or not isinstance(key, str):
            raise TypeError("a reference to no storage")
        raw = self.entry(f"data/{key}")
        dtype = np.dtype(self._order + _TYPES[kind.name])
        if type(count) is not int or len(raw) != count * dtype.itemsize:
            found = f"{len(raw)} bytes of storage '{key[:50]}'"
            raise ArtifactError(f"{self._path}: found {found}; wanted {count} numbers of {dtype.itemsize}: fetch again")
        return np.frombuffer(raw, dtype=dtype), kind.name == _BRAIN


def _globals() -> dict[str, Call | Named]:
    table: dict[str, Call | Named] = {
        "collections OrderedDict": ordered,
        "torch._utils _rebuild_tensor_v2": _tensor,
        "torch._utils _rebuild_parameter": _parameter,
    }
    for name in _TYPES:
        table |= {f"torch {name}": Named(name), f"torch.storage {name}": Named(name)}
    return table


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: object) -> Array:
    """A tensor as a view of its storage; never larger than it."""
    numbers, brain = storage
    whole = [offset, *size, *stride]
    if len(size) != len(stride) or not all(type(n) is int and n >= 0 for n in whole):
        raise ValueError(f"a tensor of size {size} and strides {stride}")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if math.prod(size) > len(numbers) or (math.prod(size) and last >= len(numbers)):
        raise ValueError(f"a tensor of size {size} in a storage of {len(numbers)}")
    steps = [step * numbers.itemsize for step in stride]
    start = numbers[offset if math.prod(size) else 0 :]
    return widened(np.lib.stride_tricks.as_strided(start, size, steps, writeable=False), brain=brain)


def _parameter(data: Any, *_: object) -> Array:
    if not isinstance(data, np.ndarray):
        raise TypeError("a parameter without a tensor")
    return data
