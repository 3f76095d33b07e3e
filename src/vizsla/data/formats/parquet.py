"""Parquet: passages, queries, judgements and training examples as tables, one file or a folder of them.

The names of columns are those of the hubs: `_id title text` (or `id docid pid qid`, `contents`), `query-id corpus-id
score`, and for training `anchor positive negative`, with `negative_1` and on. Knows these names, both
ways. Refuses to know Arrow's other types. Needs the extra `parquet`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from vizsla.core.errors import DataError
from vizsla.core.extras import require
from vizsla.core.protocols import Passage
from vizsla.data.columns import Columns
from vizsla.data.examples import Example, PlacedExample, require_texts
from vizsla.data.opening import writing
from vizsla.data.problems import Problems, shown
from vizsla.data.records import (
    PlacedGrade,
    PlacedPassage,
    PlacedQuery,
    encoded,
    is_empty,
    joined,
    make_id,
    make_text,
)

EXTRA = "parquet"
_ROWS = 4096
_IDS = ("_id", "id", "docid", "pid", "qid", "query_id", "passage_id")
_TEXTS = ("text", "contents", "passage", "query")
_QUERY = ("anchor", "query", "question", "sentence1")
_POSITIVE = ("positive", "pos", "answer", "sentence2")
_NEGATIVE = re.compile(r"neg(ative)?(_[0-9]+)?")
_JUDGEMENT = (("query-id", "query_id", "qid"), ("corpus-id", "passage_id", "pid", "docid"), ("score", "grade", "label"))

_Row = dict[str, Any]


def read_passages(path: str | Path, *, columns: Columns | None = None, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of a table, with its place.

    Args:
        path: a file, or a folder of `.parquet` files.
        columns: names that must be there; without it the hubs' names are looked for.
        problems: where bad records are counted.

    Raises:
        DataError: no table, no such column, or a value of another type.
        MissingExtraError: pyarrow is not installed.
    """
    wanted = columns or Columns()
    ids, texts = (wanted.id,) if wanted.id else _IDS, (wanted.text,) if columns else _TEXTS
    for row, where in _rows(path, [ids, texts], [wanted.title or "title"]):
        id_, text = make_id(row[_name(row, ids)], where), make_text(row[_name(row, texts)], where, "text")
        passage = Passage(id_, text, make_text(row.get(wanted.title or "title"), where, "title"))
        if is_empty(text, passage.title):
            problems.note("empty", where, id_)
        else:
            yield passage, where


def read_queries(path: str | Path, *, problems: Problems) -> Iterator[PlacedQuery]:
    """Every query of a table, with its place.

    Raises:
        DataError: no table, no such column, or a value of another type.
        MissingExtraError: pyarrow is not installed.
    """
    for row, where in _rows(path, [_IDS, _TEXTS]):
        id_, text = make_id(row[_name(row, _IDS)], where), make_text(row[_name(row, _TEXTS)], where, "text")
        if is_empty(text):
            problems.note("empty_query", where, id_)
        yield id_, text, where


def read_judgements(path: str | Path) -> Iterator[PlacedGrade]:
    """Every judgement of a table, with its place; a table without grades means 1 for each.

    Raises:
        DataError: no table, no such column, or a grade that is not a whole number.
        MissingExtraError: pyarrow is not installed.
    """
    queries, passages, grades = _JUDGEMENT
    for row, where in _rows(path, [queries, passages], grades):
        value = next((row[name] for name in grades if name in row), 1)
        if type(value) not in (int, float) or value != value // 1:
            raise DataError(f"{where}: found {shown(value)} as a grade; wanted a whole number")
        yield make_id(row[_name(row, queries)], where), make_id(row[_name(row, passages)], where), int(value), where


def read_examples(path: str | Path, *, problems: Problems) -> Iterator[PlacedExample]:
    """Every row of a training table as an example, with its place; a cell may hold one text or a list of them.

    Raises:
        DataError: no table, no such column, or a value of another type.
        MissingExtraError: pyarrow is not installed.
    """
    for row, where in _rows(path, [_QUERY, _POSITIVE], _NEGATIVE):
        query = make_text(row[_name(row, _QUERY)], where, "query")
        if is_empty(query):
            problems.note("empty_query", where, query)
        negatives = [row[name] for name in row if _NEGATIVE.fullmatch(name)]
        positives = [row[_name(row, _POSITIVE)]]
        right, wrong = (tuple(_passages(side, where, problems)) for side in (positives, negatives))
        yield Example(query, right, wrong), where


