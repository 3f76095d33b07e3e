"""TREC: runs of six columns and qrels of four, separated by white space.

Knows the columns, both ways. Refuses to know the order of a ranking and what a grade means.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from vizsla.core.errors import DataError
from vizsla.data.opening import lines, writing
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedGrade, decoded, encoded, whole_number

_RUN = "query Q0 passage rank score tag"
_GRADES = "query 0 passage grade"
_TOO_LARGE = 2.0**128 - 2.0**103  # the first number that is nearer to infinity than to a float32


class RunLine(NamedTuple):
    """One line of a run."""

    query: str
    passage: str
    rank: int
    score: float
    tag: str


def read_run(path: str | Path, *, problems: Problems) -> Iterator[tuple[RunLine, str]]:
    """Every line of a run, with its place.

    Raises:
        DataError: not six columns, a rank that is no whole number, or a score that is no finite float32.
    """
    for fields, where in _rows(path, _RUN):
        rank = whole_number(fields[3], where, "a rank")
        score = score_of(fields[4], where)
        names = decoded(b" ".join((fields[0], fields[2], fields[5])), where, problems)
        if names is not None:
            query, passage, tag = names.split(" ")
            yield RunLine(query, passage, rank, score, tag), where


def read_grades(path: str | Path, *, problems: Problems) -> Iterator[PlacedGrade]:
    """Every judgement of a qrels file, with its place; grades below 0 are kept.

    Raises:
        DataError: not four columns, or a grade that is not a whole number.
    """
    for fields, where in _rows(path, _GRADES):
        grade = whole_number(fields[3], where, "a grade")
        names = decoded(b" ".join((fields[0], fields[2])), where, problems)
        if names is not None:
            query, passage = names.split(" ")
            yield query, passage, grade, where


def write_run(path: str | Path, run: Iterable[RunLine]) -> int:
    """Write a run, compressed as it is named; nine digits bring a float32 back to the last bit. Returns how many lines.

    Raises:
        DataError: an id or a tag that is empty or holds white space, or a file that cannot be written.
    """
    rows = ((one.query, "Q0", one.passage, str(one.rank), f"{one.score:.9g}", one.tag) for one in run)
    return _write(path, rows, _RUN)


def write_grades(path: str | Path, grades: Mapping[str, Mapping[str, int]]) -> int:
    """Write a qrels file, compressed as it is named; returns how many judgements.

    Raises:
        DataError: an id that is empty or holds white space, or a file that cannot be written.
    """
    rows = ((query, "0", passage, str(grade)) for query, row in grades.items() for passage, grade in row.items())
    return _write(path, rows, _GRADES)


def score_of(value: bytes, where: str) -> float:
    """A score as a run holds it.

    Raises:
        DataError: no number, or none that a float32 holds.
    """
    try:
        score = math.nan if b"_" in value else float(value)
    except ValueError:
        score = math.nan
    if not abs(score) < _TOO_LARGE:
        raise DataError(f"{where}: found {shown(value)} as a score; wanted a finite number within float32")
    return score


def _rows(path: str | Path, columns: str) -> Iterator[tuple[list[bytes], str]]:
    name, wanted = str(path), columns.count(" ") + 1
    for number, line in lines(path):
        fields = line.split()
        if len(fields) == wanted:
            yield fields, f"{name}:{number}"
        elif fields:
            raise DataError(
                f"{name}:{number}: found {len(fields)} columns in {shown(line)}; wanted {wanted}: {columns}"
            )


def _write(path: str | Path, rows: Iterable[tuple[str, ...]], columns: str) -> int:
    wanted, count = columns.count(" ") + 1, 0
    with writing(path) as file:
        for row in rows:
            line = encoded(" ".join(row), str(path))
            if len(line.split()) != wanted or "" in row:
                raise DataError(f"{path}: found {shown(line)}; wanted ids and a tag without white space: rename them")
            file.write(line + b"\n")
            count += 1
    return count
