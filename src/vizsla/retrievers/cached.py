"""Cached: answers remembered by query, depth and what is allowed; the least recently used go first.

Knows when one search's answer is another's. Refuses to know when what is searched has changed: a
snapshot never does, and another snapshot wants another cache.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias

import numpy as np

from vizsla.core import vectors
from vizsla.core.errors import SettingsError
from vizsla.core.hits import Floats, Hits, Positions, from_rows
from vizsla.core.protocols import Retriever, Trace
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.tracing import traced

_Key: TypeAlias = tuple[str, int, bytes]
_ANY_DEPTH = 0


@dataclass(frozen=True, slots=True)
class CacheCounts:
    """What a cache has done: queries answered from it, queries handed to the base, answers held now."""

    served: int
    searched: int
    held: int


@dataclass(frozen=True, slots=True)
class _Answer:
    k: int
    positions: Positions
    scores: Floats

    def holds(self, k: int) -> bool:
        """Whether it is deep enough, or ended before its depth, so that there is no more to find."""
        return k <= self.k or len(self.positions) < self.k


class Cached:
    """Gives its base's answers, and remembers them. Threads may share it.

    Law: every answer is the one the base gives. This asks of the base that a query's answer depends
    neither on the queries beside it nor on the time, so no budget may stand in it.

    Args:
        base: what searches.
        size: how many answers are held, one a query, depth and allowed set.
        exact: whether the base keeps the law of exact retrievers, search(q, k).top(j) == search(q, j), so
            that an answer also serves shallower searches. Only who made the base knows; exact indexes do.

    Raises:
        SettingsError: a size below 1.
    """

    def __init__(self, base: Retriever, size: int, *, exact: bool = False) -> None:
        if size < 1:
            raise SettingsError(f"found a cache of {size} answers; wanted at least 1, or no cache")
        self._base = base
        self._size = size
        self._exact = exact
        self._answers: OrderedDict[_Key, _Answer] = OrderedDict()
        self._lock = Lock()
        self._served = 0
        self._searched = 0

    @property
    def counts(self) -> CacheCounts:
        """What it has done so far."""
        with self._lock:
            return CacheCounts(self._served, self._searched, len(self._answers))

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best passages of each query; the base searches for those it was not asked for before, each once."""
        depth = vectors.check_depth(k)
        mark = _digest(allowed)
        keys = [(query, _ANY_DEPTH if self._exact else depth, mark) for query in queries]
        found = self._look_up(keys, depth)
        absent = list(dict.fromkeys(key for key in keys if key not in found))
        fresh: dict[_Key, _Answer] = {}
        if absent or not queries:  # no queries at all: the base still checks what it was given
            hits = self._base.search([query for query, _, _ in absent], depth, allowed)
            fresh = {key: _answer(hits, row, depth) for row, key in enumerate(absent)}
        self._remember(fresh, served=len(keys) - len(fresh))
        found |= fresh
        rows = [(found[key].positions[:depth], found[key].scores[:depth]) for key in keys]
        return from_rows(rows, depth)

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
        """The base's own trace, searched anew: a remembered answer has no stages to show."""
        return traced(self._base, queries, k, allowed)

    def _look_up(self, keys: Sequence[_Key], k: int) -> dict[_Key, _Answer]:
        found: dict[_Key, _Answer] = {}
        with self._lock:
            for key in keys:
                answer = self._answers.get(key)
                if answer is not None and answer.holds(k):
                    self._answers.move_to_end(key)
                    found[key] = answer
        return found

    def _remember(self, fresh: dict[_Key, _Answer], *, served: int) -> None:
        with self._lock:
            self._served += served
            self._searched += len(fresh)
            for key, answer in fresh.items():
                held = self._answers.get(key)
                if held is None or not held.holds(answer.k):  # another thread may have searched deeper meanwhile
                    self._answers[key] = answer
                self._answers.move_to_end(key)
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)


def _answer(hits: Hits, row: int, k: int) -> _Answer:
    positions, scores = hits.row(row)
    return _Answer(k, positions.copy(), scores.copy())  # views would keep the whole block


def _digest(allowed: Bitmap | None) -> bytes:
    """Of what is allowed, its shape and type: what the base would refuse is never found here."""
    if not isinstance(allowed, np.ndarray):
        return b"" if allowed is None else type(allowed).__name__.encode()
    made = hashlib.blake2b(f"{allowed.dtype} {allowed.shape}".encode(), digest_size=16)
    made.update(np.packbits(allowed).data if allowed.dtype == np.bool_ else b"")
    return made.digest()
