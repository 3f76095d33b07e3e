"""The dense encoder: texts to vectors by a published model, or by one for queries and one for passages.

Knows Matryoshka truncation and when a vector has unit length. Refuses to know files and graphs.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vizsla.core import vectors
from vizsla.core.errors import SettingsError
from vizsla.core.protocols import Text
from vizsla.core.vectors import Dense
from vizsla.encoders.towers import TwoModels
from vizsla.models.description import Towers
from vizsla.models.finding import Use
from vizsla.models.model import Model, Side

_TINY = 1e-12


class DenseEncoder(TwoModels[Model]):
    """Texts to (n, dim) vectors, as the model makes them: of unit length only where its own files or settings say so.

    `similarity` scores by what the contract says: dot products, or cosines, which are the dot products of vectors of
    unit length (`settings={"normalize": True}` makes any model's vectors so).

    Args:
        queries: encodes queries.
        passages: encodes passages.
        dim: the first so many columns of each vector (what Matryoshka training makes useful), 0 for all.
        unit: those columns are brought to unit length again, where the model brings its vectors to it.

    Raises:
        SettingsError: more columns than the model has.
    """

    def __init__(self, queries: Model, passages: Model, *, dim: int = 0, unit: bool = True) -> None:
        if dim > passages.width:
            raise SettingsError(f"found dim={dim}; wanted at most {passages.width}, the model's own")
        self.dim = dim or passages.width
        self._again = unit and self.dim < passages.width
        shorter = not unit and passages.description.head.normalize
        part = f"{self.dim} of {passages.width}" + ", of unit length before" * shorter
        super().__init__(queries, passages, {"dim": str(self.dim) if self.dim == passages.width else part})

    @classmethod
    def of(cls, towers: Towers, use: Use) -> "DenseEncoder":
        """The encoder of two descriptions.

        Raises:
            SettingsError: windows, which one vector a passage cannot hold.
        """
        if use.windows != "first":
            raise SettingsError(
                "found windows='max' for a dense encoder; one vector cannot stand for the best of several windows: "
                "wanted 'first', or the text cut into passages before (vizsla.data.cutting)"
            )
        passages = Model(towers.passages, precision=use.precision)
        shared = towers.queries is towers.passages
        queries = passages if shared else Model(towers.queries, precision=use.precision)
        return cls(queries, passages, dim=use.dim, unit=use.unit)

    def encode_queries(self, texts: Sequence[str]) -> Dense:
        """Vectors of queries: (n, dim).

        Raises:
            DataError: a query is not text.
        """
        return self._encoded(self._queries, texts, "queries")

    def encode_passages(self, passages: Sequence[Text]) -> Dense:
        """Vectors of passages: (n, dim).

        Raises:
            DataError: a passage is neither text nor a pair of title and text.
        """
        return self._encoded(self._passages, passages, "passages")

    def encode(self, texts: str | Sequence[Text]) -> Dense:
        """As sentence-transformers calls it: `encode_passages`, and for one text its vector alone, (dim,)."""
        return self.encode_passages([texts])[0] if isinstance(texts, str) else self.encode_passages(texts)

    def similarity(self, one: Dense, other: Dense) -> Dense:
        """As sentence-transformers calls it: the score of every row of one with every row of the other.

        Args:
            one: (n, dim), or one vector.
            other: (m, dim), or one vector.

        Returns:
            (n, m): dot products, or cosines where the contract says so.

        Raises:
            ShapeError: vectors of another width.
        """
        left, right = (vectors.dense(np.atleast_2d(rows), dim=self.dim) for rows in (one, other))
        if self.contract.score == "cosine":
            left, right = _unit(left), _unit(right)
        products: Dense = left @ right.T
        return products

    def _encoded(self, model: Model, texts: Sequence[Any], side: Side) -> Dense:
        made = np.empty((len(texts), self.dim), np.float32)
        unit = self._again and model.description.head.normalize
        for positions, values in model.outputs(texts, side):
            kept = values[:, : self.dim]
            made[positions] = _unit(kept) if unit else kept
        return made


def _unit(rows: Dense) -> Dense:
    lengths: Dense = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _TINY)
    return rows / lengths
