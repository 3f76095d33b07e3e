"""TSV: tab-separated rows without a header and without quoting, both ways.

Knows tabs and line ends. Refuses to know what stands in a column, and tables with a header (`tables`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vizsla.core.errors import DataError
from vizsla.data.opening import lines, writing
from vizsla.data.problems import Problems, shown
from vizsla.data.records import decoded, encoded

_BREAK = re.compile(r"[\t\r\n]+")


def rows(path: str | Path, columns: str, *, problems: Problems, also: int = 0) -> Iterator[tuple[list[str], str]]:
    """The fields of every line that is not blank, with its place.

    Args:
        path: what to read.
        columns: their names, with `, ` between.
        problems: counts lines that are not UTF-8.
        also: a further number of columns that may stand there; 0 for none.

    Raises:
        DataError: a line of another number of columns.
    """
    for fields, where in all_rows(path, columns, problems=problems, also=also):
        if fields is not None:
            yield fields, where


def all_rows(
    path: str | Path, columns: str, *, problems: Problems, also: int = 0
) -> Iterator[tuple[list[str] | None, str]]:
    """As `rows`, with None for a line that is not UTF-8: for files whose lines are counted.

    Raises:
        DataError: a line of another number of columns.
    """
    name, wanted = str(path), columns.count(", ") + 1
    for number, line in lines(path):
        if not line or line.isspace():
            continue
        where = f"{name}:{number}"
        found = line.count(b"\t") + 1
        if found not in (wanted, also):
            text = f"{found} tab-separated columns in {shown(line)}"
            raise DataError(f"{where}: found {text}; wanted {wanted}: {columns}")
        content = decoded(line, where, problems)
        yield None if content is None else content.split("\t"), where


def write_rows(path: str | Path, records: Iterable[Sequence[str]]) -> int:
    """Write rows, compressed as the file is named; returns how many.

    Raises:
        DataError: a field with a tab or a line end in it (`on_one_line` takes them out of texts), a
            row that would be read as blank, or a file that cannot be written.
    """
    count = 0
    with writing(path) as file:
        for record in records:
            line = "\t".join(record)
            if line.count("\t") != len(record) - 1 or "\n" in line or "\r" in line or not line.strip():
                raise DataError(f"{path}: found {shown(line)}; wanted fields without tabs and line ends, not all empty")
            if not count and line.startswith("\ufeff"):
                raise DataError(
                    f"{path}: found a byte-order mark in {shown(line)}; wanted another first sign: remove it"
                )
            file.write(encoded(line, str(path)) + b"\n")
            count += 1
    return count


def on_one_line(text: str, where: str, problems: Problems) -> str:
    r"""A text that fits into a column: a space for every run of tabs and line ends, which is noted.

    >>> on_one_line("a\n\tb", "p1", Problems())
    'a b'
    """
    if _BREAK.search(text) is None:
        return text
    problems.note("spaced", where, text)
    return _BREAK.sub(" ", text)
