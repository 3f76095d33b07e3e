"""A segment: passages that were added together, or merged, with every index over them; frozen and mapped.

One artifact: `corpus/`, the columns of metadata, and `parts/NAME/` for each encoder. Everything is mapped when it is
loaded, so an open segment stays readable after its folder is removed. Refuses to know what is alive, and in which
files a segment lies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vizsla.collections import packs, parts, segment_files
from vizsla.collections.metadata.columns import MetadataColumns
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.metadata.values import Row
from vizsla.collections.packs import Pack, Packed
from vizsla.collections.parts import Part
from vizsla.collections.settings import CollectionSettings
from vizsla.core.artifacts import Draft
from vizsla.core.errors import ArtifactError, DataError
from vizsla.core.protocols import Passage
from vizsla.core.vectors import Dense, Sparse
from vizsla.data.corpus import Corpus
from vizsla.text.analyzer import Analyzer

PARENT = "parent"
"""The field of metadata that keeps a passage's parent."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Rows of passages; `load` what `write` or a merge stored, or make one that is in memory alone.

    Attributes:
        name: its folder's, unique in its collection for ever.
        folder: where it stands, or stood when it was opened.
        corpus: ids, texts and titles, by row.
        metadata: by row, parents among it.
        parts: what each encoder left, by its name.
        size_bytes: on the disk.
    """

    name: str
    folder: Path
    corpus: Corpus
    metadata: MetadataColumns
    parts: Mapping[str, Part]
    size_bytes: int = 0

    @classmethod
    def load(cls, folder: str | Path | Packed, settings: CollectionSettings, schema: Schema) -> "Segment":
        """Map a stored segment, or one that is packed in memory.

        Raises:
            ArtifactError: missing, truncated, or parts that do not fit each other.
        """
        place = folder.pack.path.parent if isinstance(folder, Packed) else Path(folder)
        artifact, size_bytes = segment_files.opened(folder if isinstance(folder, Packed) else place)
        corpus, metadata = Corpus.load(artifact.inner("corpus")), MetadataColumns.load(artifact, schema)
        found = {one.name: parts.load(artifact.inner(f"parts/{one.name}"), one.kind) for one in settings.encoders}
        sizes = {"metadata": len(metadata), **{name: len(part.index) for name, part in found.items()}}
        for name, size in sizes.items():
            if size != len(corpus):
                rows = f"{size} rows of '{name}' for {len(corpus)} passages"
                raise ArtifactError(f"{place}: found {rows}; wanted parts that were made together: restore the folder")
        return cls(place.name, place, corpus, metadata, found, size_bytes)

    def __len__(self) -> int:
        return len(self.corpus)

    def passages(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> list[Passage]:
        """The passages of rows, as they were added.

        Raises:
            ShapeError: no such row.
        """
        made = []
        told = zip(self.corpus.ids.many(rows), self.corpus.pairs(rows), self.metadata.many(rows), strict=True)
        for id_, (title, text), said in told:
            parent = str(said.pop(PARENT, ""))
            made.append(Passage(id_, text, title, said, parent))
        return made

    def passage(self, row: int) -> Passage:
        """The passage of a row, as it was added.

        Raises:
            ShapeError: no such row.
        """
        return self.passages([row])[0]

    def verify(self) -> int:
        """Read every byte and compare it with the manifest; returns the bytes read.

        Raises:
            ArtifactError: names the first file that was altered.
        """
        return segment_files.stored(self.folder).verify()


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Passages on their way into a segment.

    Attributes:
        passages: ids, titles and texts.
        metadata: theirs, in normal form, parents among it.
        vectors: theirs, by the name of each encoder that is a model.
    """

    passages: Sequence[Passage]
    metadata: Sequence[Row]
    vectors: Mapping[str, Dense | Sparse]


@dataclass(frozen=True, slots=True, eq=False)
class Making:
    """What a segment is made with.

    Attributes:
        settings: the collection's.
        schema: of the metadata.
        analyzer: of the collection's settings.
    """

    settings: CollectionSettings
    schema: Schema
    analyzer: Analyzer


def write(folder: str | Path, rows: Rows, made: Making) -> None:
    """Store a batch of passages as a segment, flushed to the disk and put in its place by one rename.

    Raises:
        DataError: an id that comes twice or is empty, or text that UTF-8 cannot hold.
        ArtifactError: something else stands at `folder`, or it cannot be written.
    """
    with segment_files.writing(folder, {"rows": len(rows.passages)}, packed=True) as draft:
        _fill(draft, rows, made)


def in_memory(folder: Path, rows: Rows, made: Making) -> Segment:
    """A batch of passages as a segment that is stored nowhere; messages name the folder.

    Raises:
        DataError: an id that comes twice or is empty, or text that UTF-8 cannot hold.
    """
    pack = Pack(folder / packs.NAME)
    with pack.root.draft(segment_files.KIND, segment_files.FOLDER, {"rows": len(rows.passages)}) as draft:
        _fill(draft, rows, made)
    return Segment.load(pack.root, made.settings, made.schema)


def _fill(draft: Draft, rows: Rows, made: Making) -> None:
    corpus = Corpus.build(rows.passages)
    corpus.save(draft.inner("corpus"))
    MetadataColumns.build(rows.metadata, made.schema).write(draft)
    for one in made.settings.encoders:
        place = draft.inner(f"parts/{one.name}")
        if one.kind == "lexical":
            parts.write_lexical(place, corpus.texts(range(len(corpus))), made.analyzer, made.settings.bm25)
        elif one.kind == "sparse":
            parts.write_sparse(place, rows.vectors[one.name])
        else:
            parts.write_dense(place, rows.vectors[one.name], made.settings.recall)


def read_metadata(passages: Sequence[Passage], schema: Schema) -> tuple[Schema, list[Row]]:
    """The metadata of passages in normal form, parents among it, and the schema with the fields that they bring.

    Raises:
        DataError: a value that is not of its field's kind, or a field named as the parent's.
    """
    told = []
    for passage in passages:
        if PARENT in passage.metadata:
            found = f"passage '{passage.id}': found the field '{PARENT}' in its metadata"
            raise DataError(f"{found}; wanted it as the passage's own: Passage(..., {PARENT}=...)")
        said = {**passage.metadata, PARENT: passage.parent} if passage.parent else passage.metadata
        told.append(replace(passage, metadata=said))
    return schema.read(told)
