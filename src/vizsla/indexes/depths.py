"""How many rows to read, and how many candidates to score exactly, for a wanted recall; recorded with what it gave.

Both are measured on held-out queries. Knows codes and exact hits; refuses to know how either is made.
"""

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core import threads
from vizsla.core.errors import SettingsError
from vizsla.core.vectors import Dense
from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.signs import Signs
from vizsla.kernels import signs as kernel

MEASURED_AT = (10, 100, 1000)
SAMPLE = 512
_DEEPEST = 1 << 31
_TRIES = (2 / 3, 1 / 3, 1 / 6)
"""Of what may be missed the share that is missed where this is set: the first that others hold to is taken."""
_UNREAD = (0.85, 0.4, 0.2)
"""Of what is missed the share for cells that are not read, for each k: the more are scored, the more these cost."""
_NEVER = 1 << 40
Source: TypeAlias = Literal["queries", "passages"]
Int64s: TypeAlias = npt.NDArray[np.int64]
_Set: TypeAlias = tuple[tuple[int, ...], tuple[int, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Depths:
    """What was measured.

    Attributes:
        recall: the share of the k best that was wanted.
        rows: for each k of MEASURED_AT, how many rows are read, whole cells at a time; of one cell, all.
        depths: for each, how many candidates are scored; one half of the held-out queries set both.
        found: the share of the k best that the other half found so.
        held_out: what was asked: queries that were given, or vectors of the index, each without itself.
        asked: how many.
    """

    recall: float
    rows: tuple[int, ...]
    depths: tuple[int, ...]
    found: tuple[float, ...]
    held_out: Source
    asked: int

    def __post_init__(self) -> None:
        check_recall(self.recall)
        whole = len(self.rows) == len(self.depths) == len(self.found) == len(MEASURED_AT) and self.asked >= 0
        numbers = all(1 <= one < _DEEPEST for one in (*self.rows, *self.depths))
        if not (whole and numbers and all(0 <= one <= 1 for one in self.found)):
            wanted = f"numbers from 1 and a share from 0 to 1 for each k of {MEASURED_AT}"
            raise SettingsError(f"found rows {self.rows}, depths {self.depths}, recalls {self.found}; wanted {wanted}")

    def at(self, k: int) -> int:
        """How many candidates the best k need."""
        return max(k, math.ceil(_between(k, self.depths) - 1e-6))

    def rows_at(self, k: int, share: float = 1.0) -> int:
        """How many rows that are allowed the best k need to be looked for among.

        The best k of the share of all rows that is allowed lie as far out as the best k / share of all.
        """
        return max(k, math.ceil(share * _between(k / share, self.rows) - 1e-6))


def _between(k: float, values: Sequence[int]) -> float:
    """What k needs: between two measured k in even ratios, beyond the last in proportion."""
    least, most = MEASURED_AT[0], MEASURED_AT[-1]
    if k >= most:
        return values[-1] / most * k
    if k <= least:
        return values[0]
    above = bisect.bisect_right(MEASURED_AT, k)
    (low, high), (fewer, more) = MEASURED_AT[above - 1 : above + 1], values[above - 1 : above + 1]
    needed: float = fewer * (more / fewer) ** (math.log(k / low) / math.log(high / low))
    return needed


def check_recall(recall: float) -> None:
    """Check a wanted recall.

    Raises:
        SettingsError: not above 0 and below 1.
    """
    if not 0 < recall < 1:
        raise SettingsError(f"found recall={recall}; wanted a share above 0 and below 1; FlatIndex finds all")


def measure(flat: FlatIndex, found: Signs, queries: Dense | None, recall: float, seed: int) -> Depths:
    """Find rows and depths for a wanted recall.

    A third of what may be missed is kept in reserve, since they are set on some queries and held to by others; more
    where these find less than is wanted, and in the end all rows are read.

    Args:
        flat: gives the truth.
        found: the codes.
        queries: held-out queries, of which SAMPLE at most are asked; None draws vectors of the index.
        recall: the share of the k best that is wanted.
        seed: of what is drawn.
    """
    source: Source = "passages" if queries is None else "queries"
    pool = flat.vectors if queries is None else queries
    drawn = np.random.default_rng(seed).permutation(len(pool))[:SAMPLE]
    asked = np.ascontiguousarray(pool[drawn])
    truth = flat.found(asked, MEASURED_AT[-1] + 1, None).positions
    own = drawn if queries is None else np.full(len(drawn), -1)
    cells, rows = _where(found)

    def reading(number: int) -> _Reading:
        best = truth[number][(truth[number] >= 0) & (truth[number] != own[number])][: MEASURED_AT[-1]]
        chosen = best if own[number] < 0 else np.append(best, own[number])
        return _Reading.of(found, asked[number], cells[chosen], rows[chosen], len(best))

    readings = list(threads.pool().map(reading, range(len(asked))))
    for share, unread in [*((one, _UNREAD) for one in _TRIES), (_TRIES[-1], None)]:
        made = _set(found, readings, (1 - recall) * share, unread)
        if min(made[2]) >= recall:
            break
    return Depths(recall, *made, source, len(asked))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a search for one query reads, and where in it the best stand.

    Attributes:
        query: as it is asked.
        order: the cells, as they are read.
        ends: how many rows are read with each.
        best: the places of the best in what is read, the best first.
        own: the place of the vector that asks, which counts not; none where empty.
    """

    query: kernel.Asked
    order: Int64s
    ends: Int64s
    best: Int64s
    own: Int64s

    @classmethod
    def of(cls, found: Signs, query: npt.NDArray[np.float32], cells: Int64s, rows: Int64s, count: int) -> "_Reading":
        """Of a query, the cells of its `count` best and of itself, and their places in these."""
        asked = found.asked(query)
        order = kernel.ranked(asked.products)
        sizes = found.sizes[order]
        ends, begins = np.cumsum(sizes), np.empty(len(order), np.int64)
        begins[order] = ends - sizes
        places = begins[cells] + rows
        return cls(asked, order, ends, places[:count], places[count:])

    def reach(self) -> Int64s:
        """How many rows are read, whole cells, until each of the best is among them."""
        return self.ends[np.searchsorted(self.ends, self.best, side="right")]

    def needed(self, codes: kernel.Codes, rows: Sequence[int]) -> list[Int64s]:
        """For each k of MEASURED_AT and its rows: how many candidates each of the best needs to be among them."""
        last = np.searchsorted(self.ends, np.minimum(rows, self.ends[-1]))
        stops, most = self.ends[last], int(last.max())
        estimates = np.empty(int(self.ends[most]), np.float32)
        kernel.estimate(codes, self.query, self.order[: most + 1], estimates)
        estimates[self.own[self.own < len(estimates)]] = -np.inf
        made = []
        for k, stop in zip(MEASURED_AT, stops.tolist(), strict=True):
            best, rising = self.best[:k], np.sort(estimates[:stop])
            read, needed = best < stop, np.full(len(best), _NEVER)
            needed[read] = stop - np.searchsorted(rising, estimates[best[read]], side="left")
            made.append(needed)
        return made


def _where(found: Signs) -> tuple[Int64s, Int64s]:
    """For each position the cell that holds it, and its row among that cell's."""
    sizes, firsts = found.sizes, found.codes.firsts
    cells, positions = np.repeat(np.arange(len(sizes)), sizes), found.codes.positions
    rows = np.arange(firsts[-1]) - firsts[cells]
    if not len(positions):
        return cells, rows
    order = np.argsort(positions)
    return cells[order], rows[order]


def _set(found: Signs, readings: list[_Reading], missed: float, unread: tuple[float, ...] | None) -> _Set:
    """Rows, all for None, and depths that miss a share where they are set, and the shares that others find so."""
    half = (len(readings) + 1) // 2
    setting, held = readings[:half], readings[half:] or readings
    rows = [len(found.codes.factors)] * len(MEASURED_AT)
    if unread is not None:
        reach = [one.reach() for one in setting]
        each = [np.concatenate([one[:k] for one in reach]) for k in MEASURED_AT]
        rows = _rising(each, [missed * share for share in unread])
    needed = list(threads.pool().map(lambda one: one.needed(found.codes, rows), readings))
    depths = _rising([np.concatenate(each) for each in zip(*needed[:half], strict=True)], [missed] * len(rows))
    others = [np.concatenate(each) for each in zip(*needed[len(readings) - len(held) :], strict=True)]
    shares = [float((one <= depth).mean()) for one, depth in zip(others, depths, strict=True)]
    return tuple(rows), tuple(depths), tuple(shares)


def _rising(needed: list[Int64s], missed: list[float]) -> list[int]:
    """What leaves out no more than a share of each, no less for a larger k."""
    least = [int(np.quantile(one, 1 - share, method="higher")) for one, share in zip(needed, missed, strict=True)]
    found: list[int] = np.maximum.accumulate(least).tolist()
    return found
