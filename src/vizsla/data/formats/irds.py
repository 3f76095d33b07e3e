"""ir_datasets: passages, queries and judgements by the id of a data set, `beir/scifact/test`.

That package reads them, and may fetch them first. Knows its iterators. Refuses to know what is
behind them. Needs the extra `ir-datasets`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vizsla.core.errors import DataError
from vizsla.core.extras import require
from vizsla.core.protocols import Passage
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedGrade, PlacedPassage, PlacedQuery, is_empty, make_id, make_text

EXTRA = "ir-datasets"
PREFIX = "ir_datasets:"
"""What stands before an id where a path could stand too."""

_QUERY_TEXTS = ("text", "title", "query")
_BODY = ("text", "body", "contents", "abstract")


def read_passages(name: str, *, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of a data set.

    Its text is the first of `text body contents abstract`, else what the package takes for its text.

    Raises:
        DataError: no such data set, one without passages, or data that cannot be had here.
        MissingExtraError: ir_datasets is not installed.
    """
    for number, one in enumerate(_records(name, "docs_iter"), 1):
        where = f"{PREFIX}{name}: passage {number}"
        title = make_text(getattr(one, "title", ""), where, "title")
        passage = Passage(make_id(one.doc_id, where), make_text(_body(one), where, "text"), title)
        if is_empty(passage.text, title):
            problems.note("empty", where, passage.id)
        else:
            yield passage, where


def read_queries(name: str, *, problems: Problems) -> Iterator[PlacedQuery]:
    """Every query of a data set; its text is the first of `text title query`.

    Raises:
        DataError: no such data set, one without queries, or data that cannot be had here.
        MissingExtraError: ir_datasets is not installed.
    """
    for number, one in enumerate(_records(name, "queries_iter"), 1):
        where = f"{PREFIX}{name}: query {number}"
        found = next((getattr(one, key) for key in _QUERY_TEXTS if hasattr(one, key)), None)
        text = make_text(one.default_text() if found is None else found, where, "text")
        if is_empty(text):
            problems.note("empty_query", where, one.query_id)
        yield make_id(one.query_id, where), text, where


def read_judgements(name: str) -> Iterator[PlacedGrade]:
    """Every judgement of a data set.

    Raises:
        DataError: no such data set, one without judgements, or data that cannot be had here.
        MissingExtraError: ir_datasets is not installed.
    """
    for number, one in enumerate(_records(name, "qrels_iter"), 1):
        where = f"{PREFIX}{name}: judgement {number}"
        yield make_id(one.query_id, where), make_id(one.doc_id, where), int(one.relevance), where


def kinds(name: str) -> tuple[bool, bool, bool]:
    """Whether a data set has passages, queries and judgements.

    Raises:
        DataError: no such data set.
        MissingExtraError: ir_datasets is not installed.
    """
    found = _dataset(name)
    return bool(found.has_docs()), bool(found.has_queries()), bool(found.has_qrels())


def _records(name: str, what: str) -> Iterator[Any]:
    found = _dataset(name)
    if not hasattr(found, what):
        raise DataError(f"{PREFIX}{name}: found no {what}; wanted a data set that has it: choose another")
    with _refusing(name):
        yield from getattr(found, what)()


def _dataset(name: str) -> Any:
    package = require("ir_datasets", extra=EXTRA)
    try:
        with _refusing(name):
            return package.load(name)
    except KeyError:
        raise DataError(f"found {shown(name)}; wanted the id of a data set of ir_datasets, such as vaswani") from None


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Turn what the package raises where data cannot be had into one of our errors."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        advice = "wanted data that is here or can be fetched: see the package's page of this data set"
        raise DataError(f"{PREFIX}{name}: cannot be read ({type(error).__name__}: {error}); {advice}") from error


def _body(one: Any) -> object:
    found = next((getattr(one, key) for key in _BODY if hasattr(one, key)), None)
    return one.default_text() if found is None else found
