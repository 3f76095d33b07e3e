"""Folder: .txt, .md and .html files under a folder, cut into passages.

The path of headings above a passage is its title; before the first heading it is the file's name
without its ending. Refuses to know markup, and to follow links out of the folder.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.cutting import Cutting, cut
from vizsla.data.formats import html, markdown
from vizsla.data.opening import bare_suffix, whole
from vizsla.data.outline import Section
from vizsla.data.problems import Problems
from vizsla.data.records import PlacedPassage, decoded

_QUOTED = re.compile(r"[%\s]")


def _plain(text: str) -> list[Section]:
    return [Section("", text, 1)] if text.strip() else []


_SECTIONS: dict[str, Callable[[str], list[Section]]] = {
    ".txt": _plain,
    ".md": markdown.sections,
    ".markdown": markdown.sections,
    ".html": html.sections,
    ".htm": html.sections,
}
SUFFIXES = frozenset(_SECTIONS)
"""The endings of the files that are read."""


def read_passages(folder: str | Path, *, cutting: Cutting | None = None, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of the folder's files, sorted by name within each folder, with its place.

    Raises:
        DataError: a file or folder that cannot be read, or a file of more than 64 MiB.
    """
    for path in files(folder, problems=problems):
        yield from read_file(path, path.relative_to(folder).as_posix(), cutting=cutting, problems=problems)


def read_file(path: Path, name: str, *, cutting: Cutting | None = None, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of one file, with the line its section starts on; ids are `name#0`, `name#1`, ...

    White space and % in the name are percent-encoded in ids, for formats that split at white space.

    Raises:
        DataError: the file cannot be read, or is larger than 64 MiB.
    """
    text = decoded(whole(path), f"{path}:1", problems)
    if text is None:
        return
    quoted, number = _QUOTED.sub(_percent, name), 0
    plain_title = Path(name).name.partition(".")[0] or name
    for section in _SECTIONS[bare_suffix(path)](text.replace("\r\n", "\n").replace("\r", "\n")):
        for _, piece in cut(section.text, cutting or Cutting()) if section.text else [(0, "")]:
            yield Passage(f"{quoted}#{number}", piece, section.title or plain_title), f"{path}:{section.line}"
            number += 1
    if number == 0:
        problems.note("empty", f"{path}:1", name)


def files(folder: str | Path, *, problems: Problems) -> Iterator[Path]:
    """The files that would be read, sorted within each folder.

    Raises:
        DataError: a folder that cannot be read.
    """
    root = Path(folder).resolve()
    for place, inner, names in os.walk(folder, onerror=_refuse):
        inner.sort()
        for name in inner:
            if Path(place, name).is_symlink():
                problems.note("link", str(Path(place, name)), name)
        for path in (Path(place, name) for name in sorted(names)):
            if bare_suffix(path) not in SUFFIXES:
                continue
            if path.is_symlink() and not (path.exists() and path.resolve().is_relative_to(root)):
                problems.note("link", str(path), path.name)
            elif not _is_utf8(str(path)):
                problems.note("broken_utf8", ascii(str(path)), os.fsencode(path.name))
            elif path.is_file():
                yield path


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename}: cannot be read ({error.strerror}); check who may read it")


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())
