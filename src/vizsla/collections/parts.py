"""The parts of a segment: what each encoder left of its passages, ready to be searched.

Knows which index each kind of vector has and how one is written from rows in memory. Refuses to know queries, and
what is alive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.collections.settings import Kind
from vizsla.core import artifacts
from vizsla.core.artifacts import Place
from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import Text
from vizsla.core.vectors import Dense, Sparse
from vizsla.encoders.bm25 import BM25
from vizsla.encoders.lexical import joined
from vizsla.encoders.vocabulary import Vocabulary
from vizsla.indexes import flat, inverted
from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.forward import Forward
from vizsla.indexes.inverted import InvertedIndex
from vizsla.indexes.quantised import QuantisedIndex
from vizsla.indexes.weighting import TermFrequencies
from vizsla.kernels.postings import Counts
from vizsla.text.analyzer import Analyzer, pack
from vizsla.text.counting import TermCounter

KIND, VERSION = "lexical-part", 1


@dataclass(frozen=True, slots=True, eq=False)
class LexicalPart:
    """Terms of a segment, sorted by their bytes, and how often each passage holds them.

    Attributes:
        vocabulary: the terms, and how many rows hold each, dead rows too.
        index: term frequencies; columns are the terms' numbers.
    """

    vocabulary: Vocabulary
    index: InvertedIndex


@dataclass(frozen=True, slots=True, eq=False)
class SparsePart:
    """Learned sparse vectors of a segment.

    Attributes:
        index: impacts.
    """

    index: InvertedIndex


@dataclass(frozen=True, slots=True, eq=False)
class DensePart:
    """Dense vectors of a segment.

    Attributes:
        index: the vectors, and how they are searched.
    """

    index: FlatIndex | QuantisedIndex


Part: TypeAlias = LexicalPart | SparsePart | DensePart


def weighting(bm25: BM25) -> TermFrequencies:
    """How an index weighs term frequencies under a BM25."""
    return TermFrequencies(bm25.saturation, bm25.b)


def load(folder: Place, kind: Kind) -> Part:
    """Map a stored part.

    Raises:
        ArtifactError: missing, truncated, or arrays that do not fit each other.
    """
    if kind == "sparse":
        return SparsePart(InvertedIndex.load(folder))
    if kind == "dense":
        exact = artifacts.read_manifest(folder)["kind"] == flat.KIND
        return DensePart(FlatIndex.load(folder) if exact else QuantisedIndex.load(folder))
    artifact = artifacts.open_artifact(folder, kind=KIND, version=VERSION)
    vocabulary, index = Vocabulary.read(artifact), InvertedIndex.load(artifact.inner("index"))
    if len(vocabulary) != index.dim or index.weighting is None:
        raise ArtifactError(f"{folder}: found {len(vocabulary)} terms for an index of {index.dim} columns: altered")
    return LexicalPart(vocabulary, index)


def write_lexical(folder: Place, texts: Sequence[Text], analyzer: Analyzer, bm25: BM25) -> None:
    """Store the terms of passages."""
    forward, counter = Forward(None), TermCounter(analyzer)
    forward.add(counter.count(pack([joined(text) for text in texts])), len(counter))
    vocabulary, order = Vocabulary.build(*counter.packed_terms(), forward.frequencies[: len(counter)])
    save_lexical(folder, vocabulary, forward, order, bm25)


def save_lexical(
    folder: Place, vocabulary: Vocabulary, forward: Forward, order: npt.NDArray[np.int64], bm25: BM25
) -> None:
    """Store rows of terms, renumbered by `order`, and the vocabulary that they are then numbered by."""
    with artifacts.draft(folder, kind=KIND, version=VERSION, settings={}) as draft:
        vocabulary.write(draft)
        inverted.write(draft.inner("index"), forward, order, weighting(bm25))


def write_dense(folder: Place, rows: Dense, recall: float) -> None:
    """Store dense vectors, in memory or mapped: searched exactly where a recall of 1 is wanted."""
    index = FlatIndex.build(rows) if recall == 1 else QuantisedIndex.build(rows, recall=recall)
    index.save(folder)


def write_sparse(folder: Place, rows: Sparse) -> None:
    """Store sparse vectors as impacts."""
    forward = Forward(None, np.float32)
    forward.add(Counts(rows.indices, rows.data, rows.indptr[1:].astype(np.int64)), rows.shape[1])
    inverted.write(folder, forward, np.arange(rows.shape[1]), None)
