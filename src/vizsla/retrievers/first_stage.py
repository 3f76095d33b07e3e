"""The first stage: one encoder, one index, one dot product."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from vizsla.core.errors import ShapeError
from vizsla.core.hits import Hits
from vizsla.core.protocols import Encoder, Index, Stage, Trace, V
from vizsla.core.vectors import Bitmap


@dataclass(frozen=True)
class FirstStage(Generic[V]):
    """Encodes the queries and finds the largest products.

    Attributes:
        encoder: texts to vectors.
        index: vectors to positions, of the encoder's width.
        name: what it is called in a trace.

    Raises:
        ShapeError: the two are of different widths.
    """

    encoder: Encoder[V]
    index: Index[V]
    name: str = "first stage"

    def __post_init__(self) -> None:
        if self.encoder.dim != self.index.dim:
            found = f"an encoder of width {self.encoder.dim} and an index of width {self.index.dim}"
            raise ShapeError(f"found {found}; wanted two that were made together")

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best passages of each query, exactly as the index finds them."""
        return self.index.search(self.encoder.encode_queries(queries), k, allowed)

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
        """As `search`, with the time of encoding and of searching."""
        begin = time.perf_counter()
        vectors = self.encoder.encode_queries(queries)
        encoded = time.perf_counter()
        hits = self.index.search(vectors, k, allowed)
        note = f"encoding {1e3 * (encoded - begin):.1f} ms"
        return Trace(hits, (Stage(self.name, hits, time.perf_counter() - begin, note),))
