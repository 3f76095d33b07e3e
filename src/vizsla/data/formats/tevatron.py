"""Tevatron: training examples and a corpus as JSONL, in both of its generations.

Newer lines name passages by id; older ones hold them, as `positive_passages` and `negative_passages`.
Knows the keys of both (docs/formats/tevatron.md), both ways. Refuses to know the texts behind ids, and images.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.examples import Example, PlacedExample, require_texts
from vizsla.data.formats import jsonl
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedPassage, is_empty, make_id, make_text

_SIDES = ("positive", "negative")


def read_examples(path: str | Path, *, problems: Problems) -> Iterator[PlacedExample]:
    """Every example of either generation, with its place.

    Raises:
        DataError: a line that is not such an object.
    """
    for _, values, where in jsonl.objects(path, problems=problems):
        newer = "positive_document_ids" in values
        query = make_text(jsonl.value_of(values, "query_text" if newer else "query", where), where, "the query")
        if is_empty(query):
            problems.note("empty_query", where, query)
        read = _named if newer else _held
        positives, negatives = (tuple(read(values, side, where, problems)) for side in _SIDES)
        id_ = values.get("query_id")
        yield Example(query, positives, negatives, query_id="" if id_ is None else make_id(id_, where)), where


def read_passages(path: str | Path, *, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of a corpus, with its place; its text stands under either generation's key.

    Raises:
        DataError: a line that is not such an object.
    """
    for _, values, where in jsonl.objects(path, problems=problems):
        id_ = make_id(jsonl.value_of(values, "docid", where), where)
        passage = Passage(id_, _text(values, where), make_text(values.get("title"), where, "title"))
        if is_empty(passage.text, passage.title):
            problems.note("empty", where, id_)
        else:
            yield passage, where


def write_examples(path: str | Path, examples: Iterable[Example]) -> int:
    """Write examples of the older generation, which holds texts; returns how many.

    Raises:
        DataError: an example without texts.
    """
    return jsonl.write_objects(path, (_older(require_texts(one, str(path))) for one in examples))


def write_named_examples(path: str | Path, examples: Iterable[Example]) -> int:
    """Write examples of the newer generation, which names passages by id; returns how many.

    Raises:
        DataError: a query without id or text, or a passage without id.
    """
    return jsonl.write_objects(path, (_newer(one, path) for one in examples))


def write_passages(path: str | Path, passages: Iterable[Passage]) -> int:
    """Write a corpus; returns how many passages."""
    return jsonl.write_objects(path, ({"docid": one.id, "title": one.title, "text": one.text} for one in passages))


def _named(values: dict[str, Any], side: str, where: str, _: Problems) -> Iterator[Passage]:
    for id_ in _list(values, f"{side}_document_ids", where):
        yield Passage(make_id(id_, where), "")


def _held(values: dict[str, Any], side: str, where: str, problems: Problems) -> Iterator[Passage]:
    for one in _list(values, f"{side}_passages", where):
        if type(one) is not dict:
            raise DataError(f'{where}: found {shown(one)} as a passage; wanted {{"docid", "title", "text"}}')
        id_ = one.get("docid")
        passage = Passage(
            "" if id_ in (None, "") else make_id(id_, where),
            _text(one, where),
            make_text(one.get("title"), where, "title"),
        )
        if is_empty(passage.text, passage.title):
            problems.note("empty", where, id_)
        else:
            yield passage


def _text(values: dict[str, Any], where: str) -> str:
    key = "text" if "text" in values else "document_text"
    return make_text(jsonl.value_of(values, key, where), where, key)


def _list(values: dict[str, Any], key: str, where: str) -> list[Any]:
    found = jsonl.value_of(values, key, where) if key.startswith(_SIDES[0]) else values.get(key)
    if found is not None and not isinstance(found, list):
        raise DataError(f"{where}: found {key} = {shown(found)}; wanted a list")
    return found or []


def _older(example: Example) -> dict[str, Any]:
    sides = zip(_SIDES, (example.positives, example.negatives), strict=True)
    lists = {
        f"{side}_passages": [{"docid": one.id, "title": one.title, "text": one.text} for one in passages]
        for side, passages in sides
    }
    return {"query_id": example.query_id or None, "query": example.query, **lists}


def _newer(example: Example, path: str | Path) -> dict[str, Any]:
    sides = zip(_SIDES, (example.positives, example.negatives), strict=True)
    ids = {f"{side}_document_ids": [one.id for one in passages] for side, passages in sides}
    if not example.query_id or not example.query or not all(all(side) for side in ids.values()):
        found = (
            f"the query {shown(example.query or example.query_id)} that lacks an id or its text, or whose passages do"
        )
        raise DataError(f"{path}: found {found}; wanted ids: the older generation holds texts")
    return {"query_id": example.query_id, "query_text": example.query, **ids}
