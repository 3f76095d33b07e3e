"""Views: what one commit left, its segments opened.

A reader that finds a segment gone looks at the log again: it was merged into another one in between. What is open
stays readable, whatever writers do. Knows the log and segments; refuses to know queries.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from vizsla.collections.live import Int64s, locate
from vizsla.collections.log import CommitLog, State
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.segment import Segment
from vizsla.collections.settings import CollectionSettings
from vizsla.core.artifacts import MANIFEST
from vizsla.core.errors import ArtifactError
from vizsla.core.vectors import Bitmap

SEGMENTS = "segments"
_TRIES = 100
_PAUSE_S = 0.01
_Open: TypeAlias = dict[str, tuple[Segment, tuple[int, ...]]]
"""Open segments by name, and which manifest stood there when each was opened."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One state of a collection, opened.

    Attributes:
        state: what the log said.
        settings: the collection's.
        schema: of the metadata.
        segments: the live ones, in order of positions.
    """

    state: State
    settings: CollectionSettings
    schema: Schema
    segments: tuple[Segment, ...]

    @property
    def dead(self) -> list[Bitmap | None]:
        """Of each segment, which rows are dead; None where none is."""
        return [one.dead for one in self.state.segments]

    def locate(self, ids: Sequence[str]) -> tuple[Int64s, Int64s]:
        """Where ids live: the place of the segment, -1 where an id is absent, and the row in it; (m,) each."""
        return locate(self.segments, self.dead, ids)


class Views:
    """Opens the collection in a folder, and keeps open what it has in common with the state before.

    Args:
        folder: the collection's.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.log = CommitLog(folder)
        self._last: View | None = None
        self._open: _Open = {}
        self._lock = threading.Lock()

    def latest(self) -> View:
        """The last commit's view; the same object as long as nothing was committed.

        Raises:
            ArtifactError: no collection, or a segment that is missing or damaged.
            IncompatibleError: of a newer release.
        """
        with self._lock:
            if self._last is not None and self.log.is_last(self._last.state):
                return self._last
            for _ in range(_TRIES):
                state = self.log.read()
                try:
                    self._last = self._opened(state)
                except ArtifactError:
                    if self.log.is_last(state):
                        raise  # no writer took it away: it is missing or damaged
                    time.sleep(_PAUSE_S)
                else:
                    return self._last
        raise ArtifactError(f"{self.folder}: changed {_TRIES} times while it was opened; try again when writers rest")

    def place(self, name: str) -> Path:
        """Where the segment of a name stands."""
        return self.folder / SEGMENTS / name

    def _opened(self, state: State) -> View:
        settings = CollectionSettings.from_mapping(state.settings, where=str(self.folder))
        schema = Schema(state.schema)
        last = self._last
        if last is not None and last.settings != settings:
            what = "found another collection where this one stood, made with other settings"
            raise ArtifactError(f"{self.folder}: {what}; open it again")
        # The names of segments begin anew in another file, and a list's kind may become known later.
        same = last is not None and (last.state.file, last.schema) == (state.file, schema)
        known: _Open = self._open if same else {}
        opened: _Open = {}
        for live in state.segments:
            found = _written(self.place(live.name))
            segment, written = known.get(live.name, (None, found))
            if segment is None or found not in ((), written):  # a copy was restored over the one that is open
                segment, written = self._loaded(live.name, settings, schema), found
            if len(segment) != live.size:
                rows = f"{len(segment)} rows; wanted {live.size}, as the log says"
                raise ArtifactError(f"{segment.folder}: found {rows}: restore the collection from a copy")
            opened[live.name] = segment, written
        self._open = opened
        return View(state, settings, schema, tuple(one for one, _ in opened.values()))

    def _loaded(self, name: str, settings: CollectionSettings, schema: Schema) -> Segment:
        place = self.place(name)
        if not place.is_dir():
            raise ArtifactError(f"{place}: missing, though the log names it; restore the collection from a copy")
        return Segment.load(place, settings, schema)


def _written(place: Path) -> tuple[int, ...]:
    """Which manifest stands there, and of when; nothing where it is gone."""
    try:
        found = (place / MANIFEST).stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns
