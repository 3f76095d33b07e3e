"""Pyserini: JsonCollection, `id contents`, and JsonVectorCollection with `vector` besides.

A collection is one file or a folder of files ending in .jsonl or .json, one object a line. Vectors are terms and
weights; Pyserini indexes them with `--impact --pretokenized` when all are whole numbers. Knows these
keys, both ways. Refuses to know titles: in `contents` they are a first line like any other.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.formats import jsonl
from vizsla.data.impacts import impacts
from vizsla.data.opening import bare_suffix
from vizsla.data.problems import Problems, shown
from vizsla.data.records import (
    PlacedPassage,
    PlacedWeights,
    TermWeights,
    finite_number,
    is_empty,
    joined,
    make_id,
    make_text,
)

SUFFIXES = (".jsonl", ".json")


def read_passages(path: str | Path, *, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of a JsonCollection, with its place.

    Raises:
        DataError: no files, or a line that is not such an object.
    """
    for id_, values, where in _objects(path, problems):
        text = make_text(jsonl.value_of(values, "contents", where), where, "contents")
        if is_empty(text):
            problems.note("empty", where, id_)
        else:
            yield Passage(id_, text), where


def read_weights(path: str | Path, *, problems: Problems) -> Iterator[PlacedWeights]:
    """Every passage of a JsonVectorCollection, or of Seismic's `id content vector`, with its place.

    A passage without terms is kept.

    Raises:
        DataError: no files, a line that is not such an object, or a weight that is no finite number.
    """
    for id_, values, where in _objects(path, problems):
        vector = jsonl.value_of(values, "vector", where)
        if type(vector) is not dict:
            raise DataError(f"{where}: found vector = {shown(vector)}; wanted an object of terms and weights")
        weights = {term: finite_number(weight, where, f"the weight of {term!r}") for term, weight in vector.items()}
        text = make_text(values.get("contents", values.get("content")), where, "contents")
        yield TermWeights(id_, weights, text), where


def write_passages(path: str | Path, passages: Iterable[Passage]) -> int:
    """Write a JsonCollection; a title goes before its text with one space between. Returns how many."""
    return jsonl.write_objects(path, ({"id": one.id, "contents": joined(one)} for one in passages))


def write_weights(
    path: str | Path, passages: Iterable[TermWeights], *, scale: float | None = None, whole: bool = True
) -> int:
    """Write a JsonVectorCollection; returns how many passages.

    Args:
        path: where to, compressed as it is named.
        passages: terms and weights.
        scale: what weights are multiplied by before they are rounded; 100 is usual.
        whole: False keeps the weights as they are, for readers that take fractions.

    Raises:
        DataError: a weight that is no whole number where there is no scale, or one below 0.
    """
    return jsonl.write_objects(
        path,
        (
            {
                "id": one.id,
                "contents": one.text,
                "vector": impacts(one.weights, one.id, scale=scale) if whole else dict(one.weights),
            }
            for one in passages
        ),
    )


def _objects(path: str | Path, problems: Problems) -> Iterator[tuple[str, dict[str, Any], str]]:
    for file in _files(Path(path)):
        for _, values, where in jsonl.objects(file, problems=problems):
            yield make_id(jsonl.value_of(values, "id", where), where), values, where


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(one for one in path.iterdir() if bare_suffix(one) in SUFFIXES)
    if not files:
        raise DataError(f"{path}: found no files ending in {' or '.join(SUFFIXES)}; wanted a collection of Pyserini")
    return files
