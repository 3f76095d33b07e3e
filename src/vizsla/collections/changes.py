"""Changes: what a batch of passages comes to, told apart before anything is encoded.

Against the collection and the batch before, which may not be committed yet, each passage is new, the same, or another
under an id that exists; and where only its metadata is another, its vectors are copied. Refuses to know files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from vizsla.collections.metadata.schema import Schema, to_json
from vizsla.collections.metadata.values import Row
from vizsla.collections.segment import Segment, read_metadata
from vizsla.collections.views import View
from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.problems import shown

Told: TypeAlias = tuple[Passage, Row]
Source: TypeAlias = tuple[Segment, int]
Found: TypeAlias = tuple[Told, Source | None]
Alike: TypeAlias = Callable[[Passage], str | None]
"""Names a passage whose title and text are probably the same, under another id; None where none is known."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a change came to, in passages.

    Attributes:
        added: new ones.
        replaced: others under ids that existed.
        unchanged: equal ones, which nothing was done about.
        deleted: removed ones.
        absent: ids to be removed that were not there.
    """

    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    deleted: int = 0
    absent: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What is to be written of one batch.

    Attributes:
        passages: the rows to be.
        metadata: theirs, in normal form.
        schema: with the fields that they bring.
        replaced: ids among theirs that existed.
        sources: rows whose vectors theirs are, by place among the passages.
        counts: of the batch.
    """

    passages: list[Passage] = field(default_factory=list)
    metadata: list[Row] = field(default_factory=list)
    schema: Schema = field(default_factory=Schema)
    replaced: list[str] = field(default_factory=list)
    sources: dict[int, Source] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)

    @property
    def known(self) -> dict[str, Told]:
        """The passages by id, for the batch behind them."""
        return {one.id: (one, row) for one, row in zip(self.passages, self.metadata, strict=True)}


def plan(
    batch: Sequence[Passage], view: View, before: Change, *, replacing: bool, alike: Alike | None = None
) -> Change:
    """What a batch comes to.

    Args:
        batch: passages, ids among them perhaps more than once.
        view: the collection.
        before: the batch before this one, which is not committed yet.
        replacing: whether another passage may take an id that exists, and the last of one id counts.
        alike: where vectors may be copied from for a text that is new under its id; it is compared before.

    Raises:
        DataError: metadata of another kind than its field; or, not replacing, an id that exists with other content.
    """
    widest = Schema({**view.schema.fields, **before.schema.fields})
    schema, rows = read_metadata(batch, widest)
    told = _once(batch, rows, replacing=replacing)
    found = _existing([one.id for one, _ in told], view, before)
    change = Change(schema=schema)
    unchanged = len(batch) - len(told)
    for passage, row in told:
        old = found.get(passage.id)
        if old and _content(*old[0]) == _content(passage, row):
            unchanged += 1
            continue
        if old:
            if not replacing:
                raise DataError(_conflict(passage, old[0][0], "the collection holds"))
            change.replaced.append(passage.id)
            if old[1] and (old[0][0].title, old[0][0].text) == (passage.title, passage.text):
                change.sources[len(change.passages)] = old[1]
        change.passages.append(passage)
        change.metadata.append(row)
    if alike is not None:
        _copy_alike(change, view, alike)
    replaced = len(change.replaced)
    return replace(change, counts=Counts(len(change.passages) - replaced, replaced, unchanged))


def _copy_alike(change: Change, view: View, alike: Alike) -> None:
    """Note rows of the same title and text for passages that would be encoded otherwise."""
    fresh = [place for place in range(len(change.passages)) if place not in change.sources]
    named = [(place, other) for place in fresh if (other := alike(change.passages[place])) is not None]
    segments, rows = view.locate([other for _, other in named])
    for (at, _), place, row in zip(named, segments.tolist(), rows.tolist(), strict=True):
        if place >= 0:
            segment, passage = view.segments[place], change.passages[at]
            found = segment.corpus.passage(row)
            if (found.title, found.text) == (passage.title, passage.text):
                change.sources[at] = (segment, row)


def _once(batch: Sequence[Passage], rows: Sequence[Row], *, replacing: bool) -> list[Told]:
    """Every id once: the last of each where replacing, else equal ones alone."""
    told: dict[str, Told] = {}
    for passage, row in zip(batch, rows, strict=True):
        old = told.get(passage.id)
        if old and not replacing:
            if _content(*old) != _content(passage, row):
                raise DataError(_conflict(passage, old[0], "the same call holds"))
            continue
        told.pop(passage.id, None)  # the last one stands where it came
        told[passage.id] = (passage, row)
    return list(told.values())


def _existing(ids: Sequence[str], view: View, before: Change) -> dict[str, Found]:
    """What stands under ids already, and in which row where that is committed."""
    found: dict[str, Found] = {}
    places, rows = view.locate(ids)
    for place in np.unique(places[places >= 0]).tolist():
        segment, at = view.segments[place], np.flatnonzero(places == place)
        told = zip(at.tolist(), segment.corpus.pairs(rows[at]), segment.metadata.many(rows[at]), strict=True)
        for one, (title, text), said in told:
            found[ids[one]] = ((Passage(ids[one], text, title), said), (segment, int(rows[one])))
    known = before.known
    found |= {id_: (known[id_], None) for id_ in ids if id_ in known}
    return found


def _content(passage: Passage, row: Row) -> tuple[str, str, bytes]:
    return passage.title, passage.text, to_json(row)


def _conflict(passage: Passage, other: Passage, where: str) -> str:
    found = (
        f"found the id {shown(passage.id)} for {shown(_said(passage))}, while {where} {shown(_said(other))} under it"
    )
    return f"{found}; wanted one content an id: give it another id, or replace what is there with `update`"


def _said(passage: Passage) -> str:
    return f"{passage.title}: {passage.text}" if passage.title else passage.text
