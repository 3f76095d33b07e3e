"""Parsed search: a retriever that understands "phrase", +must and -not.

What can be told from postings becomes the bitmap of a plain search; the order of words is checked
on the texts of what that search finds, deeper and deeper until there are enough.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vizsla.core import hits, vectors
from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever
from vizsla.core.vectors import Bitmap
from vizsla.text.analyzer import Analyzer
from vizsla.text.syntax import ParsedQuery, parse

_DEEPER = 4


@dataclass(frozen=True)
class Parsed:
    """Searches for a query's text among the passages its signs allow.

    Law: every hit is one the base returns for the query's text.

    Attributes:
        base: plain search.
        analyzer: what phrases are compared by.
        texts: the searched texts of positions.
        holding: the positions that hold every term of a phrase, rising.
        size: how many positions there are.
    """

    base: Retriever
    analyzer: Analyzer
    texts: Callable[[Sequence[int]], list[str]]
    holding: Callable[[str], npt.NDArray[np.int64]]
    size: int

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best passages of each query that its signs allow; a query without signs is plain search."""
        depth, bitmap = vectors.check_depth(k), vectors.check_allowed(allowed, self.size)
        parsed = [parse(query) for query in queries]
        if not any(query.must or query.excluded for query in parsed):
            return self.base.search([query.text for query in parsed], depth, bitmap)
        return hits.from_rows([self._search(query, depth, bitmap) for query in parsed], depth)

    def _search(self, query: ParsedQuery, k: int, allowed: Bitmap | None) -> tuple[hits.Positions, hits.Floats]:
        told = [phrase for phrase in query.excluded if self._is_term(phrase)]
        bitmap = self._bitmap(query, told, allowed)
        must = [_joined(self.analyzer.units(phrase)) for phrase in query.must]
        excluded = [_joined(self.analyzer.units(phrase)) for phrase in query.excluded if phrase not in told]
        verdicts: dict[int, bool] = {}
        depth = k
        while True:
            positions, scores = self.base.search([query.text], depth, bitmap).row(0)
            self._judge(positions.tolist(), must, excluded, verdicts)
            kept = np.array([verdicts[position] for position in positions.tolist()], dtype=np.bool_)
            if kept.sum() >= k or len(positions) < depth:
                return positions[kept][:k], scores[kept][:k]
            depth = min(depth * _DEEPER, self.size + 1)

    def _is_term(self, phrase: str) -> bool:
        """Whether a phrase is one term and no more, so that postings alone tell who holds it."""
        terms = self.analyzer.terms(phrase)
        return len(terms) == 1 and terms == self.analyzer.units(phrase)

    def _bitmap(self, query: ParsedQuery, excluded: list[str], allowed: Bitmap | None) -> Bitmap | None:
        """What postings can tell: a hit holds every term of what must stand in it, and no excluded one."""
        bitmap = allowed
        for phrase in query.must:
            if self.analyzer.terms(phrase):
                held = np.zeros(self.size, np.bool_)
                held[self.holding(phrase)] = True
                bitmap = held if bitmap is None else bitmap & held
        for phrase in excluded:
            bitmap = np.ones(self.size, np.bool_) if bitmap is None else bitmap.copy()
            bitmap[self.holding(phrase)] = False
        return bitmap

    def _judge(self, positions: list[int], must: list[str], excluded: list[str], verdicts: dict[int, bool]) -> None:
        """Check the order of words on the texts of positions that were not checked before."""
        fresh = [position for position in positions if position not in verdicts]
        for position, text in zip(fresh, self.texts(fresh), strict=True):
            units = _joined(self.analyzer.units(text))
            verdicts[position] = all(phrase in units for phrase in must) and not any(
                phrase in units for phrase in excluded if phrase != _joined([])
            )


def _joined(units: list[str]) -> str:
    """Units between signs that none of them holds, so that part of the string is part of the list."""
    return "\x1f" + "\x1f".join(units) + "\x1f" if units else "\x1f"
