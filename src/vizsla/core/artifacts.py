"""Artifacts: frozen folders with a manifest, written beside their place and committed by one rename.

A folder is written under a name of its own next to where it will stand, every file and folder is
flushed to the disk, all at once, and only then does it take its place: by a plain rename where
nothing stands there, by the system's exchange of two names where an older artifact does. A kill at
any moment leaves the old artifact or the new one. An artifact inside another's draft is flushed with
it, or is no folder at all (`Inner`). No pickle is written or read.
"""

import ctypes
import errno
import glob
import hashlib
import json
import os
import shutil
import stat
import sys
import tokenize
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ArtifactError, IncompatibleError

MANIFEST = "manifest.json"
_MARK, _OLD = ".unfinished-", "-old"
_FLUSHES = 16  # under way at once: the disk takes them together, where one after another each waits for it
_drafts: set[Path] = set()  # what is being written by this process
_UNREADABLE = (
    *(ValueError, TypeError, ArithmeticError, LookupError, AttributeError, OSError, EOFError, Warning),
    *(SyntaxError, tokenize.TokenError, RecursionError, MemoryError),
)
"""What numpy raises for a header that it cannot parse, its warnings among them."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """An opened artifact: its manifest, checked against the sizes of the files it names."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """What the thing was made with."""
        return dict(self.manifest["settings"])

    def path(self, name: str) -> Path:
        """A file or inner artifact of this folder; the name must stand in the manifest.

        Raises:
            ArtifactError: the manifest names no such file.
        """
        files = self.manifest["files"]
        if name not in files and not any(file.startswith(f"{name}/") for file in files):
            raise ArtifactError(f"{self.folder}: the manifest names no '{name}'; build the artifact again")
        return self.folder / name

    def inner(self, name: str) -> "Place":
        """Where an artifact inside this one is opened."""
        return self.path(name)

    def array(self, name: str, dtype: npt.DTypeLike, ndim: int = 1) -> npt.NDArray[Any]:
        """A stored array, memory-mapped and read-only.

        Raises:
            ArtifactError: the header is not that of an array of this type and number of dimensions.
        """
        values = self._mapped(name)
        if values.dtype != np.dtype(dtype) or values.ndim != ndim:
            found = f"{self.folder / name}.npy: found {values.dtype} with {values.ndim} dimensions"
            raise ArtifactError(f"{found}; wanted {np.dtype(dtype)} with {ndim}; build it again")
        return values

    def _mapped(self, name: str) -> npt.NDArray[Any]:
        path = self.path(f"{name}.npy")
        try:
            with warnings.catch_warnings(action="error"):  # numpy never writes a header that it warns of
                return np.lib.format.open_memmap(path, mode="r")
        except _UNREADABLE as error:
            raise ArtifactError(f"{path}: not a readable array ({error}); build the artifact again") from error

    def verify(self) -> int:
        """Read every byte and compare its digest with the manifest; returns the bytes read.

        Raises:
            ArtifactError: names the first file that was altered.
        """
        total = 0
        for name, entry in self.manifest["files"].items():
            path = self.folder / name
            try:
                digest, size = _digest(path)
            except OSError as error:
                raise ArtifactError(f"{path}: cannot be read ({error.strerror}); build it again") from error
            if digest != entry["sha256"]:
                raise ArtifactError(f"{path}: altered since it was written (its SHA-256 differs); build it again")
            total += size
        return total


@dataclass(frozen=True, slots=True)
class Draft:
    """A folder being written; it takes its place when its `with` block ends without an error."""

    folder: Path

    def path(self, name: str) -> Path:
        """Where to write a file or an inner artifact."""
        return self.folder / name

    def inner(self, name: str) -> "Place":
        """Where to draft an artifact inside this one."""
        return self.path(name)

    def open(self, name: str) -> IO[bytes]:
        """A file to write an array to, in NumPy's own format, piece by piece."""
        return self.path(f"{name}.npy").open("wb")

    def array(self, name: str, values: npt.NDArray[Any]) -> None:
        """Store an array in NumPy's own format, without pickle."""
        np.save(self.folder / f"{name}.npy", values, allow_pickle=False)


