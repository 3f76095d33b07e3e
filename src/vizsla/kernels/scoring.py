"""Queries to the best positions: bounds find the candidates, exact sums of these are their scores.

A candidate is summed from its row, or, where that is sooner, from codes that say which value they
stand for. Either way the sum is made in float64 and rising order of columns and rounded once, so
that neither k nor blocks, threads or the way it was made can change a score. Arrays in, arrays out.
"""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.bounding import UNITS, Best, Postings, Span, margin, prepare, sweep, top
from vizsla.kernels.compiling import compiled
from vizsla.kernels.decoding import Norms, sum_codes, worth_decoding
from vizsla.kernels.ranking import rank_into
from vizsla.kernels.summing import Query, Rows, sum_rows, table

FEW = 64
"""Positions are summed from their rows at once where no more than one in so many is allowed."""
_LARGEST = float(np.finfo(np.float32).max)


class Stored(NamedTuple):
    """An index: what each position holds, and the codes that bound it."""

    rows: Rows
    postings: Postings


class Block(NamedTuple):
    """Queries: where each one's entries begin (one more than queries); their fields as `Query` has them."""

    starts: Any
    columns: Any
    weights: Any
    steps: Any
    loose: float
    tight: float


@compiled
def search_block(stored: Stored, norms: Norms, block: Block, span: Span, positions: Any, scores: Any) -> int:
    """The best positions of a span for each query, ranked, into rows (queries, k) that say nothing yet.

    Where `norms` are empty, values are impacts; else term frequencies, which weigh value / (value + norm).

    Returns:
        1, or 0 where the arrays contradict each other, which only an altered file does.
    """
    for row in range(len(positions)):
        query = _query(block, row)
        if len(query.columns) > 0 and span.last > span.first:
            fine, found, sums = find_best(stored, norms, query, positions.shape[1], span)
            if not fine:
                return 0
            rank_into(found, sums, positions[row], scores[row])
    return 1


@compiled
def search_few(stored: Stored, norms: Norms, block: Block, few: Any, positions: Any, scores: Any) -> int:
    """As `search_block`, of given positions (rising) alone."""
    for row in range(len(positions)):
        fine, found, sums = sum_few(stored, norms, _query(block, row), few)
        if not fine:
            return 0
        rank_into(found, sums, positions[row], scores[row])
    return 1


@compiled
def sum_few(stored: Stored, norms: Norms, query: Query, few: Any) -> tuple[int, Any, Any]:
    """Those of given positions (rising) that share a column with a query, with their scores, summed from their rows."""
    sums = np.empty(len(few), np.float32)
    if not sum_rows(stored.rows, norms.live, query, table(query.columns), few, sums) or np.isnan(sums).any():
        return 0, few[:0], sums[:0]
    shared = sums >= 0
    return 1, few[shared], sums[shared]


@compiled
def _query(block: Block, row: int) -> Query:
    one = slice(block.starts[row], block.starts[row + 1])
    return Query(block.columns[one], block.weights[one], block.steps[one], block.loose, block.tight)


@compiled
def find_best(stored: Stored, norms: Norms, query: Query, k: int, span: Span) -> tuple[int, Any, Any]:
    """The best k positions of a span, rising, and those that might equal the worst of them, with their scores."""
    fine, cursors, ends, faint, slots, heavy = prepare(stored.postings, query, span)
    nothing = np.empty(0, np.int64), np.empty(0, np.float32)
    if not fine:
        return 0, nothing[0], nothing[1]
    slack = np.float32(UNITS / 255.0 * query.loose + margin(query))
    # Sums beyond float32 are infinite, all of them equal: the threshold stays below.
    ceiling = np.int64(min(1.0, _LARGEST / top(query.steps)) * UNITS)
    wanted = k, slack, ceiling, np.float32(query.tight)
    best = sweep(stored.postings, (cursors, ends, faint), (slots, heavy), wanted, span)
    if not np.array_equal(cursors, ends):
        return 0, nothing[0], nothing[1]
    fine, positions, scores = _settle(stored, norms, query, (k, slack, span), best)
    return fine, positions, scores


@compiled
def _settle(stored: Stored, norms: Norms, query: Query, wanted: Any, best: Best) -> Any:
    """Exact scores of the candidates: of those at or above the edge, then of those that may reach the k-th of these."""
    bounds, positions, count, _, _, edge = best
    k, slack, span = wanted
    chosen, scores = np.empty(count, np.int64), np.empty(count, np.float32)
    first = _choose(bounds, positions, count, (np.float32(edge), np.float32(np.inf)), chosen)
    if not _sum(stored, norms, query, chosen[:first], scores[:first], span):
        return 0, chosen[:0], scores[:0]
    least = np.float32(edge) * np.float32(query.tight) - slack
    if first >= k and first < count:
        worst = min(np.float64(np.partition(scores[:first], first - k)[first - k]), _LARGEST)
        least = max(least, np.float32(worst / top(query.steps) * UNITS - margin(query)))
    more = _choose(bounds, positions, count, (least, np.float32(edge)), chosen[first:])
    if not _sum(stored, norms, query, chosen[first : first + more], scores[first : first + more], span):
        return 0, chosen[:0], scores[:0]
    if more:
        _merge(chosen, scores, first, more)
    return 1, chosen[: first + more], scores[: first + more]


@compiled
def _merge(positions: Any, scores: Any, first: int, more: int) -> None:
    """Bring two rising runs, one behind the other, into one: from the end, the second out of the way."""
    late, marks = positions[first : first + more].copy(), scores[first : first + more].copy()
    i, j = first - 1, more - 1
    while j >= 0:
        if i >= 0 and positions[i] > late[j]:
            positions[i + j + 1], scores[i + j + 1] = positions[i], scores[i]
            i -= 1
        else:
            positions[i + j + 1], scores[i + j + 1] = late[j], marks[j]
            j -= 1


@compiled
def _choose(bounds: Any, positions: Any, count: int, limits: Any, chosen: Any) -> int:
    """The candidates whose bound reaches the one limit and not the other, in their order; returns how many."""
    least, below = limits
    kept = 0
    for i in range(count):
        if least <= bounds[i] < below:
            chosen[kept] = positions[i]
            kept += 1
    return kept


@compiled
def _sum(stored: Stored, norms: Norms, query: Query, positions: Any, scores: Any, span: Span) -> int:
    """The exact scores of candidates (rising); returns 0 where one has none, which only an altered file does."""
    if worth_decoding(stored.postings, len(stored.rows.columns), norms, query, positions, span):
        sum_codes(stored.rows, stored.postings, norms, query, positions, scores, span)
    elif not sum_rows(stored.rows, norms.live, query, table(query.columns), positions, scores):
        return 0
    for i in range(len(scores)):
        if not scores[i] >= 0:  # a bound, and nothing in its row; or a value that is no number
            return 0
    return 1
