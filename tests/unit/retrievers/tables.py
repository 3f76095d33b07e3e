"""Retrievers and rerankers made of tables, for the tests of what stands on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vizsla.core.hits import Hits, from_rows, rank
from vizsla.core.protocols import Text
from vizsla.core.vectors import Bitmap, check_allowed, check_depth


@dataclass
class Table:
    """Finds by a row of scores for each query, whose text is the row's number; NaN is not found."""

    scores: npt.NDArray[np.float32]
    asked: list[tuple[tuple[str, ...], int]] = field(default_factory=list)

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        check_depth(k)
        check_allowed(allowed, self.scores.shape[1])
        self.asked.append((tuple(queries), k))
        rows = []
        for query in queries:
            row = self.scores[int(query)]
            found = ~np.isnan(row) if allowed is None else ~np.isnan(row) & allowed
            positions = np.flatnonzero(found)
            rows.append(rank(positions, row[positions], k))
        return from_rows(rows, k)


def table(*rows: Sequence[float | None]) -> Table:
    return Table(np.array([[np.nan if score is None else score for score in row] for row in rows], np.float32))


class Texts:
    """The text of a position is its number."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def texts(self, positions: Sequence[int] | npt.NDArray[np.int64]) -> list[Text]:
        self.asked.append([int(position) for position in positions])
        return [str(position) for position in self.asked[-1]]


@dataclass
class Scorer:
    """Scores by a row for each query and a column for each position, as `Texts` gives them."""

    scores: npt.NDArray[np.float32]
    calls: list[int] = field(default_factory=list)

    def score(self, pairs: Sequence[tuple[str, Text]]) -> npt.NDArray[np.float32]:
        self.calls.append(len(pairs))
        return np.array([self.scores[int(query), int(str(text))] for query, text in pairs], np.float32)


def scorer(*rows: Sequence[float]) -> Scorer:
    return Scorer(np.array(rows, np.float32))


def listed(hits: Hits, row: int = 0) -> list[tuple[int, float]]:
    positions, scores = hits.row(row)
    return list(zip(positions.tolist(), scores.tolist(), strict=True))
