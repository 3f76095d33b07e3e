"""Opening: plain, .gz and .zst files as a stream of numbered lines, and files written in one step.

Knows compression and line ends. Refuses to know what stands on a line. Memory is bounded by the
longest line allowed, never by the file.
"""

import gzip
import io
import os
import sys
import uuid
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, cast

from vizsla.core.errors import DataError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LINE_LIMIT_BYTES = 64 << 20
COMPRESSIONS = ("", ".gz", ".zst")
"""What may follow the ending of any file that is read."""

_BUFFER_BYTES = 1 << 17
_BOM = b"\xef\xbb\xbf"
_BROKEN = (EOFError, OSError, zlib.error, zstd.ZstdError)


def lines(path: str | Path) -> Iterator[tuple[int, bytes]]:
    """Every line with its number, counted from 1, without its line end and without a byte-order mark.

    Raises:
        DataError: the file cannot be read, its compressed data is damaged or cut short, or a line is
            longer than 64 MiB.
    """
    for number, line in enumerate(_raw_lines(path), start=1):
        yield number, (line.removeprefix(_BOM) if number == 1 else line).rstrip(b"\r\n")


def whole(path: str | Path) -> bytes:
    """A whole file of at most 64 MiB, without a byte-order mark.

    Raises:
        DataError: the file cannot be read, is damaged, or is larger.
    """
    with _opened(path) as file:
        try:
            content = file.read(LINE_LIMIT_BYTES + 1)
        except _BROKEN as error:
            raise DataError(f"{path}: cannot be read ({error}); restore the file") from error
    if len(content) > LINE_LIMIT_BYTES:
        raise DataError(f"{path}: found more than {LINE_LIMIT_BYTES >> 20} MiB; wanted smaller files: cut this one up")
    return content.removeprefix(_BOM)


def blocks(path: str | Path) -> Iterator[bytes]:
    """A file's bytes, its compression taken off, 128 KiB at a time.

    Raises:
        DataError: the file cannot be read, or its compressed data is damaged or cut short.
    """
    read_bytes = 0
    with _opened(path) as file:
        try:
            for block in iter(partial(file.read, _BUFFER_BYTES), b""):
                read_bytes += len(block)
                yield block
        except _BROKEN as error:
            raise DataError(
                f"{path}: damaged or cut short after {read_bytes:,} bytes: {error}; restore the file"
            ) from error


@contextmanager
def writing(path: str | Path) -> Iterator[IO[bytes]]:
    """A file that takes its place only when the `with` block ends without an error; compressed as it is named.

    Raises:
        DataError: the file cannot be written.
    """
    target = Path(path)
    if not target.name:
        raise DataError(f"{path}: found a folder; wanted the name of a file to write")
    staged = target.with_name(f".{target.name}.unfinished-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with staged.open("wb") as raw:
                with _compressed(raw, target.name) as file:
                    yield file
                raw.flush()
                os.fsync(raw.fileno())
            staged.replace(target)
        finally:
            staged.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error}); choose another place") from error


def find(folder: Path, name: str) -> Path | None:
    """The file of this name in a folder, plain or compressed; None where there is none.

    Raises:
        DataError: more than one of them is there.
    """
    found = [path for path in (folder / f"{name}{ending}" for ending in COMPRESSIONS) if path.is_file()]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise DataError(f"{folder}: found {names}; wanted one of them: remove the other")
    return found[0] if found else None


def bare_suffix(path: Path) -> str:
    """The ending of a name in lower case, the compression's left off: `.jsonl` of `corpus.JSONL.gz`."""
    name = path.name.lower()
    for ending in COMPRESSIONS[1:]:
        name = name.removesuffix(ending)
    return Path(name).suffix


def _raw_lines(path: str | Path) -> Iterator[bytes]:
    read_lines = read_bytes = 0
    with _opened(path) as file:
        try:
            for line in iter(partial(file.readline, LINE_LIMIT_BYTES + 1), b""):
                read_lines += 1
                read_bytes += len(line)
                if len(line) > LINE_LIMIT_BYTES:
                    found = f"{path}:{read_lines}: found a line of more than {LINE_LIMIT_BYTES >> 20} MiB"
                    raise DataError(f"{found}; wanted one record a line: is this a file of lines?")
                yield line
        except _BROKEN as error:
            far = f"after {read_lines:,} lines ({read_bytes:,} bytes)"
            raise DataError(f"{path}: damaged or cut short {far}: {error}; restore the file") from error


@contextmanager
def _opened(path: str | Path) -> Iterator[io.BufferedReader]:
    with _open(path) as raw, _plain(raw, path) as file:
        yield file


def _open(path: str | Path) -> io.BufferedReader:
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: is not there; check the path") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be opened ({error}); check what it is and who may read it") from error


def _plain(raw: io.BufferedReader, path: str | Path) -> io.BufferedReader:
    """The file with its compression taken off: the first bytes decide, and must not contradict the name."""
    try:
        head = raw.peek(4)[:4]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error}); check what it is") from error
    if head[:2] == b"\x1f\x8b":
        return _buffered(gzip.GzipFile(fileobj=raw))
    if head == b"\x28\xb5\x2f\xfd" or (head[1:] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
        return _buffered(zstd.ZstdFile(raw))
    suffix = Path(path).suffix.lower()
    if suffix in COMPRESSIONS[1:]:
        raise DataError(f"{path}: found a name that says {suffix} on data that is not; restore or rename the file")
    return raw


def _buffered(reader: object) -> io.BufferedReader:
    return io.BufferedReader(cast("io.RawIOBase", reader), _BUFFER_BYTES)


def _compressed(raw: IO[bytes], name: str) -> AbstractContextManager[IO[bytes]]:
    suffix = Path(name).suffix.lower()
    if suffix == ".gz":
        # No name and no time inside: the same records give the same bytes.
        return cast("AbstractContextManager[IO[bytes]]", gzip.GzipFile("", "wb", fileobj=raw, mtime=0))
    if suffix == ".zst":
        file = zstd.ZstdFile(raw, mode="w")
        file.write(b"")  # begins the frame: without it an empty file would hold no zstd data at all
        return cast("AbstractContextManager[IO[bytes]]", file)
    return nullcontext(raw)
