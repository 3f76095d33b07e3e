"""The sparse encoder: texts to weights of the tokenizer's tokens, SPLADE and its kin.

Knows sparse rows, and that queries may need no forward pass. Refuses to know files and graphs.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from vizsla.core import vectors
from vizsla.core.errors import SettingsError
from vizsla.core.protocols import Text
from vizsla.core.vectors import Scores, Sparse
from vizsla.encoders.towers import TwoModels
from vizsla.models.description import Description, Towers
from vizsla.models.finding import Use
from vizsla.models.model import Model, Side
from vizsla.models.readable import readable
from vizsla.models.table import TokenTable

Tower: TypeAlias = Model | TokenTable


class SparseEncoder(TwoModels[Tower]):
    """Texts to (n, vocabulary) weights; the score of a query and a passage is the dot product of theirs.

    Args:
        queries: a model, or a table of weights a token.
        passages: the same for passages.
        windows: "max" takes each token's largest weight among a long passage's windows.
    """

    def __init__(self, queries: Tower, passages: Tower, *, windows: str = "first") -> None:
        self.dim = passages.width
        super().__init__(queries, passages, {"dim": str(self.dim), "windows": windows})

    @classmethod
    def of(cls, towers: Towers, use: Use) -> "SparseEncoder":
        """The encoder of two descriptions.

        Raises:
            SettingsError: a part of the columns, which are tokens and stand in no order.
        """
        if use.dim:
            raise SettingsError(f"found dim={use.dim} for a sparse encoder, whose columns are tokens; leave it out")
        passages = _tower(towers.passages, use)
        queries = passages if towers.queries is towers.passages else _tower(towers.queries, use)
        return cls(queries, passages, windows=use.windows)

    def encode_queries(self, texts: Sequence[str]) -> Sparse:
        """Weights of queries' terms: (n, dim).

        Raises:
            DataError: a query is not text.
        """
        return _encoded(self._queries, texts, "queries")

    def encode_passages(self, passages: Sequence[Text]) -> Sparse:
        """Weights of passages' terms: (n, dim).

        Raises:
            DataError: a passage is neither text nor a pair of title and text.
        """
        return _encoded(self._passages, passages, "passages")

    def encode(self, texts: str | Sequence[Text]) -> Sparse:
        """As sentence-transformers calls it: `encode_passages`, also of one text alone."""
        return self.encode_passages([texts] if isinstance(texts, str) else texts)

    def similarity(self, one: Sparse, other: Sparse) -> vectors.Dense:
        """As sentence-transformers calls it: dot products of every row of one with every row of the other: (n, m)."""
        left, right = vectors.sparse(one, dim=self.dim), vectors.sparse(other, dim=self.dim)
        products: vectors.Dense = (left @ right.T).toarray()
        return products

    def top_terms(self, rows: Sparse, k: int = 10) -> list[list[tuple[str, float]]]:
        """The heaviest tokens of each vector with their weights, for a person to read.

        Args:
            rows: (n, dim).
            k: most tokens of each.
        """
        matrix = vectors.sparse(rows, dim=self.dim)
        best = []
        for start, stop in pairwise(matrix.indptr.tolist()):
            columns, weights = matrix.indices[start:stop], matrix.data[start:stop]
            first = np.lexsort((columns, -weights))[: vectors.check_depth(k)]
            best.append((columns[first].tolist(), weights[first].tolist()))
        words = readable(self._passages.description.tokens, sorted({one for columns, _ in best for one in columns}))
        return [[(words[one], weight) for one, weight in zip(*both, strict=True)] for both in best]


def _tower(description: Description, use: Use) -> Tower:
    if description.architecture.family == "static":
        return TokenTable(description)
    return Model(description, precision=use.precision, windows=use.windows == "max")


def _encoded(tower: Tower, texts: Sequence[Any], side: Side) -> Sparse:
    if isinstance(tower, TokenTable):
        return tower.terms(texts, side)
    keys, weights = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for positions, values in tower.outputs(texts, side):
        rows, columns = np.nonzero(values != 0)  # of booleans ten times as quick
        keys.append(positions[rows] * tower.width + columns)
        weights.append(values[rows, columns])
    made = _rows(np.concatenate(keys), np.concatenate(weights), (len(texts), tower.width))
    return vectors.sparse(made, dim=tower.width)


def _rows(keys: npt.NDArray[np.int64], weights: Scores, shape: tuple[int, int]) -> Sparse:
    """Rows of weights by `text * width + column`; of the windows of a text the largest of a column counts."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    firsts = np.flatnonzero(np.diff(keys, prepend=-1))
    largest = np.maximum.reduceat(weights[order], firsts) if len(firsts) else weights
    texts, columns = np.divmod(keys[firsts], shape[1])
    return csr_array((largest, columns, np.searchsorted(texts, np.arange(shape[0] + 1))), shape=shape)
