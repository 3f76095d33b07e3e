"""MS MARCO: tab-separated id and text, triples of texts and top1000, all without a header.

Its qrels are TREC's (`trec.read_grades`). Knows these columns, both ways. Refuses to know titles,
which the format has none of: a title is written before its text with one space between.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.examples import Example, PlacedExample, require_texts
from vizsla.data.formats import tsv
from vizsla.data.opening import lines
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedPassage, PlacedQuery, is_empty, joined, make_id

_LOOKED_AT = 20  # lines, for two that are not blank
_ROW = "id, text"
_TRIPLE = "query, positive, negative"
_CANDIDATE = "query id, passage id, query, passage"


class Candidate(NamedTuple):
    """One line of top1000: a passage that a first stage found for a query."""

    query_id: str
    passage_id: str
    query: str
    passage: str


def refuse_header(path: str | Path) -> None:
    """See that a file that could be of this format does not begin with the names of its columns.

    It does if its first line is two words of two letters or more, and the second line is not.

    Raises:
        DataError: it does.
    """
    filled = [(number, line) for number, line in islice(lines(path), _LOOKED_AT) if line and not line.isspace()]
    if len(filled) < 2:
        return
    number = filled[0][0]
    first, second = (line.decode("utf-8", "replace").split("\t") for _, line in filled[:2])
    if len(first) == len(second) == 2 and _are_names(first) and not _are_names(second):
        found = f"{shown(first[0])} and {shown(first[1])}, which look like the names of columns"
        wanted = "id and text without a header: remove the line, or name the columns to read"
        raise DataError(
            f"{path}:{number}: found {found}; wanted {wanted}, or convert it from msmarco if it is no header"
        )


def _are_names(fields: list[str]) -> bool:
    return all(len(field) > 1 and field.replace("_", "").replace("-", "").isalpha() for field in fields)


def read_passages(path: str | Path, *, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of a collection, with its place.

    Raises:
        DataError: a line without exactly two columns, or an empty id.
    """
    for (id_, text), where in tsv.rows(path, _ROW, problems=problems):
        passage = Passage(make_id(id_, where), text)
        if is_empty(text):
            problems.note("empty", where, id_)
        else:
            yield passage, where


def read_queries(path: str | Path, *, problems: Problems) -> Iterator[PlacedQuery]:
    """Every query of a file, with its place; one without text is noted and kept, for it may be judged.

    Raises:
        DataError: a line without exactly two columns, or an empty id.
    """
    for (id_, text), where in tsv.rows(path, _ROW, problems=problems):
        if is_empty(text):
            problems.note("empty_query", where, id_)
        yield make_id(id_, where), text, where


def read_triples(path: str | Path, *, problems: Problems) -> Iterator[PlacedExample]:
    """Every triple of a query, a passage that answers it and one that does not, with its place.

    Raises:
        DataError: a line without exactly three columns.
    """
    for (query, positive, negative), where in tsv.rows(path, _TRIPLE, problems=problems):
        if is_empty(query):
            problems.note("empty_query", where, query)
        kept = [text for text in (positive, negative) if not is_empty(text)]
        if len(kept) < 2:
            problems.note("empty", where, query)
        else:
            yield Example(query, (Passage("", positive),), (Passage("", negative),)), where


def read_candidates(path: str | Path, *, problems: Problems) -> Iterator[tuple[Candidate, str]]:
    """Every line of top1000, with its place.

    Raises:
        DataError: a line without exactly four columns, or an empty id.
    """
    for fields, where in tsv.rows(path, _CANDIDATE, problems=problems):
        query_id, passage_id, query, passage = fields
        found = Candidate(make_id(query_id, where), make_id(passage_id, where), query, passage)
        if is_empty(query):
            problems.note("empty_query", where, query_id)
        if is_empty(passage):
            problems.note("empty", where, passage_id)
        else:
            yield found, where


def read_candidate_passages(path: str | Path, *, problems: Problems) -> Iterator[PlacedPassage]:
    """The passage of every line of top1000, with its place; one that several queries found comes as often.

    Raises:
        DataError: as `read_candidates`.
    """
    for one, where in read_candidates(path, problems=problems):
        yield Passage(one.passage_id, one.passage), where


def read_candidate_queries(path: str | Path, *, problems: Problems) -> Iterator[PlacedQuery]:
    """The query of every run of lines of top1000 that have the same one, with the first one's place.

    Raises:
        DataError: as `read_candidates`.
    """
    for (id_, text), group in groupby(read_candidates(path, problems=problems), key=lambda line: line[0][0:3:2]):
        yield id_, text, next(group)[1]


def write_passages(path: str | Path, passages: Iterable[Passage], *, problems: Problems) -> int:
    """Write a collection, compressed as it is named; returns how many passages."""
    return tsv.write_rows(path, ((one.id, tsv.on_one_line(joined(one), one.id, problems)) for one in passages))


def write_queries(path: str | Path, queries: Mapping[str, str], *, problems: Problems) -> int:
    """Write a file of queries, compressed as it is named; returns how many."""
    return tsv.write_rows(path, ((id_, tsv.on_one_line(text, id_, problems)) for id_, text in queries.items()))


def write_triples(path: str | Path, examples: Iterable[Example], *, problems: Problems) -> int:
    """Write every pair of a positive and a negative as a triple, compressed as named; returns how many.

    Raises:
        DataError: an example without the texts of its passages.
    """
    return tsv.write_rows(path, _triples(path, examples, problems))


def write_candidates(path: str | Path, candidates: Iterable[Candidate], *, problems: Problems) -> int:
    """Write a top1000 file, compressed as it is named; returns how many lines."""
    return tsv.write_rows(
        path,
        (
            (
                *one[:2],
                tsv.on_one_line(one.query, one.query_id, problems),
                tsv.on_one_line(one.passage, one[1], problems),
            )
            for one in candidates
        ),
    )


def _triples(path: str | Path, examples: Iterable[Example], problems: Problems) -> Iterator[tuple[str, str, str]]:
    for example in examples:
        require_texts(example, str(path))
        for positive in example.positives:
            for negative in example.negatives:
                texts = example.query, joined(positive), joined(negative)
                query, one, other = (tsv.on_one_line(text, example.query, problems) for text in texts)
                yield query, one, other
