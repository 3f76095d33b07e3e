"""Pairs: a file, or stdin, of queries and passages, one pair a line.

Knows two layouts: JSONL of query, passage and perhaps title, and lines of query, perhaps title, and passage with tabs
between. Refuses to know what is done with them.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from vizsla.core.errors import DataError
from vizsla.core.protocols import Text
from vizsla.data.problems import Problems, shown

Pair: TypeAlias = tuple[str, Text]
STDIN = Path("-")
_WANTED = 'query and passage, or query, title and passage, with tabs between; or {"query": …, "passage": …}'


def read_pairs(file: Path) -> Iterator[Pair]:
    """Stream the pairs of a file, plain or compressed, or of stdin where it is named `-`.

    Raises:
        DataError: it cannot be read, or a line that holds no pair.
    """
    for text, where in read_lines(file):
        yield _of_json(text, where) if text.lstrip().startswith("{") else _of_columns(text, where)


def read_lines(file: Path) -> Iterator[tuple[str, str]]:
    """Stream the lines that hold something, each with its place, of a file or of stdin where it is named `-`.

    Raises:
        DataError: it cannot be read, or is not UTF-8.
    """
    from vizsla.data.opening import lines
    from vizsla.data.records import decoded

    strict = Problems(strict=True)
    name = "stdin" if file == STDIN else str(file)
    for number, line in enumerate(sys.stdin.buffer, 1) if file == STDIN else lines(file):
        where = f"{name}:{number}"
        text = (decoded(line, where, strict) or "").strip("\r\n")
        if text.strip():
            yield text, where


def _of_columns(text: str, where: str) -> Pair:
    columns = text.split("\t")
    if len(columns) == 2:
        return columns[0], columns[1]
    if len(columns) == 3:
        return columns[0], (columns[1], columns[2]) if columns[1] else columns[2]
    raise DataError(f"{where}: found {len(columns)} columns in {shown(text)}; wanted {_WANTED}")


def _of_json(text: str, where: str) -> Pair:
    import orjson

    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DataError(f"{where}: found text that is not JSON ({error}); wanted {_WANTED}") from None
    query, passage, title = (record.get(key) for key in ("query", "passage", "title"))
    if not isinstance(query, str) or not isinstance(passage, str) or not isinstance(title, str | None):
        raise DataError(f"{where}: found {shown(text)}; wanted {_WANTED}, all of them strings")
    return query, (title, passage) if title else passage