class Inner(Protocol):
    """Where an artifact is that is no folder, but a part of something that is stored as a whole."""

    def draft(self, kind: str, version: int, settings: Mapping[str, Any]) -> AbstractContextManager[Draft]: ...
    def artifact(self) -> Artifact: ...


Place: TypeAlias = str | Path | Inner


@contextmanager
def draft(
    folder: Place,
    *,
    kind: str,
    version: int,
    settings: Mapping[str, Any],
    made_from: Mapping[str, str] | None = None,
) -> Iterator[Draft]:
    """Write an artifact: fill the draft inside the `with` block; leaving it commits.

    Args:
        folder: where the artifact will stand. An older artifact of the same kind is replaced.
        kind: what it is, `inverted-index`.
        version: of the format of this kind.
        settings: the effective settings; read when the block ends, so they may be filled inside it.
        made_from: names and digests of what it was made from; read when the block ends.

    Raises:
        ArtifactError: something else stands at `folder`, or it cannot be written.
    """
    if not isinstance(folder, str | Path):
        with folder.draft(kind, version, settings) as inner:
            yield inner
        return
    target = Path(os.path.realpath(folder))
    staged = target.parent / f".{target.name}{_MARK}{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sweep(target)
        check_target(target, kind)
        staged.mkdir()
    except OSError as error:
        raise ArtifactError(f"{target}: cannot be written ({error.strerror}); choose another place") from error
    _drafts.add(staged)
    try:
        yield Draft(staged)
        _write_manifest(staged, kind, version, settings, made_from or {})
        check_target(target, kind)
        inside = not _drafts.isdisjoint(target.parents)
        if not inside:
            _flush_all([staged, *staged.rglob("*")])
        _commit(staged, target)
        if not inside:
            flush(target.parent)
    finally:
        _drafts.discard(staged)
        shutil.rmtree(staged, ignore_errors=True)


def open_artifact(folder: Place, *, kind: str, version: int) -> Artifact:
    """Open an artifact and check its manifest and the size of every file it names.

    Raises:
        ArtifactError: missing, not an artifact, or a file that is missing or of another size.
        IncompatibleError: of another kind, or of a format this release does not read.
    """
    manifest = read_manifest(folder)
    if manifest["kind"] != kind:
        raise IncompatibleError(f"{folder}: found an artifact of kind '{manifest['kind']}'; wanted '{kind}'")
    if manifest["format"] != version:
        found = f"found format {manifest['format']} of '{kind}'; this release reads {version}"
        raise IncompatibleError(f"{folder}: {found}: build it again with this release")
    if not isinstance(folder, str | Path):
        return folder.artifact()
    for name, entry in manifest["files"].items():
        _check_size(Path(folder) / name, entry["size_bytes"])
    return Artifact(Path(folder), manifest)


