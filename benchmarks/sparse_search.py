"""Searching sparse vectors by turns: every engine's lists checked first, then the same queries in rounds.

An exact engine's scores must equal those of a plain matrix product, rank by rank, before it is timed. Of
an engine that may miss some, recall is told: the share of its hits whose product is no less than the
k-th largest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from clock import interleave, ratios, spread, table
from peers import Bmp, Clock, Engine, Found, as_bmp
from peers_approximate import Kannolo, Seismic
from sparse_data import Ints, Rows

SAMPLE, BLOCK, MS = 50, 1 << 16, 1e-3
OURS = "vizsla"


@dataclass(frozen=True, slots=True)
class Contest:
    """The same passages opened by all engines, and the same queries."""

    engines: Mapping[str, Engine]
    passages: Rows
    queries: Rows
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
    ratio = spread(ratios(rounds[name], rounds[OURS])) if OURS in rounds else "-"
    return [name, spread(rounds[name], MS, 3), *(f"{point:.3f}" for point in points), ratio, judgement]


def judge(contest: Contest, k: int) -> dict[str, str]:
    """What the lists of each engine are worth; those of exact engines equal, or nothing is timed."""
    rows = contest.sample()
    asked = contest.queries.taken(rows)
    best = largest(contest.passages, asked, k)
    judged: dict[str, str] = {}
    for name, engine in contest.engines.items():
        found = engine.search(k, contest.clock)
        if isinstance(engine, Seismic | Kannolo):
            judged[name] = _recall(contest, found, rows, best)
        elif isinstance(engine, Bmp):
            held = largest(*as_bmp(contest.passages, asked), k)
            same = sum(_is_equal(found, row, held[at]) for at, row in enumerate(rows.tolist()))
            judged[name] = f"{same} of {len(rows)} equal to its own rounding's, {_recall(contest, found, rows, best)}"
        else:
            for at, row in enumerate(rows.tolist()):
                if not _is_equal(found, row, best[at]):
                    raise SystemExit(f"found other scores of {name}, query {row}, top {k}: nothing is timed")
            judged[name] = "equal"
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


def _is_equal(found: Found, row: int, best: Ints) -> bool:
    return np.array_equal(found.scores[row], best[best > 0])


def _recall(contest: Contest, found: Found, rows: Ints, best: Ints) -> str:
    shares = []
    for at, row in enumerate(rows.tolist()):
        wanted = best[at][best[at] > 0]
        query = contest.queries.taken(np.array([row])).csr(np.float64)
        products = (contest.passages.taken(found.positions[row]).csr(np.float64) @ query.T).toarray()
        shares.append(min(1.0, (products >= wanted[-1]).sum() / len(wanted)) if len(wanted) else 1.0)
    return f"recall {np.mean(shares):.3f}"
