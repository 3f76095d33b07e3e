"""Views: what one commit left, its segments opened.

A reader that finds a segment gone looks at the log again: it was merged into another one in between. What is open
stays readable, whatever writers do. Knows the log and segments; refuses to know queries.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vizsla.collections.live import Int64s, locate
from vizsla.collections.log import CommitLog, State
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.segment import Segment
from vizsla.collections.settings import CollectionSettings
from vizsla.core.errors import ArtifactError
from vizsla.core.vectors import Bitmap

SEGMENTS = "segments"
_TRIES = 100
_PAUSE_S = 0.01


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
        known: dict[str, Segment] = {}
        last = self._last
        if last is not None and last.settings != settings:
            found = "found another collection where this one stood, made with other settings"
            raise ArtifactError(f"{self.folder}: {found}; open it again")
        # The names of segments begin anew in another file, and a list's kind may become known later.
        if last is not None and (last.state.file, last.schema) == (state.file, schema):
            known = {one.name: one for one in last.segments}
        segments = []
        for live in state.segments:
            segment = known.get(live.name) or self._loaded(live.name, settings, schema)
            if len(segment) != live.size:
                found = f"{len(segment)} rows; wanted {live.size}, as the log says"
                raise ArtifactError(f"{segment.folder}: found {found}: restore the collection from a copy")
            segments.append(segment)
        return View(state, settings, schema, tuple(segments))

    def _loaded(self, name: str, settings: CollectionSettings, schema: Schema) -> Segment:
        place = self.place(name)
        if not place.is_dir():
            raise ArtifactError(f"{place}: missing, though the log names it; restore the collection from a copy")
        return Segment.load(place, settings, schema)
