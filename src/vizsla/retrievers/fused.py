"""Fused: several retrievers searched side by side, their hits made one ranking.

Knows what bases are asked for. Refuses to know how their hits are fused (`vizsla.retrievers.fusion`).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from vizsla.core import vectors
from vizsla.core.errors import SettingsError
from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever, Stage, Trace
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.fusion import ReciprocalRank, Rule, fuse, weights_of
from vizsla.retrievers.lanes import together
from vizsla.retrievers.tracing import then, traced

DEPTH = 100
T = TypeVar("T")


@dataclass(frozen=True)
class Fused:
    """Finds what any of its bases finds, ordered by what all of them say.

    Laws: every hit is one that a base returns at the depth; for k up to the depth, the best do not
    depend on k where the bases are exact.

    Attributes:
        bases: what searches.
        rule: how hits are fused: `ReciprocalRank` or `WeightedSum`, with a weight a base.
        depth: how many hits each base is asked for; more where k is more.
        name: what fusing is called in a trace.

    Raises:
        SettingsError: no bases, a depth below 1, or another number of weights than of bases.
    """

    bases: tuple[Retriever, ...]
    rule: Rule = field(default_factory=ReciprocalRank)
    depth: int = DEPTH
    name: str = "rrf"

    def __post_init__(self) -> None:
        if not self.bases or self.depth < 1:
            found = f"{len(self.bases)} retrievers to fuse at depth {self.depth}"
            raise SettingsError(f"found {found}; wanted at least one of each")
        weights_of(self.rule, len(self.bases))

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best passages of each query."""
        depth = max(vectors.check_depth(k), self.depth)
        return fuse(self._each(lambda base: base.search(queries, depth, allowed)), self.rule, k)

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
        """As `search`, with every base's stages before the fusing.

        Where bases are searched at the same time, their seconds add up to more than the clock shows.
        """
        depth = max(vectors.check_depth(k), self.depth)
        found = self._each(lambda base: traced(base, queries, depth, allowed))
        begin = time.perf_counter()
        hits = fuse([trace.hits for trace in found], self.rule, k)
        note = f"{depth} of each of {len(found)}"
        return then(found, Stage(self.name, hits, time.perf_counter() - begin, note))

    def _each(self, call: Callable[[Retriever], T]) -> list[T]:
        return together([partial(call, base) for base in self.bases])