def read_manifest(folder: Place) -> dict[str, Any]:
    """The manifest of a stored folder, its shape checked.

    Raises:
        ArtifactError: no folder, no manifest, or a manifest that cannot be read.
    """
    if not isinstance(folder, str | Path):
        return dict(folder.artifact().manifest)
    path = Path(folder) / MANIFEST
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would wait for ever
            raise ValueError("not a regular file")
        manifest = json.loads(path.read_bytes())
        files = manifest["files"]
        whole = all(
            not _leaves(name) and isinstance(entry["size_bytes"], int) and isinstance(entry["sha256"], str)
            for name, entry in files.items()
        )
        named = isinstance(manifest["kind"], str) and type(manifest["format"]) is int
        if not (whole and named and isinstance(manifest["settings"], dict)):
            raise ValueError("an entry is not of its type")
    except (FileNotFoundError, NotADirectoryError):
        place = path.parent
        found = "holds no manifest.json" if place.is_dir() else "is no folder" if place.exists() else "is not there"
        wanted = "wanted a folder written by vizsla, for example by `vizsla index`"
        raise ArtifactError(f"{folder}: {found}; {wanted}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"{path}: not a manifest of vizsla ({error}); build the artifact again") from error
    return dict(manifest)


def sweep(target: Path) -> None:
    """Remove what killed writers of this artifact left beside it; a live writer's work stays."""
    for left in target.parent.glob(f"{glob.escape(f'.{target.name}{_MARK}')}*"):
        owner = left.name.rpartition(_MARK)[2].partition("-")[0]
        if not owner.isdigit() or _alive(int(owner)):
            continue
        if left.name.endswith(_OLD) and not target.exists():
            os.rename(left, target)  # its writer died between the two renames
        shutil.rmtree(left, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


def _leaves(name: str) -> bool:
    path = Path(name)
    return path.is_absolute() or ".." in path.parts or path.as_posix() != name or not name.isprintable() or name == "."


def check_target(target: Path, kind: str) -> None:
    """Check that an artifact of this kind may go to a place; `draft` does it too, but after long work is late.

    Raises:
        ArtifactError: something else stands there.
    """
    if not target.exists():
        return
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
        return
    advice = "nothing was changed; choose another place or remove it first"
    try:
        found = read_manifest(target)["kind"]
    except ArtifactError:
        raise ArtifactError(f"{target}: something that is not an artifact of vizsla stands there; {advice}") from None
    if found != kind:
        raise ArtifactError(f"{target}: found an artifact of kind '{found}' where a '{kind}' would go; {advice}")


def _check_size(path: Path, wanted: int) -> None:
    try:
        found = path.stat()
    except OSError as error:
        said = "missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise ArtifactError(f"{path}: {said}; wanted {wanted} bytes; build the artifact again") from error
    if not stat.S_ISREG(found.st_mode):
        raise ArtifactError(f"{path}: not a regular file; wanted {wanted} bytes in one; build the artifact again")
    if found.st_size != wanted:
        said = f"found {found.st_size} bytes; wanted {wanted}: truncated or altered"
        raise ArtifactError(f"{path}: {said}; build it again")


def _write_manifest(
    folder: Path, kind: str, version: int, settings: Mapping[str, Any], made_from: Mapping[str, str]
) -> None:
    files = {}
    for path in sorted(file for file in folder.rglob("*") if file.is_file()):
        digest, size = _digest(path)
        files[path.relative_to(folder).as_posix()] = {"size_bytes": size, "sha256": digest}
    manifest = {"kind": kind, "format": version, "settings": settings, "made_from": made_from, "files": files}
    text = json.dumps(manifest, ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(f"{text}\n", encoding="utf-8")


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _flush_all(paths: Sequence[Path]) -> None:
    with ThreadPoolExecutor(min(_FLUSHES, len(paths)), thread_name_prefix="flush") as threads:
        list(threads.map(flush, paths))


def flush(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _commit(staged: Path, target: Path) -> None:
    """Rename, or swap two names in one step; where the system cannot, put the old one aside first."""
    if not target.exists():
        os.rename(staged, target)
    elif not _swap_names(os.fsencode(staged), os.fsencode(target)):
        aside = staged.with_name(f"{staged.name}{_OLD}")
        os.rename(target, aside)
        try:
            os.rename(staged, target)
        except OSError:
            os.rename(aside, target)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _swap_names(one: bytes, other: bytes) -> bool:
    here, swap = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2(2); RENAME_SWAP of renamex_np(2) is 2 as well
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        failed = library.renameat2(here, one, here, other, swap)
    elif sys.platform == "darwin" and hasattr(library, "renamex_np"):
        failed = library.renamex_np(one, other, swap)
    else:
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, f"{os.strerror(code)} (the two folders could not be swapped)", os.fsdecode(other))
