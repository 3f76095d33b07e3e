"""Tracing: what every stage of a search did, whatever stands behind the retriever's door.

Knows that some retrievers can trace and others can only search. Refuses to know what stages mean.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever, Stage, Trace, Traced
from vizsla.core.vectors import Bitmap


class Tracer(Retriever, Traced, Protocol):
    """A retriever that can also say what each of its stages did."""


@dataclass(frozen=True)
class Named:
    """A retriever under the name by which traces and pipelines know it.

    Attributes:
        base: what searches.
        name: of its last stage in a trace.
    """

    base: Retriever
    name: str

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """What the base finds."""
        return self.base.search(queries, k, allowed)

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
        """As `search`; the last stage bears this name, those before it keep theirs."""
        found = traced(self.base, queries, k, allowed)
        return Trace(found.hits, (*found.stages[:-1], replace(found.stages[-1], name=self.name)))


def traced(retriever: Retriever, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
    """Search with a trace; a retriever that cannot trace is one stage under the name of its class."""
    own = getattr(retriever, "trace", None)
    if own is not None:
        found: Trace = own(queries, k, allowed)
        return found
    begin = time.perf_counter()
    hits = retriever.search(queries, k, allowed)
    return Trace(hits, (Stage(type(retriever).__name__, hits, time.perf_counter() - begin),))


def then(found: Sequence[Trace], stage: Stage) -> Trace:
    """A trace that ends in this stage, after those of what it stands on; its seconds are its own alone."""
    return Trace(stage.hits, (*(each for trace in found for each in trace.stages), stage))
