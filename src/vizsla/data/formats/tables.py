"""Tables: CSV and TSV with a header, the columns named by `Columns`.

CSV is quoted as RFC 4180 says, so a field may hold line ends. TSV is never quoted: a quote is a
character like any other. Refuses to know tables without a header.
"""

import csv
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.columns import ID_NAMES, Columns
from vizsla.data.opening import LINE_LIMIT_BYTES, bare_suffix, lines
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedPassage, decoded, is_empty, make_id

_log = logging.getLogger("vizsla")
_Row: TypeAlias = tuple[list[str] | None, str]  # None: not UTF-8, and noted


def read_passages(path: str | Path, *, columns: Columns | None = None, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of a table, with its place; `.csv` is quoted, any other name is tab-separated.

    Raises:
        DataError: a column that is not there, a row of another width, or broken quoting.
    """
    rows = _csv_rows(path, problems) if bare_suffix(Path(path)) == ".csv" else _tsv_rows(path, problems)
    header, where = next(rows, (None, f"{path}:1"))
    if header is None:
        raise DataError(f"{where}: found no header that can be read; wanted the columns' names on the first line")
    id_at, title_at, text_at = _find(header, columns or Columns(), where)
    if id_at is None:
        names = f"{where}: found no id among the columns {shown(', '.join(header))}"
        _log.warning("%s; ids are numbered 0, 1, …; name the column with --columns id=…", names)
    for number, (row, where) in enumerate(rows):
        if row is None:
            continue
        if len(row) != len(header):
            found = f"{len(row)} columns in {shown(row)}"
            raise DataError(f"{where}: found {found}; wanted {len(header)}, as the header has")
        id_ = str(number) if id_at is None else make_id(row[id_at], where)
        title = "" if title_at is None else row[title_at]
        if is_empty(row[text_at], title):
            problems.note("empty", where, id_)
        else:
            yield Passage(id_, row[text_at], title), where


def _find(header: list[str], columns: Columns, where: str) -> tuple[int | None, int | None, int]:
    """The places of id, title and text in a row."""
    if len(set(header)) != len(header):
        raise DataError(f"{where}: found a column's name twice in {shown(header)}; wanted each once")
    for name in (columns.id, columns.title, columns.text):
        if name is not None and name not in header:
            found = f"the columns {shown(', '.join(header))}"
            raise DataError(f"{where}: found {found}; wanted '{name}': name the columns to read")
    id_ = columns.id or next((name for name in ID_NAMES if name in header), None)
    title = columns.title or ("title" if "title" in header else None)
    places = {name: place for place, name in enumerate(header)}
    return places.get(id_ or ""), places.get(title or ""), places[columns.text]


def _tsv_rows(path: str | Path, problems: Problems) -> Iterator[_Row]:
    for number, line in lines(path):
        if line and not line.isspace():
            where = f"{path}:{number}"
            content = decoded(line, where, problems)
            yield (None if content is None else content.split("\t")), where


def _csv_rows(path: str | Path, problems: Problems) -> Iterator[_Row]:
    # The limit is the whole process's and 128 KiB by default; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), LINE_LIMIT_BYTES))
    reader = csv.reader((line.decode("utf-8", "surrogateescape") + "\n" for _, line in lines(path)), strict=True)
    while True:
        where = f"{path}:{reader.line_num + 1}"
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise DataError(
                f"{where}: found a row whose quoting is broken ({error}); wanted CSV as in RFC 4180"
            ) from None
        if row is None:
            return
        if row:
            content = decoded("\t".join(row).encode("utf-8", "surrogateescape"), where, problems)
            yield (None if content is None else row), where
