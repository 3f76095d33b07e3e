"""Packs: what a small segment holds, in one file, for every file costs a flush at a commit and a map at an opening.

A pack is filled in memory with what a segment's folder would hold: artifacts, each with its kind and settings, and
their arrays. It can be read as it is, or written and mapped whole (docs/formats/changing-collection.md). Refuses to
know what the arrays mean.
"""

import io
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from vizsla.core.artifacts import Artifact, Draft
from vizsla.core.errors import ArtifactError

NAME = "segment.pack"
_ALIGNED = 64
_LENGTH = 8
"""Bytes at the end that say how long the directory before them is."""
_PLAIN = re.compile(r"[<|][biuf][1248]")
"""The types of arrays that are stored, as numpy writes them: little-endian numbers and booleans."""
_MOST = 1 << 48


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """Artifacts in one file, or on their way there.

    Attributes:
        path: where it stands, or will.
        made: kind, format and settings of each artifact, by its place; the outermost one's is empty.
        arrays: by the place of their artifact and their name.
    """

    path: Path
    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    arrays: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def root(self) -> "Packed":
        """The outermost artifact's place."""
        return Packed(self, "")

    def write(self, path: Path) -> None:
        """Store it: arrays by name, then the directory."""
        places = {}
        with path.open("wb") as file:
            for name in sorted(self.arrays):
                values = self.arrays[name]
                places[name] = (values.dtype.str, values.shape, file.tell())
                file.write(np.ascontiguousarray(values).data)
                file.write(bytes(-file.tell() % _ALIGNED))
            made = {place: self.made[place] for place in sorted(self.made)}
            directory = json.dumps({"artifacts": made, "arrays": places}, ensure_ascii=False).encode()
            file.write(directory + len(directory).to_bytes(_LENGTH, "little"))

    @classmethod
    def read(cls, path: Path) -> "Pack":
        """Map a stored one.

        Raises:
            ArtifactError: a directory that does not fit the file.
        """
        try:
            data = np.memmap(path, np.uint8, mode="r").view(np.ndarray)
            length = int.from_bytes(data[-_LENGTH:].tobytes(), "little")
            if length > len(data) - _LENGTH:
                raise ValueError(f"a directory of {length} bytes in {len(data)}")
            end = len(data) - _LENGTH - length
            directory = json.loads(data[end:-_LENGTH].tobytes())
            made = {place: _checked(one) for place, one in directory["artifacts"].items()}
            arrays = {name: _view(data[:end], *place) for name, place in directory["arrays"].items()}
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            found = f"a directory that does not fit the file ({type(error).__name__}: {error})"
            raise ArtifactError(f"{path}: found {found}; altered since it was written: build it again") from error
        return cls(path, made, arrays)


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """The place of an artifact in a pack: a `vizsla.core.artifacts.Inner`.

    Attributes:
        pack: which.
        name: of the artifact in it, `parts/bm25`; empty for the outermost one.
    """

    pack: Pack
    name: str

    def __str__(self) -> str:
        return str(self.pack.path / self.name)

    def inner(self, name: str) -> "Packed":
        """The place of an artifact inside this one."""
        return Packed(self.pack, self.key(name))

    def key(self, name: str) -> str:
        """What an array of this artifact, or an artifact inside it, is called in the pack."""
        return f"{self.name}/{name}" if self.name else name

    @contextmanager
    def draft(self, kind: str, version: int, settings: Mapping[str, Any]) -> Iterator[Draft]:
        """Fill it; what it was made with is noted when the block ends."""
        yield _Draft(Path(str(self)), self)
        self.pack.made[self.name] = {"kind": kind, "format": version, "settings": dict(settings)}

    def artifact(self) -> Artifact:
        """What was filled, or read.

        Raises:
            ArtifactError: nothing of this name is in the pack.
        """
        made = self.pack.made.get(self.name)
        if made is None:
            raise ArtifactError(f"{self}: missing in the pack; wanted all parts of a segment: build it again")
        return _Artifact(Path(str(self)), {**made, "made_from": {}, "files": {}}, self)


@dataclass(frozen=True, slots=True)
class _Artifact(Artifact):
    """An artifact in a pack, which is checked as a whole: it has no files of its own."""

    place: Packed

    def inner(self, name: str) -> Packed:
        return self.place.inner(name)

    def _mapped(self, name: str) -> npt.NDArray[Any]:
        values = self.place.pack.arrays.get(self.place.key(name))
        if values is None:
            raise ArtifactError(f"{self.place}: found no array '{name}' in the pack; build it again")
        return values


@dataclass(frozen=True, slots=True)
class _Draft(Draft):
    """An artifact on its way into a pack."""

    place: Packed

    def inner(self, name: str) -> Packed:
        return self.place.inner(name)

    def open(self, name: str) -> IO[bytes]:
        return _File(self, name)

    def array(self, name: str, values: npt.NDArray[Any]) -> None:
        frozen = np.asarray(values).view()
        frozen.flags.writeable = False
        self.place.pack.arrays[self.place.key(name)] = frozen


class _File(io.BytesIO):
    """An array being written in NumPy's format; it is in the pack when it is closed."""

    def __init__(self, draft: _Draft, name: str) -> None:
        super().__init__()
        self._draft, self._name = draft, name

    def close(self) -> None:
        if not self.closed and self.tell():
            self.seek(0)
            self._draft.array(self._name, np.lib.format.read_array(self))
        super().close()


def _checked(made: Any) -> dict[str, Any]:
    """Kind, format and settings as `vizsla.core.artifacts.read_manifest` would have them."""
    if not (isinstance(made["kind"], str) and type(made["format"]) is int and isinstance(made["settings"], dict)):
        raise ValueError("an entry is not of its type")
    return dict(made)


def _view(data: npt.NDArray[np.uint8], kind: str, shape: list[int], begin: int) -> npt.NDArray[Any]:
    if not _PLAIN.fullmatch(kind) or any(type(one) is not int or not 0 <= one < _MOST for one in (*shape, begin)):
        raise ValueError(f"an array of type {kind!r} and shape {shape} at {begin}")
    dtype, size = np.dtype(kind), 1
    for one in shape:
        size *= one
    end = begin + size * dtype.itemsize
    if begin % _ALIGNED or end > len(data):
        raise ValueError(f"an array from {begin} to {end} of {len(data)} bytes")
    return data[begin:end].view(dtype).reshape(shape)
