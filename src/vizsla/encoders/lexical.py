"""The lexical encoder: BM25 as a sparse encoder that is fitted instead of trained.

A passage's vector holds its terms' frequencies, a query's the weights of its terms; the index
weighs the frequencies as it reads them. Knows an analyzer, a vocabulary and BM25's formulas.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from vizsla.core import artifacts
from vizsla.core import settings as plain
from vizsla.core.errors import ArtifactError, DataError, SettingsError, ShapeError
from vizsla.core.protocols import Text
from vizsla.core.vectors import Sparse
from vizsla.encoders.bm25 import BM25
from vizsla.encoders.vocabulary import Vocabulary
from vizsla.indexes.weighting import TermFrequencies
from vizsla.kernels import postings
from vizsla.text.analyzer import Analyzer, pack
from vizsla.text.counting import TermCounter
from vizsla.text.settings import AnalyzerSettings

KIND, VERSION = "lexical-encoder", 1
_REMEMBERED = 1 << 16
"""Terms of queries and passages a thread remembers before it begins anew."""
Int64s: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Made:
    """What a manifest says of an encoder."""

    passages: int
    bm25: dict[str, Any]


class _Counting(threading.local):
    """Each thread's counter of terms, kept from call to call, and the vocabulary's numbers of the terms it has met."""

    counter: TermCounter | None = None
    numbers: Int64s = np.zeros(0, np.int64)


class LexicalEncoder:
    """Texts to sparse vectors of terms.

    Args:
        analyzer: texts to terms.
        vocabulary: the terms and their frequencies.
        passages: how many the frequencies were counted on.
        bm25: which BM25.
    """

    def __init__(self, analyzer: Analyzer, vocabulary: Vocabulary, passages: int, bm25: BM25 | None = None) -> None:
        self.analyzer = analyzer
        self.vocabulary = vocabulary
        self.passages = passages
        self.bm25 = bm25 or BM25()
        self._counting = _Counting()

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_counting"}  # each process its own

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, _counting=_Counting())

    @classmethod
    def fit(
        cls, passages: Sequence[Text], *, settings: AnalyzerSettings | None = None, bm25: BM25 | None = None
    ) -> "LexicalEncoder":
        """Learn the terms of passages in memory and how many hold each."""
        texts = [joined(passage) for passage in passages]
        analyzer = Analyzer.fit(texts, settings)
        counter = TermCounter(analyzer)
        counts = counter.count(pack(texts))
        frequencies = np.bincount(counts.terms, minlength=len(counter))
        vocabulary, _ = Vocabulary.build(*counter.packed_terms(), frequencies)
        return cls(analyzer, vocabulary, len(texts), bm25)

    @property
    def dim(self) -> int:
        """How many terms there are."""
        return len(self.vocabulary)

    @property
    def weighting(self) -> TermFrequencies:
        """How an index of this encoder's passage vectors weighs them."""
        return TermFrequencies(self.bm25.saturation, self.bm25.b)

    def encode_passages(self, passages: Sequence[Text]) -> Sparse:
        """Term frequencies: (n, dim). Terms that were not there at fitting are left out."""
        return self._rows([joined(passage) for passage in passages])

    def encode_queries(self, texts: Sequence[str]) -> Sparse:
        """Weights of terms, idf times occurrences in the query: (q, dim).

        Raises:
            ShapeError: one string where a sequence of them is wanted.
            DataError: a query that is no text.
        """
        rows = self._rows(asked(texts))
        rows.data *= self.bm25.weights(self._frequencies(rows), self.passages).astype(np.float32)
        rows.eliminate_zeros()
        return rows

    def constant(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """What BM25L and BM25+ would add to every passage's score for each query: (q,); 0 for the others."""
        rows = self._rows(list(texts))
        rows.data *= self.bm25.constant(self._frequencies(rows), self.passages)
        sums: npt.NDArray[np.float64] = rows.sum(axis=1)
        return sums

    def save(self, folder: str | Path) -> None:
        """Store the encoder: the analyzer as one JSON, the terms, the BM25."""
        settings = plain.to_mapping(_Made(self.passages, plain.to_mapping(self.bm25)))
        with artifacts.draft(folder, kind=KIND, version=VERSION, settings=settings) as draft:
            draft.path("analyzer.json").write_text(self.analyzer.settings.to_json(), encoding="utf-8")
            self.vocabulary.write(draft)

    @classmethod
    def load(cls, folder: str | Path) -> "LexicalEncoder":
        """Map a stored encoder.

        Raises:
            ArtifactError: missing, truncated, or arrays that do not fit each other.
        """
        artifact = artifacts.open_artifact(folder, kind=KIND, version=VERSION)
        try:
            analyzer = Analyzer(AnalyzerSettings.from_json(artifact.path("analyzer.json").read_text(encoding="utf-8")))
            made = plain.from_mapping(_Made, artifact.settings)
            bm25 = plain.from_mapping(BM25, made.bm25)
        except (SettingsError, UnicodeDecodeError) as error:
            raise ArtifactError(f"{folder}: its settings are not an encoder's: {error}; build it again") from error
        return cls(analyzer, Vocabulary.read(artifact), made.passages, bm25)

    def _frequencies(self, rows: Sparse) -> Int64s:
        found: Int64s = self.vocabulary.frequencies[rows.indices]
        if ((found < 0) | (found > self.passages)).any():
            raise ArtifactError("the vocabulary holds frequencies that cannot be: altered since it was written")
        return found

    def _rows(self, texts: list[str]) -> Sparse:
        counting = self._counting
        # Taken, and put back when it is done: interrupted halfway, it may have met terms that have no number.
        counter, counting.counter = counting.counter, None
        if counter is None:
            counter, counting.numbers = TermCounter(self.analyzer), np.zeros(0, np.int64)
        counts, known = counter.count(pack(texts)), len(counting.numbers)
        if len(counter) > known:
            terms, order = counter.packed_terms(known)
            found = np.empty(len(order), np.int64)
            found[order - known] = self.vocabulary.find(terms)
            counting.numbers = np.concatenate([counting.numbers, found])
        counting.counter = counter if len(counter) <= _REMEMBERED else None
        return to_rows(counts, counting.numbers, self.dim)


def to_rows(counts: postings.Counts, numbers: Int64s, dim: int) -> Sparse:
    """Counted texts as sparse rows, their terms renumbered; a term numbered -1 is left out."""
    columns = numbers[counts.terms]
    known = columns >= 0
    ends = np.concatenate([[0], np.cumsum(known)])[np.concatenate([[0], counts.ends])]
    if ends[-1] < np.iinfo(np.int32).max:
        ends = ends.astype(np.int32)
    values, held = counts.values[known].astype(np.float32), columns[known].astype(np.int32)
    rows = csr_array((values, held, ends), shape=(len(counts.ends), dim))
    rows.sort_indices()
    return rows


def asked(queries: Sequence[str]) -> list[str]:
    """Queries, seen to be texts.

    Raises:
        ShapeError: one string where a sequence of them is wanted.
        DataError: a query that is no text.
    """
    if isinstance(queries, str):
        raise ShapeError(f"found the string {queries[:40]!r}; wanted a sequence of queries: [{queries[:40]!r}]")
    for number, query in enumerate(queries, 1):
        if not isinstance(query, str):
            raise DataError(f"found {type(query).__name__} {query!r:.80} as query {number}; wanted text (str)")
    return list(queries)


def joined(passage: Text) -> str:
    """A passage's title and text as one text; a line end parts them."""
    return passage if isinstance(passage, str) else "\n".join(passage)
