"""The stages of models: dense and learned sparse search over the segments of a snapshot.

Each is a first stage whose encoder is loaded when it is first asked, and whose index is the indexes of all segments.
Knows encoders' doors; refuses to know files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from scipy.sparse import csr_array

from vizsla.collections.explanation import TermPart
from vizsla.collections.parts import DensePart, SparsePart
from vizsla.collections.placed import Placed
from vizsla.collections.segmented import SegmentedPostings, SegmentedVectors
from vizsla.core.protocols import Encoder, Text, V
from vizsla.core.vectors import Dense, Sparse
from vizsla.indexes.quantised import QuantisedIndex
from vizsla.retrievers.first_stage import FirstStage

P = TypeVar("P", DensePart, SparsePart)
_EXACT = 20_000
"""Live passages up to which dense search is exact, whatever its segments keep: it takes about as long as a query's text
takes to be encoded, and a small collection finds the same however it grew."""


@dataclass(frozen=True, eq=False)
class Deferred(Generic[V]):
    """An encoder that is fetched when it is needed.

    Attributes:
        dim: of its vectors.
        fetch: gives the encoder.
    """

    dim: int
    fetch: Callable[[], Encoder[V]]

    def encode_queries(self, texts: Sequence[str]) -> V:
        """Vectors of queries: (n, dim)."""
        return self.fetch().encode_queries(texts)

    def encode_passages(self, passages: Sequence[Text]) -> V:
        """Vectors of passages: (n, dim)."""
        return self.fetch().encode_passages(passages)


class DenseStage(FirstStage[Dense]):
    """Searches the dense parts of live segments."""

    @classmethod
    def over(cls, name: str, placed: Placed, dim: int, fetch: Callable[[], Encoder[Dense]]) -> "DenseStage":
        """The stage of a name; `fetch` gives its encoder, whose vectors are `dim` wide."""
        indexes = [part.index for part in _parts(name, placed, DensePart)]
        if sum(one.live for one in placed.segments) <= _EXACT:
            indexes = [one.exact if isinstance(one, QuantisedIndex) else one for one in indexes]
        return cls(Deferred(dim, fetch), SegmentedVectors(placed, indexes, dim), name)


class SparseStage(FirstStage[Sparse]):
    """Searches the learned sparse parts of live segments."""

    @classmethod
    def over(cls, name: str, placed: Placed, dim: int, fetch: Callable[[], Encoder[Sparse]]) -> "SparseStage":
        """The stage of a name; `fetch` gives its encoder, whose vectors are `dim` wide."""
        indexes = [part.index for part in _parts(name, placed, SparsePart)]
        return cls(Deferred(dim, fetch), SegmentedPostings(placed, indexes, dim), name)

    def contributions(self, query: str, position: int) -> tuple[TermPart, ...]:
        """What each token of a query adds to a passage's score, the largest first; only those that add something.

        Raises:
            ShapeError: no such position.
        """
        postings, deferred = self.index, self.encoder
        if not isinstance(postings, SegmentedPostings) or not isinstance(deferred, Deferred):
            return ()
        (place,), (row,) = (part.tolist() for part in postings.placed.rows([position]))
        vector = deferred.encode_queries([query])
        index = postings.indexes[place]
        parts, held = dict(index.contributions(vector, row)), dict(index.contents.vector(row))
        weights = dict(zip(vector.indices.tolist(), vector.data.tolist(), strict=True))
        order = sorted(parts, key=lambda column: (-parts[column], column))
        words = _words(deferred.fetch(), order, deferred.dim)
        rows = zip(order, words, strict=True)
        return tuple(TermPart(word, parts[one], weights[one], held[one]) for one, word in rows)


def _parts(name: str, placed: Placed, kind: type[P]) -> list[P]:
    """What every segment has under a stage's name."""
    found = [one.segment.parts[name] for one in placed.segments]
    return [part for part in found if isinstance(part, kind)]


def _words(encoder: Any, columns: Sequence[int], dim: int) -> list[str]:
    """The tokens of columns, in their order."""
    falling = np.arange(len(columns), 0, -1, dtype=np.float32)  # the encoder names the heaviest first
    order = np.argsort(columns)
    data, indices = falling[order], np.array(columns, np.int64)[order]
    row = csr_array((data, indices, np.array([0, len(columns)])), shape=(1, dim))
    return [word for word, _ in encoder.top_terms(row, max(1, len(columns)))[0]]
