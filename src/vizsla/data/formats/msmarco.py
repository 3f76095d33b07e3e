"""MS MARCO: tab-separated id and text, without a header; its qrels are TREC's (`trec.read_grades`).

Knows these two columns. Refuses to know titles, which the format has none of.
"""

from collections.abc import Iterator
from pathlib import Path

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.opening import lines
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedPassage, PlacedQuery, decoded, is_empty, make_id


def read_passages(path: str | Path, *, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of a collection, with its place.

    Raises:
        DataError: a line without exactly two columns, or an empty id.
    """
    for id_, text, where in _rows(path, problems):
        if is_empty(text):
            problems.note("empty", where, id_)
        else:
            yield Passage(id_, text), where


def read_queries(path: str | Path, *, problems: Problems) -> Iterator[PlacedQuery]:
    """Every query of a file, with its place; one without text is noted and kept, for it may be judged.

    Raises:
        DataError: a line without exactly two columns, or an empty id.
    """
    for id_, text, where in _rows(path, problems):
        if is_empty(text):
            problems.note("empty_query", where, id_)
        yield id_, text, where


def _rows(path: str | Path, problems: Problems) -> Iterator[PlacedQuery]:
    name = str(path)
    for number, line in lines(path):
        if not line or line.isspace():
            continue
        where = f"{name}:{number}"
        columns = line.count(b"\t") + 1
        if columns != 2:
            found = f"{columns} tab-separated columns in {shown(line)}"
            raise DataError(f"{where}: found {found}; wanted 2: id and text")
        content = decoded(line, where, problems)
        if content is not None:
            id_, _, text = content.partition("\t")
            yield make_id(id_, where), text, where
