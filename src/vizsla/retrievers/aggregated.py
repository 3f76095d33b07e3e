"""Aggregated: passages to what they are parts of, one hit a parent.

Knows which parent each position has, as a number. Refuses to know parents' names.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core import vectors
from vizsla.core.errors import SettingsError, ShapeError
from vizsla.core.hits import Floats, Hits, Positions, empty, from_rows, rank
from vizsla.core.protocols import Retriever, Stage, Trace
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.tracing import then, traced

DEPTH = 100
HOWS = ("max", "sum")
How: TypeAlias = Literal["max", "sum"]
_DEEPER = 4


@dataclass(frozen=True, eq=False)
class Aggregated:
    """Finds parents by their passages: each hit is a parent's best passage, with the parent's score.

    `max`: a parent scores what its best passage does; the base is searched deeper and deeper until
    there are k parents or nothing more. `sum`: a parent scores the sum over those of its passages that
    stand among the first max(k, depth) hits, so the depth belongs to the score, and there may be fewer
    than k parents; it is meant for scores that are at least 0, such as BM25's or fused ones.

    Laws: every hit is one that the base returns; where the base is exact, the best by `max` do not
    depend on k, and by `sum` not for k up to the depth.

    Attributes:
        base: what finds passages.
        parents: (n,) int64, the number of each position's parent; below 0, a passage stands for itself.
        how: how passages' scores become their parent's.
        depth: how many hits are looked at, at least.
        name: what it is called in a trace.

    Raises:
        SettingsError: a depth below 1, or an unknown way to aggregate.
    """

    base: Retriever
    parents: npt.NDArray[np.int64]
    how: How = "max"
    depth: int = DEPTH
    name: str = "parents"

    def __post_init__(self) -> None:
        check_aggregation(self.how, self.depth)

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best parents of each query, each as its best passage.

        Raises:
            ShapeError: the base found a position without a parent's number.
        """
        return self.trace(queries, k, allowed).hits

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
        """As `search`, with the base's stages as deep as it was searched for each query."""
        depth = max(vectors.check_depth(k), self.depth)
        rows, traces, own = np.arange(len(queries)), list[tuple[npt.NDArray[np.int64], Trace]](), 0.0
        made = [(np.zeros(0, np.int64), np.zeros(0, np.float32))] * len(queries)
        while True:
            found = traced(self.base, [queries[row] for row in rows.tolist()], depth, allowed)
            traces.append((rows, found))
            begin = time.perf_counter()
            for place, row in enumerate(rows.tolist()):
                made[row] = self._group(*found.hits.row(place), k)
            groups = np.array([len(made[row][0]) for row in rows.tolist()], np.int64)
            more = (groups < k) & (found.hits.counts() >= depth)
            own += time.perf_counter() - begin
            rows = rows[more]
            if self.how == "sum" or not len(rows):
                break
            depth = min(depth * _DEEPER, len(self.parents) + 1)
        hits = from_rows(made, k)
        return then([_stacked(traces, len(queries))], Stage(self.name, hits, own, f"searched {depth} deep"))

    def _group(self, positions: Positions, scores: Floats, k: int) -> tuple[Positions, Floats]:
        """The k best parents of one query's hits."""
        if len(positions) and positions.max() >= len(self.parents):
            found = f"the position {positions.max()} and parents of {len(self.parents)} passages"
            raise ShapeError(f"found {found}; wanted a parent's number for every passage that is searched")
        own = self.parents[positions]
        _, first, groups = np.unique(np.where(own < 0, -1 - positions, own), return_index=True, return_inverse=True)
        if self.how == "max":
            return rank(positions[first], scores[first], k)
        sums = np.bincount(groups, weights=scores.astype(np.float64), minlength=len(first))
        return rank(positions[first], sums.astype(np.float32), k)


def check_aggregation(how: str, depth: int) -> None:
    """See that passages can be aggregated so.

    Raises:
        SettingsError: a depth below 1, or an unknown way to aggregate.
    """
    if how not in HOWS or depth < 1:
        found = f"{how!r} at depth {depth}"
        raise SettingsError(f"found parents by {found}; wanted one of {', '.join(HOWS)} and a depth of at least 1")


def _stacked(traces: Sequence[tuple[npt.NDArray[np.int64], Trace]], queries: int) -> Trace:
    """Searches of fewer and fewer of the queries as one: the last hits of each query, the seconds of all."""
    if len(traces) == 1:
        return traces[0][1]
    stages = []
    for each in zip(*(trace.stages for _, trace in traces), strict=True):
        hits = empty(queries, max(stage.hits.positions.shape[1] for stage in each))
        for (rows, _), stage in zip(traces, each, strict=True):
            width = stage.hits.positions.shape[1]
            hits.positions[rows, :width] = stage.hits.positions
            hits.scores[rows, :width] = stage.hits.scores
        stages.append(Stage(each[-1].name, hits, sum(stage.seconds for stage in each), each[-1].note))
    return Trace(stages[-1].hits, tuple(stages))
