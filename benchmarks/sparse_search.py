"""Searching sparse vectors by turns: every engine's lists checked first, then the same queries in rounds.

An exact engine's scores must equal those of a plain matrix product, rank by rank, before anything is
timed. Of an engine that rounds in its own way it is told how often its lists are those of that rounding,
and of all that may miss some their recall: the share of hits whose product is no less than the k-th
largest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from clock import interleave, ratios, spread, table
from peers import Clock, Engine, Found
from sparse_data import Ints, Rows

SAMPLE, BLOCK, MS = 50, 1 << 16, 1e-3
OURS = ("vizsla", "vizsla-bm25")


@dataclass(frozen=True, slots=True)
class Contest:
    """The same passages opened by all engines, and the same queries.

    Attributes:
        engines: opened.
        passages: as given to them.
        queries: as given to them.
        truth: passages and queries whose products are the scores.
        tolerance: by how much of itself a score may differ: 0 for whole numbers.
        clock: what the engines are timed by.
    """

    engines: Mapping[str, Engine]
    passages: Rows
    queries: Rows
    truth: tuple[Rows, Rows]
    tolerance: float
    clock: Clock

    def sample(self) -> Ints:
        """Queries, spread over all, for which the truth is computed."""
        return np.unique(np.linspace(0, len(self.queries) - 1, SAMPLE).astype(np.int64))


def run(contest: Contest, depths: list[int], rounds: int) -> None:
    for k in depths:
        judged, seconds = judge(contest, k), timed(contest, k, rounds)
        print(f"\ntop {k}: ms a query, one at a time on one thread; rounds: {rounds}, queries: {len(contest.queries)}")
        columns = ("engine", "mean (least-most)", "p50", "p95", "p99", "times vizsla's, round by round", "lists")
        table(columns, [_row(name, seconds, judged[name]) for name in judged])


def timed(contest: Contest, k: int, rounds: int) -> dict[str, Ints]:
    """Seconds of each engine, (rounds, q); the round to warm up is not among them."""
    taken: dict[str, list[Ints]] = {name: [] for name in contest.engines}

    def search(name: str, engine: Engine) -> None:
        taken[name].append(engine.search(k, contest.clock).seconds)

    interleave({name: partial(search, name, engine) for name, engine in contest.engines.items()}, rounds)
    return {name: np.array(found[1:]) for name, found in taken.items()}


def _row(name: str, seconds: dict[str, Ints], judgement: str) -> list[str]:
    rounds = {one: [float(value) for value in found.mean(axis=1)] for one, found in seconds.items()}
    points = np.percentile(np.median(seconds[name], axis=0), (50, 95, 99)) / MS
    ours = [rounds[one] for one in OURS if one in rounds]
    ratio = spread(ratios(rounds[name], ours[0])) if ours else "-"
    return [name, spread(rounds[name], MS, 3), *(f"{point:.3f}" for point in points), ratio, judgement]


def judge(contest: Contest, k: int) -> dict[str, str]:
    """What the lists of each engine are worth; those of exact engines equal, or nothing is timed."""
    rows = contest.sample()
    asked = contest.queries.taken(rows)
    best = largest(contest.truth[0], contest.truth[1].taken(rows), k)
    judged: dict[str, str] = {}
    for name, engine in contest.engines.items():
        found = engine.search(k, contest.clock)
        recall = f"recall {_recall(contest, found, rows, best):.3f}"
        same = [_is_equal(found, row, best[at], contest.tolerance) for at, row in enumerate(rows.tolist())]
        if engine.exact and not all(same):
            raise SystemExit(
                f"found other scores of {name}, query {rows[same.index(False)]}, top {k}: nothing is timed"
            )
        judged[name] = "equal" if engine.exact else recall
        if engine.held is not None:
            own = largest(*engine.held(contest.passages, asked), k)
            same = [_is_equal(found, row, own[at], contest.tolerance) for at, row in enumerate(rows.tolist())]
            judged[name] = f"{sum(same)} of {len(rows)} equal to its own rounding's, {recall}"
    return judged


def largest(passages: Rows, queries: Rows, k: int) -> Ints:
    """The k largest products of each query, best first, by a matrix product: (q, k), 0 where there are fewer."""
    best = np.zeros((len(queries), 0))
    columns = queries.csr(np.float64).T.toarray()
    for start in range(0, len(passages), BLOCK):
        part = passages.taken(np.arange(start, min(start + BLOCK, len(passages))))
        best = np.hstack([best, (part.csr(np.float64) @ columns).T])
        if best.shape[1] > k:
            best = np.partition(best, best.shape[1] - k, axis=1)[:, -k:]
    return -np.sort(-best, axis=1)


def _is_equal(found: Found, row: int, best: Ints, tolerance: float) -> bool:
    scores, wanted = found.scores[row], best[best > 0]
    return len(scores) == len(wanted) and bool((np.abs(scores - wanted) <= tolerance * wanted).all())


def _recall(contest: Contest, found: Found, rows: Ints, best: Ints) -> float:
    """The share of the wanted that was found, over the sample: by products, so that equals count alike."""
    shares = []
    for at, row in enumerate(rows.tolist()):
        wanted = best[at][best[at] > 0]
        query = contest.truth[1].taken(np.array([row])).csr(np.float64)
        products = (contest.truth[0].taken(found.positions[row]).csr(np.float64) @ query.T).toarray()
        reached = (products >= wanted.min(initial=np.inf) * (1 - contest.tolerance)).sum()
        shares.append(min(1.0, reached / max(1, len(wanted))) if len(wanted) else 1.0)
    return float(np.mean(shares))
