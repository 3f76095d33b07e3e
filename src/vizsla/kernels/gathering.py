"""Many inverted indexes searched as one: a call of a kernel costs more than a small index.

The indexes stand in a list that kernels keep, one after another as their positions do. Each is searched as an index
alone is, but for those that can only hold worse positions than enough that were found before. Arrays in, arrays out;
refuses to know what a column is.
"""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.bounding import GROUP, Span
from vizsla.kernels.compiling import List, compiled
from vizsla.kernels.decoding import Norms
from vizsla.kernels.ranking import rank_into
from vizsla.kernels.scoring import FEW, Stored, find_best, sum_few
from vizsla.kernels.summing import Query


class Part(NamedTuple):
    """An index among others: its arrays, its place in what is asked, and the position of its first row."""

    stored: Stored
    norms: Norms
    place: int
    base: int


class Asked(NamedTuple):
    """One query, laid out for every index: (indexes, m) from the left, `held` of them; the rest is of each index.

    `columns`, `weights` and `steps` are as `Query` has them, `most` is what no position can score more than, `loose`
    and `tight` say how far bounds may lie above sums.
    """

    columns: Any
    weights: Any
    steps: Any
    held: Any
    most: Any
    loose: Any
    tight: Any


@compiled
def begin(part: Part) -> Any:
    """A list of this index."""
    parts = List()
    parts.append(part)
    return parts


@compiled
def add(parts: Any, part: Part) -> None:
    """Put an index behind the others, whose arrays are of the same types."""
    parts.append(part)


@compiled
def touched(parts: Any, asked: Asked) -> int:
    """About how many postings a query reads."""
    total = 0
    for i in range(len(parts)):
        part = parts[i]
        starts, size = part.stored.postings.starts, len(part.stored.rows.ends) - 1
        for j in range(asked.held[part.place]):
            column = asked.columns[part.place, j]
            own = starts[column + 1] - starts[column]
            total += own if own > 0 else size // GROUP
    return total


@compiled
def search_parts(parts: Any, asked: Asked, span: Span, positions: Any, scores: Any) -> int:
    """The best positions of a span over all indexes, ranked, into a row that says nothing yet.

    Returns:
        1, or 0 where arrays contradict each other, which only an altered file does.
    """
    k, worst = len(positions), -1.0
    room, count = min(4 * k, span.size), 0
    places, sums = np.empty(room, np.int64), np.empty(room, np.float32)
    for i in range(len(parts)):
        part = parts[i]
        size = len(part.stored.rows.ends) - 1
        first, last = max(span.first - part.base, 0), min(span.last - part.base, size)
        if asked.held[part.place] == 0 or first >= last or asked.most[part.place] < worst:
            continue
        allowed = span.allowed[part.base : part.base + size] if len(span.allowed) > 0 else span.allowed
        fine, found, marks = _search(part, asked, Span(first, last, size, allowed), min(k, size))
        if not fine:
            return 0
        if count + len(found) > len(places):
            places, sums = _grown(places, sums, 2 * (count + len(found)))
        for j in range(len(found)):
            places[count + j], sums[count + j] = part.base + found[j], marks[j]
        count += len(found)
        if len(found) >= k and i + 1 < len(parts):
            worst = max(worst, np.float64(np.partition(marks, len(marks) - k)[len(marks) - k]))
    rank_into(places[:count], sums[:count], positions, scores)
    return 1


@compiled
def _search(part: Part, asked: Asked, span: Span, k: int) -> Any:
    """The best positions of one index, rising, and maybe others."""
    at, held = part.place, asked.held[part.place]
    columns, weights, steps = asked.columns[at, :held], asked.weights[at, :held], asked.steps[at, :held]
    query = Query(columns, weights, steps, asked.loose[at], asked.tight[at])
    if len(span.allowed) > 0:
        some = np.flatnonzero(span.allowed[span.first : span.last]) + span.first
        if FEW * len(some) <= span.last - span.first:
            return sum_few(part.stored, part.norms, query, some)
    return find_best(part.stored, part.norms, query, k, span)


@compiled
def _grown(places: Any, sums: Any, size: int) -> Any:
    wider, more = np.empty(size, np.int64), np.empty(size, np.float32)
    wider[: len(places)], more[: len(sums)] = places, sums
    return wider, more
