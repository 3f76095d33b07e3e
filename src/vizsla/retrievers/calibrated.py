"""Calibrated: a retriever whose scores are probabilities of relevance."""

from collections.abc import Sequence
from dataclasses import dataclass

from vizsla.core import vectors
from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.calibration import FIRST, Curve


@dataclass(frozen=True)
class Calibrated:
    """Finds what its base finds, in its order, and says how likely each hit is relevant.

    Law: but for its last bits, a passage's probability depends neither on k nor on what is allowed, for it
    is held against the query's first ten among all passages.

    Attributes:
        base: what searches, with the scores that the curve was fitted on.
        curve: scores to probabilities.
    """

    base: Retriever
    curve: Curve

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best passages of each query; scores are probabilities, above 0 and at most 1."""
        depth = vectors.check_depth(k)
        if allowed is None:
            hits = self.base.search(queries, max(depth, FIRST))
            return self.curve.probabilities(hits, hits.top(FIRST)).top(depth)
        return self.curve.probabilities(self.base.search(queries, depth, allowed), self.base.search(queries, FIRST))
