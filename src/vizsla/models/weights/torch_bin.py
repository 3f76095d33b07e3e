"""torch's zip files (`pytorch_model.bin`) without torch: a pickle read as data, and raw storages as views.

Refuses compressed entries, tensors larger than their storage and every global that no state dict needs. Files from
before torch 1.6 have no zip around them; `torch_old` reads them.
"""

import struct
import zipfile
from pathlib import Path

from vizsla.core.errors import ArtifactError
from vizsla.models.weights import tensors, torch_old
from vizsla.models.weights.numbers import Array
from vizsla.models.weights.places import mapped
from vizsla.models.weights.unpickling import read as unpickled

_LOCAL_HEADER = 30
_CONVERT = "convert it where torch is: torch.save(torch.load(path, weights_only=True), path)"


def read(path: str | Path) -> dict[str, Array]:
    """Every tensor of a file by its key.

    Raises:
        ArtifactError: not this format, cut short, compressed, or a global that no state dict needs.
    """
    path = Path(path)
    content = mapped(path)
    if torch_old.is_old(content):
        return torch_old.read(content, path)
    archive = _Archive(content, path)
    return tensors.kept(unpickled(archive.entry("data.pkl"), path, tensors.table(archive.storage)), path)


class _Archive:
    """The entries of torch's zip, as views of the mapped file."""

    def __init__(self, content: memoryview, path: Path) -> None:
        self._path = path
        self._content = content
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

    def storage(self, key: str, kind: str, count: int) -> tensors.Storage:
        """The numbers under a key."""
        raw = self.entry(f"data/{key}")
        size = tensors.dtype(kind, self._order).itemsize
        if len(raw) != count * size:
            found = f"{len(raw)} bytes of storage '{key[:50]}'"
            raise ArtifactError(f"{self._path}: found {found}; wanted {count} numbers of {size}: fetch again")
        return tensors.numbers(raw, kind, self._order)
