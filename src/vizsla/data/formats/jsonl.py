"""JSONL: one JSON object a line, its keys named by `Columns`.

Knows JSON and which key holds what. Refuses to know folders, duplicates and compression.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.columns import ID_NAMES, Columns
from vizsla.data.opening import lines, writing
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedPassage, is_empty, make_id, make_text

_log = logging.getLogger("vizsla")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_passages(path: str | Path, *, columns: Columns | None = None, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of a file, with its place.

    The first record must hold the key of the text; a later one without it is a passage without text. An object under
    `metadata` and an id under `parent`, there or in the metadata, are the passage's own; other values are noted.

    Raises:
        DataError: a line that is not a JSON object, a missing key, or a value of another type.
    """
    wanted = columns or Columns()
    id_key: str | None = None
    named = False
    for row, (number, values, where) in enumerate(objects(path, problems=problems)):
        if id_key is None:
            id_key = _find_id(wanted, values)
            if id_key and row:
                raise DataError(f"{where}: found '{id_key}', which earlier records lack; wanted it in all or in none")
            if not id_key and not row:
                keys = f"{where}: found no id among the keys {shown(', '.join(values))}"
                _log.warning("%s; ids are numbered 0, 1, …; name the column with --columns id=…", keys)
        id_ = make_id(value_of(values, id_key, where), where) if id_key else str(number)
        named = named or wanted.text in values
        text = make_text(values.get(wanted.text) if named else value_of(values, wanted.text, where), where, wanted.text)
        title = value_of(values, wanted.title, where) if wanted.title else values.get("title")
        title = make_text(title, where, wanted.title or "title")
        if is_empty(text, title):
            problems.note("empty", where, id_)
        else:
            yield Passage(id_, text, title, *_said(values, where, problems)), where


def objects(path: str | Path, *, problems: Problems) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Every JSON object of a file: the number of its record from 0, the object, its place.

    Blank lines are no records. A record that is not UTF-8, or that escapes half a surrogate pair,
    is noted and passed over, and still has its number.

    Raises:
        DataError: a line that is not a JSON object.
    """
    name, record = str(path), -1
    for number, line in lines(path):
        if not line or line.isspace():
            continue
        record += 1
        where = f"{name}:{number}"
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            if not _broken_text(line):
                found = f"{shown(line)}, which is not JSON ({error})"
                raise DataError(f"{where}: found {found}; wanted one JSON object a line") from None
            problems.note("broken_utf8", where, line)
            continue
        if type(value) is not dict:
            raise DataError(f'{where}: found {shown(line)}; wanted a JSON object such as {{"_id": "1", "text": "..."}}')
        yield record, value, where


def value_of(values: dict[str, Any], key: str, where: str) -> object:
    """The value of a key that must be there.

    Raises:
        DataError: it is not.
    """
    try:
        return values[key]
    except KeyError:
        found = f"the keys {shown(', '.join(values))}"
        raise DataError(f"{where}: found {found}; wanted '{key}': name the key to read, or add it") from None


def write_objects(path: str | Path, objects: Iterable[Mapping[str, Any]]) -> int:
    """Write one JSON object a line, compressed as the file is named; returns how many.

    Raises:
        DataError: text that UTF-8 cannot hold, or a file that cannot be written.
    """
    count = 0
    with writing(path) as file:
        for one in objects:
            count += 1
            try:
                line = orjson.dumps(one)
            except orjson.JSONEncodeError as error:
                found = f"record {count}, {shown(ascii(one))}, which JSON cannot hold ({error})"
                advice = "wanted text that UTF-8 can hold: half a surrogate pair cannot"
                raise DataError(f"{path}: found {found}; {advice}") from None
            file.write(line + b"\n")
    return count


def _said(values: dict[str, Any], where: str, problems: Problems) -> tuple[dict[str, object], str]:
    """A record's metadata and parent."""
    metadata = values.get("metadata")
    if metadata is not None and type(metadata) is not dict:
        problems.note("metadata", where, metadata)
    said = dict(metadata) if type(metadata) is dict else {}
    parent = values["parent"] if "parent" in values else said.pop("parent", None)
    if parent is None or type(parent) in (str, int):
        return said, "" if parent is None else str(parent)
    problems.note("parent", where, parent)
    return said, ""


def _find_id(columns: Columns, values: dict[str, Any]) -> str | None:
    return columns.id or next((name for name in ID_NAMES if name in values), None)


def _broken_text(line: bytes) -> bool:
    """Whether only the text's encoding keeps a line from being JSON."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return True
    if not _SURROGATE.search(line):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
