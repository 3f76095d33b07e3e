"""An opened collection: everything that reads, in any number of processes, also while another one writes.

Knows views, and what a snapshot is asked for. Refuses to change anything.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

from vizsla.collections import explaining, exporting, results, verifying
from vizsla.collections.encoding import Encoders
from vizsla.collections.explaining import Question
from vizsla.collections.explanation import Explanation
from vizsla.collections.exporting import Form
from vizsla.collections.results import Result
from vizsla.collections.snapshot import Setup, Snapshot
from vizsla.collections.views import View, Views
from vizsla.core.protocols import Passage, Reranker
from vizsla.retrievers import pipeline as pipelines
from vizsla.retrievers.pipeline import Pipeline
from vizsla.text.analyzer import Analyzer


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
        rerankers: places by name.
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
    rerankers: Mapping[str, str]


class OpenedCollection:
    """A collection to read.

    Args:
        folder: the collection's.
        models: where models are that have moved since it was created, by name.

    Attributes:
        folder: where it stands.
        views: what commits left, opened.
        encoders: its models.

    Raises:
        ArtifactError: no collection, or a segment that is missing or damaged.
        IncompatibleError: of a newer release.
    """

    def __init__(self, folder: str | Path, *, models: Mapping[str, str] | None = None) -> None:
        self.folder = Path(folder)
        self.views = Views(folder)
        self.encoders = Encoders(self.views.latest().settings, models)
        self._snapshot: tuple[View, Snapshot] | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return sum(one.kept for one in self.views.latest().state.segments)

    def __contains__(self, id_: object) -> bool:
        return isinstance(id_, str) and self.get(id_) is not None

    def snapshot(self) -> Snapshot:
        """The passages as the last commit left them: the same object as long as nothing was committed.

        It stays as it is, and can be searched, whatever is written or merged after it.

        Raises:
            ArtifactError: a segment that is missing or damaged.
        """
        view = self.views.latest()
        with self._lock:
            if self._snapshot is None or self._snapshot[0] is not view:
                last, before = self._snapshot or (None, None)
                if last is None or last.state.file != view.state.file:
                    before = None  # another collection stands there now
                self._snapshot = view, Snapshot(view.segments, view.dead, self._setup(view), before)
            return self._snapshot[1]

    @overload
    def search(
        self, queries: str, k: int = 10, *, where: str | None = None, pipeline: str | Pipeline | None = None
    ) -> list[Result]: ...
    @overload
    def search(
        self, queries: list[str], k: int = 10, *, where: str | None = None, pipeline: str | Pipeline | None = None
    ) -> list[list[Result]]: ...
    def search(
        self, queries: str | list[str], k: int = 10, *, where: str | None = None, pipeline: str | Pipeline | None = None
    ) -> list[Result] | list[list[Result]]:
        """The k best passages for a query, or a list of them for each of several, as of the last commit.

        Args:
            queries: one, or a list.
            k: how many passages at most.
            where: a condition on metadata, as SQL writes it: "lang = 'zh' AND year >= 2020".
            pipeline: by name or as an expression; None for the one named 'default', else all encoders fused.

        Raises:
            SettingsError: a pipeline or a condition that cannot be.
        """
        asked = [queries] if isinstance(queries, str) else list(queries)
        found = results.search(self.snapshot(), asked, k, where=where, pipeline=pipeline)
        return found[0] if isinstance(queries, str) else found

    def explain(self, question: Question) -> Explanation:
        """Why a passage is in the answer to a query, or is not.

        Raises:
            SettingsError: a pipeline or a condition that cannot be.
        """
        return explaining.explain(self.snapshot(), question)

    def get(self, id_: str) -> Passage | None:
        """The passage of an id; None where there is none."""
        view = self.views.latest()
        places, rows = view.locate([id_])
        return view.segments[places[0]].passage(int(rows[0])) if places[0] >= 0 else None

    def export(self) -> Iterator[Passage]:
        """Every passage as it was added, in order of positions, as of the last commit before the first one is asked."""
        yield from exporting.passages(self.views.latest())

    def export_to(self, path: str | Path, *, form: Form = "jsonl", vectors: Sequence[str] = ()) -> int:
        """Write every passage to a file of JSON lines, or to the folder of a BEIR corpus; returns how many.

        Args:
            path: the file, compressed as it is named, or the folder.
            form: `jsonl`, which `add` takes again, or `beir`.
            vectors: encoders whose vectors are written too.

        Raises:
            SettingsError: another form, or an encoder that is no model of the collection.
            DataError: a file that cannot be written.
        """
        return exporting.write(self.views.latest(), path, form=form, vectors=vectors)

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
            rerankers=view.state.rerankers,
        )

    def verify(self) -> int:
        """Read every byte, and compare what the parts say of each other; returns the bytes read.

        Raises:
            ArtifactError: names what is missing, altered or contradicts the rest.
        """
        return verifying.verify(self.views)

    @cached_property
    def _analyzer(self) -> Analyzer:
        return Analyzer(self.views.latest().settings.analyzer)

    def _setup(self, view: View) -> Setup:
        places = view.state.rerankers

        def reranker(name: str) -> Reranker:
            return self.encoders.reranker(name, places.get(name, name))

        named = {name: pipelines.parse(text) for name, text in view.state.pipelines.items()}
        return Setup(view.settings, view.schema, self._analyzer, self.encoders.__getitem__, reranker, named)
