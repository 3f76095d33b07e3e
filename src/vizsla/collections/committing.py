"""Committing: a change becomes at most one new segment, and one transaction makes it live.

The segment is on the disk before the log names it; what the log no longer names is removed behind it. A kill in
between leaves a folder that nobody names, which the next writer removes. Only for the holder of the writer's lock.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vizsla.collections import merging, segment
from vizsla.collections.connection import ADVICE
from vizsla.collections.log import Live
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.segment import Making, Rows, Segment
from vizsla.collections.views import SEGMENTS, View, Views
from vizsla.core.errors import ArtifactError
from vizsla.core.vectors import Bitmap
from vizsla.text.analyzer import Analyzer

_OURS = re.compile(r"\d{8,}|\.\d{8,}\.unfinished-.+")
"""The names of segments and of drafts of them: the folder may be a link, or a disk of its own, with other things."""


@dataclass(frozen=True, slots=True, eq=False)
class Commit:
    """What one commit changes.

    Attributes:
        removed: ids whose rows die.
        rows: new ones; None where there are none.
        schema: of the metadata from now on; None where it stays.
        patient: whether more is on its way, so that merging can wait.
        whole: whether all becomes one segment without dead rows.
    """

    removed: Sequence[str] = ()
    rows: Rows | None = None
    schema: Schema | None = None
    patient: bool = False
    whole: bool = False


def commit(views: Views, change: Commit, analyzer: Analyzer) -> int:
    """Make a change live; returns how many rows died.

    Raises:
        DataError: rows that cannot be stored; nothing was changed.
        ArtifactError: the folder cannot be written; what was committed before is whole.
    """
    view = views.latest()
    live, died = _buried(view, change.removed)
    sizes = [one.kept for one in live] + ([len(change.rows.passages)] if change.rows else [])
    gone = [one.size - one.kept for one in live]
    begin = 0 if change.whole and (len(sizes) > 1 or any(gone)) else merging.first(sizes, gone, patient=change.patient)
    if not (died or change.rows or begin < len(sizes)):
        return 0
    name = f"{view.state.next_segment:08d}"
    if name in {one.name for one in view.state.segments}:  # writing it would replace what lives there
        raise ArtifactError(f"{views.log.path}: says that the next segment is '{name}', which is there: {ADVICE}")
    schema = change.schema or view.schema
    made = Making(view.settings, schema, analyzer)
    if begin < len(live):
        opened = [_under(one, view, schema) for one in view.segments[begin:]]
        rows = merging.merge(opened, [_kept(one) for one in live[begin:]], views.place(name), made, change.rows)
        live = [*live[:begin], Live(name, rows)]
    elif change.rows:
        segment.write(views.place(name), change.rows, made)
        live = [*live, Live(name, len(change.rows.passages))]
    live = [one for one in live if one.kept]
    plain = None if change.schema is None else dict(schema.fields)
    views.log.commit(live, schema=plain, next_segment=view.state.next_segment + 1)
    sweep(views, {one.name for one in live})
    return died


def sweep(views: Views, live: set[str]) -> None:
    """Remove every segment that is not live, and what killed writers left; what is open stays readable."""
    for folder in (views.folder / SEGMENTS).iterdir():
        if folder.name not in live and _OURS.fullmatch(folder.name):
            shutil.rmtree(folder, ignore_errors=True)


def _buried(view: View, ids: Sequence[str]) -> tuple[list[Live], int]:
    """The live segments with the rows of these ids dead, and how many these are."""
    live, died = list(view.state.segments), 0
    if not ids:
        return live, died
    places, rows = view.locate(ids)
    for place in np.unique(places[places >= 0]).tolist():
        old = live[place]
        dead = np.zeros(old.size, np.bool_) if old.dead is None else old.dead.copy()
        dead[rows[places == place]] = True
        live[place] = replace(old, dead=dead)
        died += live[place].size - live[place].kept - (old.size - old.kept)
    return live, died


def _kept(live: Live) -> Bitmap:
    return np.ones(live.size, np.bool_) if live.dead is None else ~live.dead


def _under(one: Segment, view: View, schema: Schema) -> Segment:
    """The segment with its metadata read under a schema: of a list, only that may say what its entries are."""
    return one if schema == view.schema else Segment.load(one.folder, view.settings, schema)
