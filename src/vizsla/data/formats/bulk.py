"""Bulk: the lines that Elasticsearch and OpenSearch index from, an action and a source in turn.

A source holds text for BM25, terms and weights for a `rank_features` or `sparse_vector` field, and a vector for a
`dense_vector` or `knn_vector` field. Knows these lines, both ways. Refuses to know mappings and the network.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.formats import jsonl
from vizsla.data.problems import Problems, shown
from vizsla.data.records import TermWeights, finite_number, is_empty, make_id, make_text

_ACTIONS = ("index", "create")
_SMALLEST = 2.0**-126  # the smallest normal float32: Lucene's features hold nothing below it


@dataclass(frozen=True, slots=True)
class BulkFields:
    """What an action and its source name things.

    Attributes:
        index: the index that actions name; empty where the request's path names it.
        title: the field of titles.
        text: the field of texts.
        weights: the field of terms and weights.
        vector: the field of dense vectors.
        dot: what stands for a dot in a term, which these fields refuse; empty makes a dot an error.
    """

    index: str = ""
    title: str = "title"
    text: str = "text"
    weights: str = "weights"
    vector: str = "vector"
    dot: str = ""


class BulkRecord(NamedTuple):
    """A passage with its terms and weights and its dense vector, where there are any."""

    passage: Passage
    weights: Mapping[str, float] | None = None
    vector: Sequence[float] | None = None


def read(path: str | Path, *, fields: BulkFields | None = None, problems: Problems) -> Iterator[tuple[BulkRecord, str]]:
    """Every source that is indexed or created, with its place; what it holds besides is passed over.

    Raises:
        DataError: a line that is not JSON, another action, one without a source, or a value of another type.
    """
    names, waiting = fields or BulkFields(), None
    strict = Problems(strict=True)  # a line that is passed over would pair an action with another's source
    for _, values, where in jsonl.objects(path, problems=strict):
        if waiting is None:
            waiting = _action(values, where)
        else:
            record = _record(waiting, values, names, where)
            if is_empty(record.passage.text, record.passage.title) and not (record.weights or record.vector):
                problems.note("empty", where, waiting)
            else:
                yield record, where
            waiting = None
    if waiting is not None:
        raise DataError(f"{path}: found an action for {shown(waiting)} without a source; wanted one on the next line")


def write(path: str | Path, records: Iterable[BulkRecord], *, fields: BulkFields | None = None) -> int:
    """Write an action and a source for each record, compressed as the file is named; returns how many records.

    Raises:
        DataError: a weight that these fields refuse, or a number that is not finite.
    """
    names = fields or BulkFields()
    return jsonl.write_objects(path, (line for one in records for line in _lines(one, names))) // 2


def weights_of(record: BulkRecord) -> TermWeights:
    """A record as terms and weights; none where it has no such field."""
    return TermWeights(record.passage.id, record.weights or {}, record.passage.text)


def write_passages(path: str | Path, passages: Iterable[Passage], *, fields: BulkFields | None = None) -> int:
    """Write passages for BM25; returns how many."""
    return write(path, map(BulkRecord, passages), fields=fields)


def write_weights(path: str | Path, passages: Iterable[TermWeights], *, fields: BulkFields | None = None) -> int:
    """Write terms and weights, and texts where they are known; returns how many.

    Raises:
        DataError: a weight that is not above 0, or a term with a dot in it.
    """
    return write(path, (BulkRecord(Passage(one.id, one.text), one.weights) for one in passages), fields=fields)


def _action(values: dict[str, Any], where: str) -> str:
    name = next(iter(values), "")
    about = values.get(name)
    if len(values) != 1 or name not in _ACTIONS or type(about) is not dict:
        raise DataError(f'{where}: found {shown(values)}; wanted an action such as {{"index": {{"_id": "1"}}}}')
    return make_id(jsonl.value_of(about, "_id", where), where)


def _record(id_: str, values: dict[str, Any], names: BulkFields, where: str) -> BulkRecord:
    title, text = (make_text(values.get(key), where, key) for key in (names.title, names.text))
    weights, vector = values.get(names.weights), values.get(names.vector)
    if not (weights is None or type(weights) is dict) or not (vector is None or isinstance(vector, list)):
        found = f"{names.weights} = {shown(weights)} and {names.vector} = {shown(vector)}"
        raise DataError(f"{where}: found {found}; wanted an object of weights and a list of numbers")
    return BulkRecord(
        Passage(id_, text, title),
        weights and {term: finite_number(weight, where, f"the weight of {term!r}") for term, weight in weights.items()},
        vector and [finite_number(one, where, "a number of the vector") for one in vector],
    )


def _lines(one: BulkRecord, names: BulkFields) -> Iterator[dict[str, Any]]:
    about = {"_index": names.index} if names.index else {}
    yield {"index": {**about, "_id": one.passage.id}}
    source: dict[str, Any] = {names.title: one.passage.title} if one.passage.title else {}
    if one.passage.text:
        source[names.text] = one.passage.text
    if one.weights is not None:
        source[names.weights] = _weights(one, names)
    if one.vector is not None:
        source[names.vector] = [finite_number(float(value), one.passage.id, "a number") for value in one.vector]
    yield source


def _weights(one: BulkRecord, names: BulkFields) -> dict[str, float]:
    found: dict[str, float] = {}
    for term, weight in (one.weights or {}).items():
        key = term.replace(".", names.dot or ".")
        if not term or "." in key or key in found or not _SMALLEST <= weight < float("inf"):
            wanted = "weights above 0 and terms without dots, each once: say what stands for a dot"
            raise DataError(f"{one.passage.id}: found {shown(term)} with the weight {weight}; wanted {wanted}")
        found[key] = weight
    return found
