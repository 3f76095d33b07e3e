"""Exporting: a collection's passages as JSON lines or as a BEIR corpus, with their vectors on wish.

What JSON lines hold, `add` takes again. Knows one view; refuses to know what is searched.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vizsla.collections.parts import DensePart, Part
from vizsla.collections.segment import Segment
from vizsla.collections.views import View
from vizsla.core.errors import SettingsError
from vizsla.core.protocols import Passage
from vizsla.data.formats.jsonl import write_objects

Form = Literal["jsonl", "beir"]
_BLOCK = 1024


def passages(view: View) -> Iterator[Passage]:
    """Every passage as it was added, in order of positions."""
    for segment, rows in _blocks(view):
        yield from segment.passages(rows)


def write(view: View, path: str | Path, *, form: Form = "jsonl", vectors: Sequence[str] = ()) -> int:
    """Write every passage, one JSON object a line, compressed as the file is named; returns how many.

    Args:
        view: what is written.
        path: the file; for BEIR the folder, whose `corpus.jsonl` is written.
        form: `jsonl` has id, text, and what there is of title, metadata and parent; `beir` has its own names.
        vectors: encoders whose vectors are written too: a list of numbers, or weights by column.

    Raises:
        SettingsError: another form, or an encoder that is no model of the collection.
        DataError: a file that cannot be written.
    """
    for name in vectors:
        if not view.settings.encoder(name).model:
            raise SettingsError(f"found '{name}', whose vectors are counts of terms; wanted the name of a model")
    if form not in ("jsonl", "beir"):
        raise SettingsError(f"found the form '{form}'; wanted 'jsonl' or 'beir'")
    place = Path(path)
    if form == "beir":
        place = place / "corpus.jsonl"
    told = (
        _object(one, form) | _vectors(segment, row, vectors)
        for segment, rows in _blocks(view)
        for row, one in zip(rows.tolist(), segment.passages(rows), strict=True)
    )
    return write_objects(place, told)


def _blocks(view: View) -> Iterator[tuple[Segment, npt.NDArray[np.int64]]]:
    """The live rows, so many at a time."""
    for segment, dead in zip(view.segments, view.dead, strict=True):
        rows = np.arange(len(segment)) if dead is None else np.flatnonzero(~dead)
        for begin in range(0, len(rows), _BLOCK):
            yield segment, rows[begin : begin + _BLOCK]


def _object(one: Passage, form: Form) -> dict[str, Any]:
    if form == "beir":
        said = dict(one.metadata) | ({"parent": one.parent} if one.parent else {})
        return {"_id": one.id, "title": one.title, "text": one.text, "metadata": said}
    optional = {"title": one.title, "metadata": dict(one.metadata), "parent": one.parent}
    return {"id": one.id, "text": one.text, **{name: value for name, value in optional.items() if value}}


def _vectors(segment: Segment, row: int, names: Sequence[str]) -> dict[str, Any]:
    return {"vectors": {name: _vector(segment.parts[name], row) for name in names}} if names else {}


def _vector(part: Part, row: int) -> list[float] | dict[str, float]:
    if isinstance(part, DensePart):
        dense: list[float] = part.index.vectors[row].tolist()
        return dense
    held = part.index.contents.rows(row, row + 1)
    return dict(zip(map(str, held.terms.tolist()), held.values.tolist(), strict=True))
