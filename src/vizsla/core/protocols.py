"""The doors: what each kind of thing promises, and nothing about how it keeps the promise.

Law: one function, `vizsla.core.hits.rank`, orders candidates. A wrapper is what it wraps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap, Dense, Scores, Sparse

Text: TypeAlias = str | tuple[str, str]
"""A passage's text, or a pair (title, text)."""

V = TypeVar("V", Dense, Sparse)
V_co = TypeVar("V_co", Dense, Sparse, covariant=True)
V_contra = TypeVar("V_contra", Dense, Sparse, contravariant=True)


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage as the outside knows it.

    Attributes:
        id: its outside name.
        text: what is searched.
        title: of the whole it comes from.
        metadata: what a filter asks for, by field.
        parent: the id of the whole it is a part of; empty where it is one.
    """

    id: str
    text: str
    title: str = ""
    metadata: Mapping[str, object] = field(default_factory=dict, hash=False)
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage of a search did: its hits, how long it took, and a word about it."""

    name: str
    hits: Hits
    seconds: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """A search with every stage that made it."""

    hits: Hits
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """Rows of tokens padded to one length, each (n, length) int64.

    Attributes:
        ids: token ids, padding behind them.
        types: token types.
        mask: 1 where a token stands, 0 where padding does.
    """

    ids: npt.NDArray[np.int64]
    types: npt.NDArray[np.int64]
    mask: npt.NDArray[np.int64]


class Runtime(Protocol):
    """Token batches to what the graph computes: (n, dim) vectors, (n, 1) scores or (n, vocabulary) weights."""

    def run(self, batch: TokenBatch) -> Dense: ...


class Encoder(Protocol[V_co]):
    """Text to vectors, queries and passages apart."""

    @property
    def dim(self) -> int: ...
    def encode_queries(self, texts: Sequence[str]) -> V_co: ...
    def encode_passages(self, passages: Sequence[Text]) -> V_co: ...


class Index(Protocol[V_contra]):
    """Vectors to the passages with the largest products."""

    @property
    def dim(self) -> int: ...
    def __len__(self) -> int: ...
    def search(self, queries: V_contra, k: int, allowed: Bitmap | None = None) -> Hits: ...


class Reranker(Protocol):
    """One score a (query, passage) pair."""

    def score(self, pairs: Sequence[tuple[str, Text]]) -> Scores: ...


class Passages(Protocol):
    """Positions to texts."""

    def texts(self, positions: Sequence[int] | npt.NDArray[np.int64]) -> list[Text]: ...


class Retriever(Protocol):
    """Queries to hits: first stage, fused, reranked, cached, sharded and remote search alike."""

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits: ...


class Traced(Protocol):
    """A retriever that can say what each of its stages did."""

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace: ...
