"""Corpus: passages by position, in memory or memory-mapped.

Knows the arrays passages are stored in (docs/formats/corpus.md) and how they are read back, every
offset checked. Refuses to know files of the field, languages and indexes.
"""

import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vizsla.core.artifacts import Place, draft, open_artifact
from vizsla.core.errors import ArtifactError, DataError
from vizsla.core.protocols import Passage, Text
from vizsla.data.arena import Arena, Bytes, Ints, PositionsLike
from vizsla.data.corpus_writer import DTYPES, CorpusWriter
from vizsla.data.ids import Hashes, Ids

KIND, VERSION = "corpus", 1
_BLOCK = 4096
_LINE_END = ord("\n")


@dataclass(frozen=True, eq=False)
class Corpus:
    """Passages by position.

    >>> corpus = Corpus.build([Passage("a", "a text"), Passage("b", "another", title="With a title")])
    >>> corpus.texts([1, 0])
    [('With a title', 'another'), 'a text']
    >>> corpus.ids[1], corpus.ids.positions(["b", "c"]).tolist()
    ('b', [1, -1])

    Attributes:
        bytes: (total,) uint8, all passages' UTF-8 one after another; title, line end and text where
            there is a title, else the text.
        starts: (n + 1,) int64, where each passage starts in `bytes`.
        title_sizes: (n,) int32, bytes of the title and its line end; 0 without a title.
        id_bytes: (total,) uint8, all ids' UTF-8.
        id_starts: (n + 1,) int64, where each id starts in `id_bytes`.
        id_hashes: (n,) uint64, `hash_ids` of the ids, rising.
        id_order: (n,) int64, the position of each hash.
        name: where it was loaded from, for messages.
    """

    bytes: Bytes
    starts: Ints
    title_sizes: npt.NDArray[np.int32]
    id_bytes: Bytes
    id_starts: Ints
    id_hashes: Hashes
    id_order: Ints
    name: str = "the corpus in memory"

    def __post_init__(self) -> None:
        sizes = [len(values) for values in (self._arena, self.title_sizes, self.ids, self.id_hashes, self.id_order)]
        if len(set(sizes)) != 1:
            raise ArtifactError(f"{self.name}: found arrays for {sizes} passages; wanted equal numbers: build it again")

    @classmethod
    def build(cls, passages: Iterable[Passage], folder: str | Path | None = None) -> "Corpus":
        """Store passages in their order, in memory or, with bounded memory, in a folder that is then mapped.

        Line ends inside a title become spaces.

        Raises:
            DataError: an id that comes twice or is empty, or text that UTF-8 cannot hold.
            ArtifactError: something else stands at `folder`.
        """
        if folder is None:
            return _build_in_memory(passages)
        settings: dict[str, Any] = {}
        with draft(folder, kind=KIND, version=VERSION, settings=settings) as target, ExitStack() as files:
            opened = {name: files.enter_context(target.path(f"{name}.npy").open("wb")) for name in DTYPES}
            writer = CorpusWriter(opened)
            settings["passages"] = writer.write(passages)
            mapped = {name: np.load(target.path(f"{name}.npy"), mmap_mode="r") for name in DTYPES}
            _refuse_duplicates(cls(**mapped, name=str(folder)))
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Place) -> "Corpus":
        """Map a stored corpus.

        Raises:
            ArtifactError: it is missing, incomplete, or its arrays do not fit each other.
        """
        artifact = open_artifact(folder, kind=KIND, version=VERSION)
        mapped = {name: np.asarray(artifact.array(name, dtype)) for name, dtype in DTYPES.items()}  # quicker to index
        return cls(**mapped, name=str(folder))

    def save(self, folder: Place) -> None:
        """Store it as an artifact.

        Raises:
            ArtifactError: something else stands at `folder`.
        """
        with draft(folder, kind=KIND, version=VERSION, settings={"passages": len(self)}) as target:
            for name in DTYPES:
                target.array(name, getattr(self, name))

    def __len__(self) -> int:
        return len(self.title_sizes)

    def __iter__(self) -> Iterator[Passage]:
        for start in range(0, len(self), _BLOCK):
            block = range(start, min(start + _BLOCK, len(self)))
            for id_, (title, text) in zip(self.ids.many(block), self.pairs(block), strict=True):
                yield Passage(id_, text, title)

    @cached_property
    def ids(self) -> Ids:
        """The passages' ids: by position, and positions by id."""
        return Ids(Arena(self.id_bytes, self.id_starts, f"{self.name}: ids"), self.id_hashes, self.id_order)

    def texts(self, positions: PositionsLike) -> list[Text]:
        """What is written at these positions: a text, or (title, text) where there is a title.

        Raises:
            ShapeError: a position that is not there.
            ArtifactError: stored offsets that leave the arrays.
        """
        return [(title, text) if title else text for title, text in self.pairs(positions)]

    def pairs(self, positions: PositionsLike) -> list[tuple[str, str]]:
        """The title, empty where there is none, and the text at these positions.

        Raises:
            ShapeError: a position that is not there.
            ArtifactError: stored offsets that leave the arrays.
        """
        begin, end = self._arena.spans(positions)
        sizes = self.title_sizes[np.asarray(positions, dtype=np.int64).reshape(-1)]
        self._check_titles(begin, end, sizes)
        titles = self._arena.strings(begin, begin + np.maximum(sizes - 1, 0))
        return list(zip(titles, self._arena.strings(begin + sizes, end), strict=True))

    def passage(self, position: int) -> Passage:
        """The passage at one position.

        Raises:
            ShapeError: a position that is not there.
            ArtifactError: stored offsets that leave the arrays.
        """
        title, text = self.pairs([position])[0]
        return Passage(self.ids.many([position])[0], text, title)

    @cached_property
    def _arena(self) -> Arena:
        return Arena(self.bytes, self.starts, f"{self.name}: passages")

    def _check_titles(self, begin: Ints, end: Ints, sizes: npt.NDArray[np.int32]) -> None:
        titled = np.flatnonzero(sizes)
        if not len(titled):
            return
        begin, end, sizes = begin[titled], end[titled], sizes[titled]
        wrong = (sizes < 0) | (sizes > end - begin)
        last = (begin + sizes - 1)[~wrong]
        wrong[~wrong] = self.bytes[last] != _LINE_END
        for one in np.flatnonzero(wrong)[:1].tolist():
            found = f"a title of {sizes[one]} bytes that does not end in a passage of {end[one] - begin[one]}"
            raise ArtifactError(f"{self.name}: found {found}; altered since it was written: build it again")


def _build_in_memory(passages: Iterable[Passage]) -> Corpus:
    files = {name: io.BytesIO() for name in DTYPES}
    writer = CorpusWriter(files)
    writer.write(passages)
    arrays: dict[str, Any] = {name: writer.arrays[name].view(file.getbuffer()) for name, file in files.items()}
    corpus = Corpus(**arrays)
    _refuse_duplicates(corpus)
    return corpus


def _refuse_duplicates(corpus: Corpus) -> None:
    found = corpus.ids.first_duplicate()
    if found:
        id_, one, other = found
        advice = "read it with vizsla.data.sources.read_passages, which keeps the first, or give each its own id"
        raise DataError(f"found the id '{id_}' at positions {one} and {other}; wanted every id once: {advice}")
