"""A segment: passages that were added together, or merged, with every index over them; frozen and mapped.

One artifact: `corpus/`, the columns of metadata, and `parts/NAME/` for each encoder. Everything is mapped when it is
loaded, so an open segment stays readable after its folder is removed. Refuses to know what is alive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vizsla.collections import parts
from vizsla.collections.parts import Part
from vizsla.collections.settings import CollectionSettings
from vizsla.core import artifacts
from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import Passage
from vizsla.core.vectors import Dense, Sparse
from vizsla.data.corpus import Corpus
from vizsla.text.analyzer import Analyzer

KIND, VERSION = "segment", 1


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Rows of passages; `load` a folder that `write` or a merge made.

    Attributes:
        name: its folder's, unique in its collection for ever.
        folder: where it stands, or stood when it was opened.
        corpus: the passages, by row.
        parts: what each encoder left, by its name.
    """

    name: str
    folder: Path
    corpus: Corpus
    parts: Mapping[str, Part]

    @classmethod
    def load(cls, folder: str | Path, settings: CollectionSettings) -> "Segment":
        """Map a stored segment.

        Raises:
            ArtifactError: missing, truncated, or parts that do not fit each other.
        """
        place = Path(folder)
        artifact = artifacts.open_artifact(place, kind=KIND, version=VERSION)
        corpus = Corpus.load(artifact.path("corpus"))
        found = {one.name: parts.load(artifact.path(f"parts/{one.name}"), one.kind) for one in settings.encoders}
        for name, part in found.items():
            if len(part.index) != len(corpus):
                rows = f"{len(part.index)} rows of '{name}' for {len(corpus)} passages"
                raise ArtifactError(f"{place}: found {rows}; wanted parts that were made together: restore the folder")
        return cls(place.name, place, corpus, found)

    def __len__(self) -> int:
        return len(self.corpus)

    def verify(self) -> int:
        """Read every byte and compare it with the manifest; returns the bytes read.

        Raises:
            ArtifactError: names the first file that was altered.
        """
        return artifacts.open_artifact(self.folder, kind=KIND, version=VERSION).verify()


def write(
    folder: str | Path,
    passages: Sequence[Passage],
    vectors: Mapping[str, Dense | Sparse],
    settings: CollectionSettings,
    analyzer: Analyzer,
) -> None:
    """Store a batch of passages as a segment, flushed to the disk and put in its place by one rename.

    Args:
        folder: where it will stand.
        passages: the rows.
        vectors: theirs, by the name of each encoder that is a model.
        settings: the collection's.
        analyzer: of the collection's settings.

    Raises:
        DataError: an id that comes twice or is empty, or text that UTF-8 cannot hold.
        ArtifactError: something else stands at `folder`, or it cannot be written.
    """
    with artifacts.draft(folder, kind=KIND, version=VERSION, settings={"rows": len(passages)}) as draft:
        corpus = Corpus.build(passages, draft.path("corpus"))
        for one in settings.encoders:
            place = draft.path(f"parts/{one.name}")
            if one.kind == "lexical":
                parts.write_lexical(place, corpus.texts(range(len(corpus))), analyzer, settings.bm25)
            elif one.kind == "sparse":
                parts.write_sparse(place, vectors[one.name])
