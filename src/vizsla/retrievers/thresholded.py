"""Thresholded: a retriever without the hits that score too little."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from vizsla.core.errors import SettingsError
from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever, Stage, Trace
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.tracing import then, traced


@dataclass(frozen=True)
class Thresholded:
    """Drops hits below a score; those that stay keep their order.

    Attributes:
        base: what searches.
        min_score: the least score that stays, on the base's own scale.
        name: what it is called in a trace.

    Raises:
        SettingsError: a least score that is NaN.
    """

    base: Retriever
    min_score: float
    name: str = "min_score"

    def __post_init__(self) -> None:
        if math.isnan(self.min_score):
            raise SettingsError("found a least score that is NaN; wanted a number")

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best passages of each query that score enough; a row may hold fewer, or none."""
        return self.base.search(queries, k, allowed).above(self.min_score)

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
        """As `search`, with the base's stages."""
        found = traced(self.base, queries, k, allowed)
        begin = time.perf_counter()
        hits = found.hits.above(self.min_score)
        note = f"{int(hits.counts().sum())} of {int(found.hits.counts().sum())} scored enough"
        return then([found], Stage(self.name, hits, time.perf_counter() - begin, note))
