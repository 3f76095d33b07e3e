"""How many candidates to score exactly for a wanted recall: measured on held-out queries, recorded with what it gave.

Knows estimates and exact hits; refuses to know how either is made.
"""

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from vizsla.core import threads
from vizsla.core.errors import SettingsError
from vizsla.core.vectors import Dense
from vizsla.indexes.flat import FlatIndex

MEASURED_AT = (10, 100, 1000)
SAMPLE = 512
_DEEPEST = 1 << 31
Source: TypeAlias = Literal["queries", "passages"]
Estimate: TypeAlias = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Depths:
    """What was measured.

    Attributes:
        recall: the share of the k best that was wanted.
        depths: for each k of MEASURED_AT, how many candidates are scored; one half of the held-out queries set them.
        found: the share of the k best that the other half found so.
        held_out: what was asked: queries that were given, or vectors of the index, each without itself.
        asked: how many.
    """

    recall: float
    depths: tuple[int, ...]
    found: tuple[float, ...]
    held_out: Source
    asked: int

    def __post_init__(self) -> None:
        check_recall(self.recall)
        whole = len(self.depths) == len(self.found) == len(MEASURED_AT) and self.asked >= 0
        numbers = all(1 <= one < _DEEPEST for one in self.depths)
        if not (whole and numbers and all(0 <= one <= 1 for one in self.found)):
            wanted = f"a number from 1 and a share from 0 to 1 for each k of {MEASURED_AT}"
            raise SettingsError(f"found depths {self.depths} and recalls {self.found}; wanted {wanted}")

    def at(self, k: int) -> int:
        """How many candidates the best k need: between two measured k in even ratios, beyond them in proportion."""
        least, most = MEASURED_AT[0], MEASURED_AT[-1]
        if k >= most:
            return max(k, math.ceil(self.depths[-1] / most * k))
        if k <= least:
            return max(k, self.depths[0])
        above = bisect.bisect_right(MEASURED_AT, k)
        (low, high), (fewer, more) = MEASURED_AT[above - 1 : above + 1], self.depths[above - 1 : above + 1]
        depth: float = fewer * (more / fewer) ** (math.log(k / low) / math.log(high / low))
        return max(k, math.ceil(depth - 1e-6))


def check_recall(recall: float) -> None:
    """Check a wanted recall.

    Raises:
        SettingsError: not above 0 and below 1.
    """
    if not 0 < recall < 1:
        raise SettingsError(f"found recall={recall}; wanted a share above 0 and below 1; FlatIndex finds all")


def measure(flat: FlatIndex, estimate: Estimate, queries: Dense | None, recall: float, seed: int) -> Depths:
    """Find the depths for a wanted recall.

    A third of what may be missed is kept in reserve, since the depths are set on some queries and held to by others.

    Args:
        flat: gives the truth.
        estimate: a query to the estimates of all positions.
        queries: held-out queries, of which SAMPLE at most are asked; None draws vectors of the index.
        recall: the share of the k best that is wanted.
        seed: of what is drawn.
    """
    source: Source = "passages" if queries is None else "queries"
    pool = flat.vectors if queries is None else queries
    drawn = np.random.default_rng(seed).permutation(len(pool))[:SAMPLE]
    asked = np.ascontiguousarray(pool[drawn])
    truth = flat.search(asked, MEASURED_AT[-1] + 1).positions

    def places(row: int) -> npt.NDArray[np.int64]:
        own = -1 if queries is not None else int(drawn[row])
        return _places(estimate(asked[row]), truth[row], own)

    ranks = list(threads.pool().map(places, range(len(asked))))
    half = (len(ranks) + 1) // 2
    reserved = recall + (1 - recall) / 3
    setting, held = ranks[:half], ranks[half:] or ranks
    firsts = [np.concatenate([one[:k] for one in setting]) for k in MEASURED_AT]
    depths = np.maximum.accumulate([int(np.quantile(one, reserved, method="higher")) for one in firsts]).tolist()
    others = [np.concatenate([one[:k] for one in held]) for k in MEASURED_AT]
    found = [float((one <= depth).mean()) for one, depth in zip(others, depths, strict=True)]
    return Depths(recall, tuple(depths), tuple(found), source, len(asked))


def _places(estimates: npt.NDArray[np.float32], truth: npt.NDArray[np.int64], own: int) -> npt.NDArray[np.int64]:
    """For the best by exact score, in order: how many candidates are needed to have it among them; `own` counts not."""
    estimates[own : own + 1] = -np.inf
    best = truth[(truth >= 0) & (truth != own)][: MEASURED_AT[-1]]
    rising = np.sort(estimates)
    needed: npt.NDArray[np.int64] = len(rising) - np.searchsorted(rising, estimates[best], side="left")
    return needed
