"""Reranked: the first candidates of a retriever in the order of a reranker, within a budget of time.

Knows the reranker's door and where texts come from. Refuses to know what either is made of.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from vizsla.core import vectors
from vizsla.core.errors import SettingsError, ShapeError
from vizsla.core.hits import Floats, Hits, Positions, from_rows, rank
from vizsla.core.protocols import Passages, Reranker, Retriever, Stage, Text, Trace
from vizsla.core.vectors import Bitmap
from vizsla.data.runs import falling
from vizsla.retrievers.tracing import then, traced

DEPTH = 30
TAILS = ("keep", "cut")
Tail: TypeAlias = Literal["keep", "cut"]

_LARGEST = 1e38  # leaves room in float32 for the tail below
_WARY = 2.0  # a pair may take so many times as long as those before it, and the budget still holds


@dataclass(frozen=True)
class Reranked:
    """Reads the best candidates of its base together with the query and orders them by what they score.

    Candidates that were not read, because they stood below the depth or did not fit the budget, are
    cut, or keep their order below those that were. Their scores then say nothing but this order: each
    is the next float32 below the one before it, from the lowest score of the reranker on. Where a
    query had no candidate read, there are none.

    Laws: every hit is one that the base returns for max(k, depth); without a budget, and with an exact
    base, the best do not depend on k.

    With a budget, candidates are read in the order of their ranks, the first of every query first,
    batch after batch, each of half as many as the time left is enough for at the pace of the batch
    before. The first batch, one candidate a query, is always read. So the budget holds as long as
    no pair takes twice as long as those before it did.

    Attributes:
        base: what finds candidates.
        reranker: scores a query and a passage.
        passages: positions to texts.
        depth: how many candidates of a query are read.
        budget_ms: how long reading may take for each query that has candidates, texts included and the
            base's time not; the queries of one search share it. None is as long as it takes.
        tail: whether candidates that were not read are kept or cut.
        name: what it is called in a trace.

    Raises:
        SettingsError: a depth below 1, a budget that is not above 0, or a tail that is neither.
    """

    base: Retriever
    reranker: Reranker
    passages: Passages
    depth: int = DEPTH
    budget_ms: float | None = None
    tail: Tail = "keep"
    name: str = "rerank"

    def __post_init__(self) -> None:
        check_reranking(self.depth, self.budget_ms, self.tail)

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best passages of each query.

        Raises:
            ShapeError: the reranker gave a score that is not a number or beyond 1e38, or not one a pair.
        """
        depth = max(vectors.check_depth(k), self.depth)
        return self._rerank(queries, self.base.search(queries, depth, allowed), k)[0]

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
        """As `search`, with the base's stages, and how many candidates were read."""
        found = traced(self.base, queries, max(vectors.check_depth(k), self.depth), allowed)
        begin = time.perf_counter()
        hits, note = self._rerank(queries, found.hits, k)
        return then([found], Stage(self.name, hits, time.perf_counter() - begin, note))

    def _rerank(self, queries: Sequence[str], found: Hits, k: int) -> tuple[Hits, str]:
        begin = time.perf_counter()
        places, rows = np.nonzero(found.positions[:, : self.depth].T >= 0)  # the first candidate of every query first
        positions = found.positions[rows, places]
        texts = self._texts(positions)
        pairs = [(queries[row], text) for row, text in zip(rows.tolist(), texts, strict=True)]
        if self.budget_ms is None:
            scores, note = self._score(pairs), f"{len(pairs)} candidates"
        else:
            first = int(np.sum(places == 0))
            scores = _within(begin + first * self.budget_ms / 1e3, self._score, pairs, first=first)
            note = f"{len(scores)} of {len(pairs)} fitted the budget"
        made = []
        for row in range(len(queries)):
            own = np.flatnonzero(rows[: len(scores)] == row)
            ranked = rank(positions[own], scores[own], max(1, len(own)))
            rest = found.row(row)[0][len(own) :] if self.tail == "keep" else positions[:0]
            made.append(_joined(ranked, rest, k))
        return from_rows(made, k), note

    def _texts(self, positions: Positions) -> list[Text]:
        """The texts of positions; one that several queries found is fetched once."""
        distinct, places = np.unique(positions, return_inverse=True)
        texts = self.passages.texts(distinct)
        return [texts[place] for place in places.tolist()]

    def _score(self, pairs: Sequence[tuple[str, Text]]) -> Floats:
        if not pairs:
            return np.zeros(0, np.float32)
        with np.errstate(over="ignore"):  # what overflows is found below, as infinite
            scores = np.asarray(self.reranker.score(pairs), np.float32)
        if scores.shape != (len(pairs),):
            raise ShapeError(f"found scores of shape {scores.shape} for {len(pairs)} pairs; wanted one a pair")
        bad = np.flatnonzero(~(np.abs(scores) <= _LARGEST))
        if len(bad):
            query, _ = pairs[int(bad[0])]
            found = f"the score {scores[bad[0]]} for a candidate of the query {query[:80]!r}"
            raise ShapeError(f"found {found}; wanted a number within 1e38: look at the reranker's model")
        return scores


def check_reranking(depth: int, budget_ms: float | None, tail: str) -> None:
    """See that candidates can be reranked so.

    Raises:
        SettingsError: a depth below 1, a budget that is not above 0, or a tail that is neither.
    """
    if depth < 1 or (budget_ms is not None and not 0 < budget_ms < float("inf")):
        raise SettingsError(f"found depth {depth} and a budget of {budget_ms} ms for reranking; wanted both above 0")
    if tail not in TAILS:
        raise SettingsError(f"found the tail {tail!r} for reranking; wanted one of: {', '.join(TAILS)}")


def _within(
    deadline: float,
    score: Callable[[Sequence[tuple[str, Text]]], Floats],
    pairs: Sequence[tuple[str, Text]],
    *,
    first: int,
) -> Floats:
    """The scores of as many pairs, from the first on, as can be read before the deadline."""
    parts: list[Floats] = []
    done, size = 0, first
    while done < len(pairs) and size > 0:
        begin = time.perf_counter()
        parts.append(score(pairs[done : done + size]))
        now = time.perf_counter()
        done += len(parts[-1])
        pace = max(now - begin, 1e-9) / len(parts[-1])
        size = int(max(deadline - now, 0.0) / pace / _WARY)
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _joined(read: tuple[Positions, Floats], rest: Positions, k: int) -> tuple[Positions, Floats]:
    """What was read and, below it, what was not."""
    positions, scores = read
    if not len(positions) or not len(rest):
        return positions[:k], scores[:k]
    below = falling(np.repeat(scores[-1:], len(rest) + 1))[1:]
    return np.concatenate([positions, rest])[:k], np.concatenate([scores, below])[:k]
