"""What is handed in: dicts or passages, brought to one form and into batches.

Knows the keys of a dict and the size of a batch. Refuses to know what the collection holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import TypeAlias

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.core.settings import nearest
from vizsla.data.corpus_writer import one_line
from vizsla.data.problems import shown

Given: TypeAlias = Passage | Mapping[str, object]
"""A passage, or a dict with its fields: id, text, and if there are any title, metadata and parent."""

BATCH_PASSAGES = 4096
BATCH_BYTES = 16 << 20
_FIELDS = tuple(one.name for one in fields(Passage))
_TEXTS = ("id", "text", "title", "parent")


def batches(given: Iterable[Given]) -> Iterator[list[Passage]]:
    """Passages in their order, so many or so large at a time as one commit takes.

    Raises:
        DataError: something that is no passage; names its place.
    """
    batch: list[Passage] = []
    held = 0
    for place, one in enumerate(given):
        passage = _passage(one, place)
        batch.append(passage)
        held += len(passage.text)
        if len(batch) >= BATCH_PASSAGES or held >= BATCH_BYTES:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _passage(given: Given, place: int) -> Passage:
    passage = given if isinstance(given, Passage) else _from_mapping(given, place)
    for name in _TEXTS:
        value = getattr(passage, name)
        if not isinstance(value, str):
            raise DataError(f"passage {place}: found {name} = {shown(value)} ({type(value).__name__}); wanted a text")
    if not isinstance(passage.metadata, Mapping):
        found = f"found metadata of type {type(passage.metadata).__name__}"
        raise DataError(f"passage {place}: {found}; wanted fields and their values: {{'year': 2024}}")
    if not passage.id:
        raise DataError(f"passage {place}: found an empty id; wanted at least one character, its own in the collection")
    title = one_line(passage.title)
    return passage if title == passage.title else replace(passage, title=title)


def _from_mapping(given: object, place: int) -> Passage:
    if not isinstance(given, Mapping):
        raise DataError(f"passage {place}: found {type(given).__name__}; wanted a Passage, or a dict with id and text")
    for key in given:
        if key not in _FIELDS:
            hint = nearest(str(key), _FIELDS)
            raise DataError(f"passage {place}: found the key {shown(key)}; {hint}; what filters ask for is metadata's")
    missing = [name for name in ("id", "text") if name not in given]
    if missing:
        raise DataError(f"passage {place}: found no {missing[0]}; wanted a dict with id and text")
    return Passage(**given)
