"""Judged: queries and judgements of several splits, gathered, brought together and told apart.

Knows splits by name; the empty name is a source without splits. Refuses to know files.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from vizsla.core.errors import DataError
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedGrade, PlacedQuery

Texts: TypeAlias = dict[str, str]
"""A query's text by its id."""

Grades: TypeAlias = dict[str, dict[str, int]]
"""A grade by passage id, by query id."""


def texts(queries: Iterable[PlacedQuery], problems: Problems) -> Texts:
    """Queries by id; of those with one id the first stays, the others are noted."""
    found: Texts = {}
    for id_, text, where in queries:
        if id_ in found:
            problems.note("duplicate_id", where, id_)
        else:
            found[id_] = text
    return found


def grades(judgements: Iterable[PlacedGrade], problems: Problems) -> Grades:
    """Judgements by query; of those of one pair the first stays, the others are noted."""
    found: Grades = {}
    for query, passage, grade, where in judgements:
        row = found.setdefault(query, {})
        if passage in row:
            problems.note("duplicate_judgement", where, f"{query} {passage}")
        else:
            row[passage] = grade
    return found


def merged(splits: Mapping[str, Texts]) -> Texts:
    """The queries of all splits in one.

    Raises:
        DataError: one id stands for two texts.
    """
    found: Texts = {}
    for split, queries in splits.items():
        for id_, text in queries.items():
            if found.setdefault(id_, text) != text:
                two = f"the query {shown(id_)} as {shown(found[id_])} and, in the split '{split}', as {shown(text)}"
                raise DataError(f"found {two}; wanted one text an id: take one split at a time")
    return found


def told_apart(queries: Texts, judged: Mapping[str, Grades]) -> dict[str, Texts]:
    """The queries of a source without splits, each where it is judged; those that are judged nowhere are left out.

    >>> told_apart({"a": "?", "b": "!"}, {"dev": {"b": {"p": 1}}})
    {'dev': {'b': '!'}}
    """
    return {split: {query: queries[query] for query in rows if query in queries} for split, rows in judged.items()}
