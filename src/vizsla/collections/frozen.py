"""A frozen collection: passages, an encoder and an index in one artifact that does not change.

`vizsla index` writes one. It is written beside its place and committed by one rename.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vizsla.core import artifacts
from vizsla.core import settings as plain
from vizsla.core.errors import ArtifactError, DataError
from vizsla.core.protocols import Passage, Retriever
from vizsla.data.corpus import Corpus
from vizsla.encoders.bm25 import BM25
from vizsla.encoders.lexical import LexicalEncoder, joined
from vizsla.encoders.vocabulary import Vocabulary
from vizsla.indexes import inverted
from vizsla.indexes.forward import Forward
from vizsla.indexes.inverted import InvertedIndex
from vizsla.kernels.scanning import Texts
from vizsla.retrievers.calibrated import Calibrated
from vizsla.retrievers.calibration import Calibration
from vizsla.retrievers.first_stage import FirstStage
from vizsla.retrievers.parsed import Parsed
from vizsla.text.analyzer import Analyzer
from vizsla.text.counting import TermCounter
from vizsla.text.settings import AnalyzerSettings

KIND, VERSION = "frozen-collection", 1
Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much (0 where it is not known)."""

_BATCH_BYTES = 1 << 16
_LOOKED_AT = 2000
_LOOK_BYTES = 1000
_TRIES = 100


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How a frozen collection is made.

    Attributes:
        analyzer: texts to terms.
        bm25: which BM25.
        titles: whether titles are searched (`index`) or only stored (`store`).
        memory_mib: what turning passages into postings may take; never less than a buffer.
    """

    analyzer: AnalyzerSettings = field(default_factory=AnalyzerSettings)
    bm25: BM25 = field(default_factory=BM25)
    titles: Literal["index", "store"] = "index"
    memory_mib: int = 256


@dataclass(frozen=True)
class FrozenCollection:
    """Passages that can be searched; make one with `build`, or `load` a folder.

    Attributes:
        folder: where it stands.
        corpus: the passages.
        encoder: texts to terms and their weights.
        index: postings.
        manifest: what it was made with and of.
        calibration: what makes its scores probabilities; None leaves them as they are.
    """

    folder: Path
    corpus: Corpus
    encoder: LexicalEncoder
    index: InvertedIndex
    manifest: Mapping[str, Any]
    calibration: Calibration | None = None

    @classmethod
    def build(
        cls,
        passages: Iterable[Passage],
        folder: str | Path,
        settings: IndexSettings | None = None,
        *,
        made_from: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> "FrozenCollection":
        """Index a stream of passages in bounded memory; an older collection at `folder` is replaced at the end.

        Raises:
            DataError: no passages at all, or what `Corpus.build` refuses.
            ArtifactError: something else stands at `folder`.
        """
        wanted, tell = settings or IndexSettings(), progress or _silent
        effective: dict[str, object] = {}
        with artifacts.draft(folder, kind=KIND, version=VERSION, settings=effective, made_from=made_from) as draft:
            corpus = Corpus.build(_told(passages, tell), draft.path("corpus"))
            if not len(corpus):
                raise DataError("found no passages at all; wanted at least one: nothing was written")
            analyzer = Analyzer.fit(_sample(corpus), wanted.analyzer)
            encoder = _index(corpus, analyzer, wanted, draft, tell)
            effective |= plain.to_mapping(wanted) | {"analyzer": plain.to_mapping(analyzer.settings)}
            effective["passages"] = len(corpus)
            _try_out(encoder, InvertedIndex.load(draft.path("index")), corpus)
        return cls.load(folder)

    @classmethod
    def load(cls, folder: str | Path) -> "FrozenCollection":
        """Map a stored collection: manifests, sizes and headers are checked, bytes are read when used.

        Raises:
            ArtifactError: missing, truncated, or parts that do not fit each other.
        """
        artifacts.read_manifest(folder)
        for _ in range(_TRIES):
            # A writer may put another folder in this one's place between two files. As long as the
            # folder is held open its number is not given to another, and one replaced never returns.
            held = os.open(folder, os.O_RDONLY)
            try:
                found = cls._map(Path(folder))
            except ArtifactError:
                if _is_there(held, folder):
                    raise
            else:
                if _is_there(held, folder):
                    return found
            finally:
                os.close(held)
        raise ArtifactError(f"{folder}: replaced {_TRIES} times while it was opened; try again when its writers rest")

    @classmethod
    def _map(cls, folder: Path) -> "FrozenCollection":
        artifact = artifacts.open_artifact(folder, kind=KIND, version=VERSION)
        corpus, encoder = Corpus.load(artifact.path("corpus")), LexicalEncoder.load(artifact.path("encoder"))
        index = InvertedIndex.load(artifact.path("index"))
        if not len(corpus) == len(index) == encoder.passages or encoder.dim != index.dim:
            found = f"{len(corpus)} passages, an encoder of {encoder.passages}, an index of {len(index)}"
            raise ArtifactError(f"{folder}: found {found}; wanted parts that were made together: build it again")
        if artifact.settings.get("titles") not in ("index", "store"):
            raise ArtifactError(f"{folder}: its settings are not a collection's; build it again")
        return cls(folder, corpus, encoder, index, artifact.manifest)

    def __len__(self) -> int:
        return len(self.corpus)

    @property
    def retriever(self) -> Retriever:
        """Plain search: every sign of a query is text."""
        plain_search = FirstStage(self.encoder, self.index, "bm25")
        return plain_search if self.calibration is None else Calibrated(plain_search, self.calibration.curve)

    @property
    def searcher(self) -> Parsed:
        """Search that understands "phrase", +must and -not."""
        return Parsed(self.retriever, self.encoder.analyzer, self.searched, self.holding, len(self))

    @property
    def scorers(self) -> dict[str, str]:
        """What its scores come from, name to digest: two collections of equal ones score alike."""
        files = self.manifest["files"]
        return {part: f"sha256 {files[f'{part}/{artifacts.MANIFEST}']['sha256']}" for part in ("encoder", "index")}

    def calibrated(self, calibration: Calibration) -> "FrozenCollection":
        """The same collection, whose searches give probabilities of relevance for scores.

        Raises:
            IncompatibleError: the calibration was fitted on another encoder or index.
        """
        calibration.check(self.scorers)
        return replace(self, calibration=calibration)

    def searched(self, positions: Sequence[int]) -> list[str]:
        """The texts as they were indexed: with their titles, or without where these are only stored."""
        with_titles = self.manifest["settings"]["titles"] == "index"
        texts = self.corpus.texts(positions)
        return [joined(text) if with_titles or isinstance(text, str) else text[1] for text in texts]

    def holding(self, phrase: str) -> npt.NDArray[np.int64]:
        """The positions that hold every term of a phrase, rising; none where a term is unknown."""
        numbers = np.unique(self.encoder.vocabulary.numbers(self.encoder.analyzer.terms(phrase)))
        if not len(numbers) or numbers[0] < 0:
            return np.zeros(0, np.int64)
        held = [self.index.contents.holding(number) for number in numbers.tolist()]
        return reduce(lambda one, other: np.intersect1d(one, other, assume_unique=True), held).astype(np.int64)

    def verify(self) -> int:
        """Read every byte and compare it with the manifest; returns the bytes read.

        Raises:
            ArtifactError: names the first file that was altered.
        """
        return artifacts.open_artifact(self.folder, kind=KIND, version=VERSION).verify()


def _index(
    corpus: Corpus, analyzer: Analyzer, settings: IndexSettings, draft: artifacts.Draft, tell: Progress
) -> LexicalEncoder:
    scratch = draft.path("scratch")
    scratch.mkdir()
    with closing(Forward(scratch)) as forward:
        counter = TermCounter(analyzer)
        for done, texts in _batches(corpus, settings):
            forward.add(counter.count(texts), len(counter))
            tell("indexing", done, len(corpus))
        vocabulary, order = Vocabulary.build(*counter.packed_terms(), forward.frequencies[: len(counter)])
        encoder = LexicalEncoder(analyzer, vocabulary, len(corpus), settings.bm25)
        encoder.save(draft.path("encoder"))
        budget = max(settings.memory_mib, 1) << 20
        inverted.write(draft.path("index"), forward, order, encoder.weighting, budget_bytes=budget)
    scratch.rmdir()
    return encoder


def _batches(corpus: Corpus, settings: IndexSettings) -> Iterator[tuple[int, Texts]]:
    """The searched part of the passages, about 64 KiB at a time: (passages so far, texts)."""
    starts = np.asarray(corpus.starts)
    first, count = 0, len(corpus)
    while first < count:
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + _BATCH_BYTES, side="right")) - 1)
        base = starts[first]
        begins = starts[first:last] - base
        if settings.titles == "store":
            begins = begins + corpus.title_sizes[first:last]
        data = np.asarray(corpus.bytes[base : starts[last]])
        yield last, Texts(data, begins, starts[first + 1 : last + 1] - base)
        first = last


def _sample(corpus: Corpus) -> Iterator[str]:
    """The beginnings of passages spread evenly over the corpus, for a look at their language."""
    positions = np.unique(np.linspace(0, len(corpus) - 1, min(len(corpus), _LOOKED_AT)).astype(np.int64))
    for position in positions.tolist():
        begin, end = corpus.starts[position], corpus.starts[position + 1]
        yield bytes(corpus.bytes[begin : min(end, begin + _LOOK_BYTES)]).decode("utf-8", "ignore")


def _is_there(held: int, folder: str | Path) -> bool:
    """Whether an open folder still stands at its place."""
    try:
        return os.path.samestat(os.fstat(held), Path(folder).stat())
    except FileNotFoundError:
        return False


def _try_out(encoder: LexicalEncoder, index: InvertedIndex, corpus: Corpus) -> None:
    """Search once before the commit: an index that cannot be searched never takes its place.

    It also compiles what searching needs, so that the first search from a cold process is quick.
    """
    first = corpus.passage(0)
    FirstStage(encoder, index).search([f"{first.title} {first.text}"[:200]], 1)


def _told(passages: Iterable[Passage], tell: Progress) -> Iterator[Passage]:
    done = 0
    for done, passage in enumerate(passages, 1):
        yield passage
        if done % 1000 == 0:
            tell("reading", done, 0)
    tell("reading", done, done)


def _silent(what: str, done: int, total: int) -> None:
    logging.getLogger("vizsla").debug("%s: %d of %d", what, done, total)