def write_passages(path: str | Path, passages: Iterable[Passage]) -> int:
    """Write passages as `_id title text`; returns how many."""
    return _write(path, ("_id", "title", "text"), ((one.id, one.title, one.text) for one in passages))


def write_queries(path: str | Path, queries: Mapping[str, str]) -> int:
    """Write queries as `_id text`; returns how many."""
    return _write(path, ("_id", "text"), queries.items())


def write_judgements(path: str | Path, grades: Mapping[str, Mapping[str, int]]) -> int:
    """Write judgements as `query-id corpus-id score`; returns how many."""
    rows = ((query, passage, grade) for query, row in grades.items() for passage, grade in row.items())
    return _write(path, [names[0] for names in _JUDGEMENT], rows)


def write_examples(path: str | Path, examples: Iterable[Example]) -> int:
    """Write every positive with every negative as `anchor positive negative`; returns how many rows.

    Raises:
        DataError: an example without texts.
    """
    rows = (
        (example.query, joined(positive), joined(negative))
        for example in (require_texts(one, str(path)) for one in examples)
        for positive in example.positives
        for negative in example.negatives
    )
    return _write(path, ("anchor", "positive", "negative"), rows)


def _passages(cells: Iterable[object], where: str, problems: Problems) -> Iterator[Passage]:
    for cell in cells:
        for text in cell if isinstance(cell, list) else [cell]:
            passage = Passage("", make_text(text, where, "text"))
            if is_empty(passage.text):
                problems.note("empty", where, text)
            else:
                yield passage


def _rows(
    path: str | Path, needed: Sequence[Sequence[str]], also: Sequence[str] | re.Pattern[str] = ()
) -> Iterator[tuple[_Row, str]]:
    """Every row, with the columns that are wanted: one of each group, and those of the last ones that are there."""
    tables, arrow = require("pyarrow.parquet", extra=EXTRA), require("pyarrow", extra=EXTRA)
    for file in _files(Path(path)):
        try:
            with tables.ParquetFile(str(file)) as table:
                names = [_choose(table.schema_arrow.names, group, file) for group in needed]
                names += [one for one in table.schema_arrow.names if _is_wanted(one, also) and one not in names]
                number = 0
                for batch in table.iter_batches(batch_size=_ROWS, columns=names):
                    for row in batch.to_pylist():
                        number += 1
                        yield row, f"{file}: row {number}"
        except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"{file}: cannot be read as Parquet ({error}); restore the file") from error


def _is_wanted(name: str, also: Sequence[str] | re.Pattern[str]) -> bool:
    return bool(also.fullmatch(name)) if isinstance(also, re.Pattern) else name in also


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise DataError(f"{path}: is not there, or a folder without .parquet files; check the path")
    return files


def _choose(names: Sequence[str], group: Sequence[str], file: Path) -> str:
    found = next((name for name in group if name in names), None)
    if found is None or len(set(names)) != len(names):
        wanted = f"one of {', '.join(group)}, and no name twice"
        raise DataError(
            f"{file}: found the columns {shown(', '.join(names))}; wanted {wanted}: name the columns to read"
        )
    return found


def _name(row: _Row, group: Sequence[str]) -> str:
    return next(name for name in group if name in row)


def _write(path: str | Path, names: Sequence[str], rows: Iterable[Sequence[str | int]]) -> int:
    tables, arrow = require("pyarrow.parquet", extra=EXTRA), require("pyarrow", extra=EXTRA)
    types = {name: arrow.int64() if name == _JUDGEMENT[2][0] else arrow.string() for name in names}
    schema, count, waiting = arrow.schema(list(types.items())), 0, iter(rows)
    with writing(path) as file, tables.ParquetWriter(file, schema) as table:
        while batch := list(islice(waiting, _ROWS)):
            for text in (one for row in batch for one in row if isinstance(one, str)):
                encoded(text, str(path))
            columns = [
                arrow.array(list(column), type=schema.field(at).type)
                for at, column in enumerate(zip(*batch, strict=True))
            ]
            table.write_batch(arrow.record_batch(columns, schema=schema))
            count += len(batch)
    return count
