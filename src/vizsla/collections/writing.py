"""Writing: the one writer of a collection, batch by batch, each of which is one commit.

While a batch is committed, the next one is encoded. What was committed stays whatever happens, so an addition that
was broken off is taken up by adding the same again. Memory: two batches, and what merging takes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import Literal

from vizsla.collections import filling
from vizsla.collections.changes import Alike, Change, Counts, plan
from vizsla.collections.committing import Commit, commit, sweep
from vizsla.collections.encoding import Encoders
from vizsla.collections.filling import Vectors
from vizsla.collections.frozen import Progress
from vizsla.collections.intake import Given, batches
from vizsla.collections.locking import locked
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.metadata.values import Kind
from vizsla.collections.segment import Rows
from vizsla.collections.views import Views
from vizsla.core.errors import ArtifactError, DataError, SettingsError
from vizsla.text.analyzer import Analyzer

_IDS = 1 << 16


class Writer:
    """Changes a collection; every method holds the writer's lock while it runs.

    Args:
        views: the collection's.
        encoders: its models.
    """

    def __init__(self, views: Views, encoders: Encoders) -> None:
        self._views = views
        self._encoders = encoders

    def put(
        self,
        given: Iterable[Given],
        *,
        replacing: bool,
        alike: Alike | None = None,
        progress: Progress | None = None,
    ) -> Counts:
        """Add passages, or replace what stands under their ids.

        Raises:
            DataError: something that is no passage; or, not replacing, an id that exists with other content.
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written.
        """
        counts, before = Counts(), Change()
        encoded: Future[Vectors] | None = None
        total = len(given) if isinstance(given, Sequence) else 0
        what, done = "updating" if replacing else "adding", 0
        with self._changing(), ThreadPoolExecutor(1, thread_name_prefix="encode") as thread:
            for batch in batches(given):
                change = plan(batch, self._views.latest(), before, replacing=replacing, alike=alike)
                ahead = thread.submit(filling.vectors, change, self._encoders)
                if encoded is not None:
                    self._commit(before, encoded, patient=True)
                counts, done, before, encoded = counts + change.counts, done + len(batch), change, ahead
                if progress is not None:
                    progress(what, done, max(total, done))
            if encoded is not None:
                self._commit(before, encoded, patient=False)
        return counts

    def delete(self, ids: Iterable[str]) -> Counts:
        """Remove passages; ids that are not there are counted.

        Raises:
            DataError: a text where ids are wanted.
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written.
        """
        if isinstance(ids, str):
            raise DataError(f"found the text {ids[:40]!r}; wanted ids: [{ids[:40]!r}]")
        wanted, died = list(dict.fromkeys(ids)), 0
        if wrong := [one for one in wanted if not isinstance(one, str)]:
            raise DataError(f"found the id {wrong[0]!r} ({type(wrong[0]).__name__}); wanted texts")
        with self._changing():
            for begin in range(0, len(wanted), _IDS):
                died += commit(self._views, Commit(removed=wanted[begin : begin + _IDS]), self._analyzer)
        return Counts(deleted=died, absent=len(wanted) - died)

    def compact(self) -> None:
        """Make one segment of all, without what is dead.

        Raises:
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written, or a segment was altered.
        """
        with self._changing():
            commit(self._views, Commit(whole=True), self._analyzer)

    def keep(self, kind: Literal["pipelines", "rerankers"], name: str, value: str | None) -> None:
        """Keep a pipeline's text or a reranker's place under a name, or with None forget it.

        Raises:
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written.
        """
        with self._changing():
            state = self._views.latest().state
            kept = {other: old for other, old in getattr(state, kind).items() if other != name}
            kept |= {} if value is None else {name: value}
            if kind == "pipelines":
                self._views.log.commit(state.segments, pipelines=kept)
            else:
                self._views.log.commit(state.segments, rerankers=kept)

    def keep_fields(self, fields: Mapping[str, Kind]) -> None:
        """Fix the kinds of fields that no passage has yet.

        Raises:
            SettingsError: a field that is of another kind already, or one that cannot be.
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written.
        """
        with self._changing():
            view = self._views.latest()
            known = view.schema.fields
            for name, kind in fields.items():
                if known.get(name, kind) != kind:
                    found = f"found the field '{name}' as {kind}, while the collection holds it as {known[name]}"
                    raise SettingsError(f"{found}; wanted the same: a field keeps its kind")
            schema = Schema({**known, **fields})
            self._views.log.commit(view.state.segments, schema=schema.fields)

    @cached_property
    def _analyzer(self) -> Analyzer:
        return Analyzer(self._views.latest().settings.analyzer)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        folder = self._views.folder
        self._views.log.generation()  # refuses what is no collection before a lock is put there
        with locked(folder):
            try:
                sweep(self._views, {one.name for one in self._views.latest().state.segments})
                yield
            except OSError as error:
                advice = "make room or choose another place; what was committed is whole"
                raise ArtifactError(f"{folder}: cannot be written ({error.strerror or error}); {advice}") from error

    def _commit(self, change: Change, encoded: "Future[Vectors]", *, patient: bool) -> None:
        rows = Rows(change.passages, change.metadata, encoded.result()) if change.passages else None
        schema = change.schema if rows and change.schema != self._views.latest().schema else None
        commit(self._views, Commit(change.replaced, rows, schema, patient=patient), self._analyzer)
