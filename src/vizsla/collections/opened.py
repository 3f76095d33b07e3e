"""An opened collection: everything that reads, in any number of processes, also while another one writes.

Knows views, and what a snapshot is asked for. Refuses to change anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vizsla.collections import verifying
from vizsla.collections.encoding import Encoders
from vizsla.collections.views import Views
from vizsla.core.protocols import Passage


@dataclass(frozen=True, slots=True)
class Info:
    """What a collection holds.

    Attributes:
        passages: how many.
        dead: rows that wait for a merge to drop them.
        segments: rows of each, in order.
        size_bytes: on the disk.
        commit: the number of the last one.
        encoders: kinds by name.
        models: places by name.
        language: of the analyzer, and what was chosen.
        fields: kinds of metadata by name.
        pipelines: texts by name.
    """

    passages: int
    dead: int
    segments: tuple[int, ...]
    size_bytes: int
    commit: int
    encoders: Mapping[str, str]
    models: Mapping[str, str]
    language: str
    fields: Mapping[str, str]
    pipelines: Mapping[str, str]


class OpenedCollection:
    """A collection to read.

    Args:
        folder: the collection's.
        models: where models are that have moved since it was created, by name.

    Raises:
        ArtifactError: no collection, or a segment that is missing or damaged.
        IncompatibleError: of a newer release.
    """

    def __init__(self, folder: str | Path, *, models: Mapping[str, str] | None = None) -> None:
        self.views = Views(folder)
        self.encoders = Encoders(self.views.latest().settings, models)

    @property
    def folder(self) -> Path:
        """Where it stands."""
        return self.views.folder

    def __len__(self) -> int:
        return sum(one.kept for one in self.views.latest().state.segments)

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and self.get(id_) is not None

    def get(self, id_: str) -> Passage | None:
        """The passage of an id; None where there is none."""
        return self.get_many([id_])[0]

    def get_many(self, ids: Sequence[str]) -> list[Passage | None]:
        """The passage of each id; None where there is none."""
        view = self.views.latest()
        places, rows = view.locate(ids)
        found = zip(places.tolist(), rows.tolist(), strict=True)
        return [view.segments[place].passage(row) if place >= 0 else None for place, row in found]

    def export(self) -> Iterator[Passage]:
        """Every passage as it was added, in order of positions, as of the last commit before the first one is asked."""
        view = self.views.latest()
        for segment, dead in zip(view.segments, view.dead, strict=True):
            rows = np.arange(len(segment)) if dead is None else np.flatnonzero(~dead)
            for row in rows.tolist():
                yield segment.passage(row)

    def info(self) -> Info:
        """What it holds."""
        view = self.views.latest()
        segments, settings = view.state.segments, view.settings
        return Info(
            passages=sum(one.kept for one in segments),
            dead=sum(one.size - one.kept for one in segments),
            segments=tuple(one.size for one in segments),
            size_bytes=self.views.log.path.stat().st_size + sum(one.size_bytes for one in view.segments),
            commit=view.state.generation,
            encoders={one.name: one.kind for one in settings.encoders},
            models={one.name: one.model for one in settings.encoders if one.model},
            language=f"{settings.analyzer.language} ({settings.analyzer.chosen or 'as asked for'})",
            fields=dict(view.schema.fields),
            pipelines=view.state.pipelines,
        )

    def verify(self) -> int:
        """Read every byte, and compare what the parts say of each other; returns the bytes read.

        Raises:
            ArtifactError: names what is missing, altered or contradicts the rest.
        """
        return verifying.verify(self.views)
