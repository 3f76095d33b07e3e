"""A collection: a folder of passages and every index over them, changed while it is searched.

What a user owns. Every change is on the disk when its method returns; a kill at any moment leaves what was committed.
Refuses to know how any part works.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from vizsla.collections.changes import Alike, Counts
from vizsla.collections.encoding import described
from vizsla.collections.frozen import Progress
from vizsla.collections.intake import Given
from vizsla.collections.locking import FILE as LOCK
from vizsla.collections.locking import locked
from vizsla.collections.log import FILE, CommitLog
from vizsla.collections.metadata.values import Kind
from vizsla.collections.opened import OpenedCollection
from vizsla.collections.settings import LEXICAL, CollectionSettings, mixed, named
from vizsla.collections.views import SEGMENTS
from vizsla.collections.writing import Writer
from vizsla.core import artifacts
from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.encoders.bm25 import BM25
from vizsla.indexes.quantised import RECALL
from vizsla.retrievers.pipeline import Pipeline, parse
from vizsla.text.settings import AUTO, AnalyzerSettings


class Collection(OpenedCollection):
    """A collection to read and to change; make one with `create`, or `open` a folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     dogs = Collection.create(f"{folder}/dogs")
    ...     counts = dogs.add([{"id": "a", "text": "Vizslas point at birds"}, {"id": "b", "text": "维兹拉犬"}])
    ...     counts.added, dogs.delete(["b", "c"]).deleted, len(dogs)
    (2, 1, 1)
    """

    @classmethod
    def create(
        cls,
        folder: str | Path,
        encoders: Sequence[str] = (LEXICAL,),
        *,
        language: str = AUTO,
        analyzer: AnalyzerSettings | None = None,
        bm25: BM25 | None = None,
        rerankers: Sequence[str] = (),
        recall: float = RECALL,
    ) -> "Collection":
        """Begin an empty collection.

        Args:
            folder: where it will stand: nothing, or an empty folder.
            encoders: "bm25", and models as NAME=MODEL, loaded once to learn what they are.
            language: of the words between ideographs; `auto` analyzes by script, run by run.
            analyzer: further settings of it; names the language then.
            bm25: its parameters, of the Lucene variant.
            recall: the share of the best by dense vectors that a search should find; 1 searches exactly.
            rerankers: models that pipelines may speak of, as NAME=MODEL.

        Raises:
            SettingsError: an encoder or a language that cannot be.
            ArtifactError: something stands at `folder`, or it cannot be written.
        """
        if analyzer is not None and language != AUTO:
            raise SettingsError(f"found language='{language}' beside an analyzer, which names its own; leave one out")
        if isinstance(encoders, str):
            raise SettingsError(f"found the text {encoders!r}; wanted a list of encoders: [{encoders!r}]")
        settings = CollectionSettings(described(encoders), mixed(analyzer, language=language), bm25 or BM25(), recall)
        place = Path(folder)
        try:
            _settle(place)
            with locked(place):
                CommitLog(place).create(settings.to_mapping(), dict(map(named, rerankers)))
            artifacts.flush(place)
            artifacts.flush(place.resolve().parent)
        except OSError as error:
            raise ArtifactError(f"{place}: cannot be written ({error.strerror}); choose another place") from error
        return cls(place)

    @classmethod
    def open(cls, folder: str | Path, *, models: Mapping[str, str] | None = None) -> "Collection":
        """Open a collection; models are loaded when they are first needed.

        Args:
            folder: the collection's.
            models: where models are that have moved since it was created, by name.

        Raises:
            ArtifactError: no collection, or a segment that is missing or damaged.
            IncompatibleError: of a newer release.
        """
        return cls(folder, models=models)

    def add(self, passages: Iterable[Given], *, progress: Progress | None = None) -> Counts:
        """Add passages, a few thousand a commit; those that are there with equal content are passed over.

        So an addition that was broken off is taken up by adding the same again, and up to a few thousand passages are
        added as a whole or not at all.

        Args:
            passages: `Passage`s, or dicts with id, text, and if there are any title, metadata and parent.
            progress: told what is done, how much of it, and of how much.

        Raises:
            DataError: something that is no passage, or an id that is there with other content.
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written.
        """
        return self._writer.put(passages, replacing=False, progress=progress)

    def update(
        self, passages: Iterable[Given], *, alike: Alike | None = None, progress: Progress | None = None
    ) -> Counts:
        """Replace what stands under the passages' ids, or add them; the last of one id counts.

        A passage whose metadata alone is another is not encoded again.

        Args:
            passages: as for `add`.
            alike: names for a passage another one of the collection with the same title and text, if it knows one:
                then its vectors are copied.
            progress: as for `add`.

        Raises:
            DataError: something that is no passage.
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written.
        """
        return self._writer.put(passages, replacing=True, alike=alike, progress=progress)

    def delete(self, ids: Iterable[str]) -> Counts:
        """Remove passages; ids that are not there are counted.

        Raises:
            DataError: a text where ids are wanted.
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written.
        """
        return self._writer.delete(ids)

    def compact(self) -> None:
        """Make one segment of all, without what was deleted; nothing is analyzed or encoded again.

        Raises:
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written, or a segment was altered.
        """
        self._writer.compact()

    def keep_fields(self, fields: Mapping[str, Kind]) -> None:
        """Say of which kinds fields of metadata are, where their first values would say another: dates, above all.

        Args:
            fields: "text", "number", "boolean", "date", "texts" or "numbers" by name.

        Raises:
            SettingsError: a field that is of another kind already, or one that cannot be.
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written.
        """
        self._writer.keep_fields(fields)

    def keep_pipeline(self, name: str, pipeline: str | Pipeline | None) -> None:
        """Keep a pipeline under a name; None forgets it. The one named 'default' is searched where none is named.

        Raises:
            SettingsError: an expression that cannot be read, or one that speaks of a stage that is not there.
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written.
        """
        if pipeline is not None:
            wanted = parse(pipeline) if isinstance(pipeline, str) else pipeline
            for stage in wanted.stages():
                self.encoders.settings.encoder(stage)
            pipeline = str(wanted)
        self._writer.keep("pipelines", name, pipeline)

    def keep_reranker(self, name: str, model: str | None) -> None:
        """Keep where the model of a reranker is, under the name that pipelines call it; None forgets it.

        Raises:
            OverloadedError: another process is writing.
            ArtifactError: the folder cannot be written.
        """
        self._writer.keep("rerankers", name, model)

    @cached_property
    def _writer(self) -> Writer:
        return Writer(self.views, self.encoders)


def _settle(place: Path) -> None:
    """Make the folders of a collection; what a killed creation left is taken up."""
    if (place / FILE).exists():
        return  # its log says whether it was ever begun
    place.mkdir(parents=True, exist_ok=True)
    if strange := sorted({one.name for one in place.iterdir()} - {SEGMENTS, LOCK}):
        raise ArtifactError(f"{place}: found '{strange[0]}' there; wanted nothing, or an empty folder")
    (place / SEGMENTS).mkdir(exist_ok=True)
