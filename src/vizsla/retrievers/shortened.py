"""Shortened: a retriever that never returns more than so many hits."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from vizsla.core import vectors
from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever, Stage, Trace
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.tracing import then, traced


@dataclass(frozen=True)
class Shortened:
    """The best hits of its base, never more of them than `most`.

    Attributes:
        base: what searches.
        most: how many hits a query at most.
        name: what it is called in a trace.

    Raises:
        ShapeError: less than one hit.
    """

    base: Retriever
    most: int
    name: str = "top"

    def __post_init__(self) -> None:
        vectors.check_depth(self.most)

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best passages of each query; beyond `most`, a row has ended."""
        return self.base.search(queries, min(vectors.check_depth(k), self.most), allowed).padded(k)

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
        """As `search`, with the base's stages."""
        found = traced(self.base, queries, min(vectors.check_depth(k), self.most), allowed)
        begin = time.perf_counter()
        hits = found.hits.padded(k)
        return then([found], Stage(self.name, hits, time.perf_counter() - begin))
