"""RocketQA: tab-separated training files, without a header.

Four columns for a reranker, `query title passage label`, label 1 or 0; six for a dual encoder,
`query title passage title passage 0`, the positive first. A title of `-`, or none, is no title. Knows these
columns, both ways. Refuses to know ids, which the format has none of.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.examples import Example, PlacedExample, require_texts
from vizsla.data.formats import tsv
from vizsla.data.problems import Problems, shown
from vizsla.data.records import is_empty

NO_TITLE = "-"
_RERANKER = "query, title, passage, label"
_LABELS = {"0": False, "1": True}


def read_examples(path: str | Path, *, problems: Problems) -> Iterator[PlacedExample]:
    """Every example, with its place; lines of four columns that follow each other with one query are one example.

    Raises:
        DataError: neither four nor six columns, or a label that is not 0 or 1.
    """
    rows = tsv.rows(path, _RERANKER, problems=problems, also=6)
    for (query, width), group in groupby(rows, key=lambda row: (row[0][0], len(row[0]))):
        if width == 6:
            yield from (_pair(fields, where, problems) for fields, where in group)
        else:
            yield _labelled(query, list(group), problems)


def write_examples(path: str | Path, examples: Iterable[Example], *, problems: Problems) -> int:
    """Write a line of four columns for every passage, positives first, compressed as named; returns how many.

    Raises:
        DataError: an example without texts.
    """
    return tsv.write_rows(path, _lines(path, examples, problems))


def write_pairs(path: str | Path, examples: Iterable[Example], *, problems: Problems) -> int:
    """Write a line of six columns for every positive with every negative; returns how many.

    Raises:
        DataError: an example without texts.
    """
    return tsv.write_rows(path, _pairs(path, examples, problems))


def _labelled(query: str, rows: list[tuple[list[str], str]], problems: Problems) -> PlacedExample:
    kept: dict[bool, list[Passage]] = {True: [], False: []}
    for (_, title, text, label), where in rows:
        if label.strip() not in _LABELS:
            raise DataError(f"{where}: found {shown(label)} as a label; wanted 0 or 1")
        kept[_LABELS[label.strip()]] += _passages(title, text, where, problems)
    place = rows[0][1]
    if is_empty(query):
        problems.note("empty_query", place, query)
    return Example(query, tuple(kept[True]), tuple(kept[False])), place


def _pair(fields: list[str], where: str, problems: Problems) -> PlacedExample:
    query, title, text, other_title, other_text, _ = fields
    if is_empty(query):
        problems.note("empty_query", where, query)
    right, wrong = _passages(title, text, where, problems), _passages(other_title, other_text, where, problems)
    return Example(query, tuple(right), tuple(wrong)), where


def _passages(title: str, text: str, where: str, problems: Problems) -> list[Passage]:
    passage = Passage("", text, "" if title.strip() in ("", NO_TITLE) else title)
    if is_empty(text, passage.title):
        problems.note("empty", where, text)
        return []
    return [passage]


def _lines(path: str | Path, examples: Iterable[Example], problems: Problems) -> Iterator[tuple[str, ...]]:
    for example in examples:
        require_texts(example, str(path))
        query = tsv.on_one_line(example.query, example.query, problems)
        for label, passages in (("1", example.positives), ("0", example.negatives)):
            for passage in passages:
                yield query, *_columns(passage, problems), label


def _pairs(path: str | Path, examples: Iterable[Example], problems: Problems) -> Iterator[tuple[str, ...]]:
    for example in examples:
        require_texts(example, str(path))
        query = tsv.on_one_line(example.query, example.query, problems)
        for positive in example.positives:
            for negative in example.negatives:
                yield query, *_columns(positive, problems), *_columns(negative, problems), "0"


def _columns(passage: Passage, problems: Problems) -> tuple[str, str]:
    title, text = (tsv.on_one_line(one, passage.id, problems) for one in (passage.title, passage.text))
    return title or NO_TITLE, text
