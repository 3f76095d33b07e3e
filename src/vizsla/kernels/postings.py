"""Rows of terms to postings, and queries to the best positions."""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.compiling import compiled

BLOCK = 1 << 15
"""Positions scored at a time, at most: their sums fit the second-level cache."""
GROUP = 64
"""Sums looked at together; BLOCK is a multiple."""


class Counts(NamedTuple):
    """Rows of terms (int32) with how often each occurs (int32), where each row ends (int64)."""

    terms: Any
    values: Any
    ends: Any


@compiled
def count_terms(tokens: Any, row_ends: Any, term_of: Any, counts: Any, rows: Counts) -> int:
    """Each text's terms with how often they occur, in order of first sight; returns how many.

    `term_of` maps raw tokens to terms, -1 where a token is dropped. `counts` is zero at entry and
    at exit, one a term.
    """
    terms, values, out_ends = rows
    out, at = 0, 0
    for row in range(len(row_ends)):
        begin = out
        for i in range(at, row_ends[row]):
            term = term_of[tokens[i]]
            if term >= 0:
                if counts[term] == 0:
                    terms[out] = term
                    out += 1
                counts[term] += 1
        at = row_ends[row]
        for i in range(begin, out):
            values[i] = counts[terms[i]]
            counts[terms[i]] = 0
        out_ends[row] = out
    return out


@compiled
def tally(terms: Any, counts: Any) -> None:
    """Add one to the count of each term, as often as it stands there."""
    for i in range(len(terms)):
        counts[terms[i]] += 1


class Postings(NamedTuple):
    """Positions (int32, rising within a term) and what stands at them: impacts or term frequencies."""

    positions: Any
    values: Any


class Query(NamedTuple):
    """Where each term's postings are within a range of positions, and its weight (float64); cursors move."""

    cursors: Any
    ends: Any
    weights: Any


class Best(NamedTuple):
    """A heap of the best k so far, the worst at the root: scores (float32) and positions (int64)."""

    scores: Any
    places: Any


@compiled
def invert(rows: Counts, first: int, order: Any, low: int, cursor: Any, postings: Postings) -> None:
    """Put the entries of rows `first`, `first + 1`, ... whose renumbered term lies in a range to their places.

    `order` renumbers terms; the range begins at `low` and holds `len(cursor)` terms; `cursor` is
    where each one's next posting goes, and moves on.
    """
    terms, values, ends = rows
    positions, out = postings
    at = 0
    for row in range(len(ends)):
        for i in range(at, ends[row]):
            term = order[terms[i]] - low
            if 0 <= term < len(cursor):
                place = cursor[term]
                positions[place] = first + row
                out[place] = values[i]
                cursor[term] = place + 1
        at = ends[row]


@compiled
def find_strings(wanted: Any, wanted_starts: Any, sorted_bytes: Any, sorted_starts: Any) -> Any:
    """The row of each wanted byte string among sorted ones, -1 where it is absent: binary search.

    -2 where the search met a start outside the sorted bytes, which only an altered file has.
    """
    found = np.full(len(wanted_starts) - 1, -1, np.int64)
    for i in range(len(found)):
        begin, size = wanted_starts[i], wanted_starts[i + 1] - wanted_starts[i]
        low, high = 0, len(sorted_starts) - 1
        while low < high:
            middle = (low + high) >> 1
            start, stop = sorted_starts[middle], sorted_starts[middle + 1]
            if not 0 <= start <= stop <= len(sorted_bytes):
                found[i] = -2
                break
            j, length = 0, stop - start
            while j < size and j < length and wanted[begin + j] == sorted_bytes[start + j]:
                j += 1
            if j == size and j == length:
                found[i] = middle
                break
            if j < length and (j == size or wanted[begin + j] < sorted_bytes[start + j]):
                high = middle
            else:
                low = middle + 1
    return found


@compiled
def push(best: Best, count: int, score: float, place: int) -> int:
    """Put a candidate on the heap, in the root's stead when it is full; returns how many it holds.

    Candidates come in rising position: of equals the new one is the worst, so it stays nearest to the
    root, and one that only equals the worst must not be pushed when full.
    """
    scores, places = best
    size = len(scores)
    if count < size:
        i = count
        while i > 0 and scores[(i - 1) >> 1] >= score:
            parent = (i - 1) >> 1
            scores[i], places[i] = scores[parent], places[parent]
            i = parent
        scores[i], places[i] = score, place
        return count + 1
    i, child = 0, 1
    while child < size:
        other = child + 1
        if other < size and (
            scores[other] < scores[child] or (scores[other] == scores[child] and places[other] > places[child])
        ):
            child = other
        if scores[child] >= score:
            break
        scores[i], places[i] = scores[child], places[child]
        i, child = child, 2 * child + 1
    scores[i], places[i] = score, place
    return count


@compiled
def collect(sums: Any, first: int, last: int, allowed: Any, best: Best, count: int) -> int:
    """Offer a block's positive sums to the heap and clear them; returns how many the heap holds.

    Sums are looked at a group at a time. None is below zero, so their order is that of their bits as
    whole numbers, and the maximum of a group is found without a branch.
    """
    scores = best.scores
    size = len(scores)
    bits = sums.view(np.int64)
    worst = np.full(1, scores[0] if count == size else 0.0, np.float64)
    least = worst.view(np.int64)
    for begin in range(0, last - first, GROUP):
        largest = np.int64(0)
        for i in range(begin, begin + GROUP):
            largest = max(largest, bits[i])
        if largest <= least[0]:
            continue
        for i in range(begin, min(begin + GROUP, last - first)):
            score = np.float32(sums[i])
            better = sums[i] > worst[0] and (count < size or score > worst[0])
            if better and (len(allowed) == 0 or allowed[first + i]):
                count = push(best, count, score, first + i)
                worst[0] = scores[0] if count == size else 0.0
    sums[:] = 0.0
    return count


@compiled
def block_of(positions: int) -> int:
    """How many positions to score at a time: a power of two, no larger than these need."""
    block = GROUP
    while block < BLOCK and block < positions:
        block *= 2
    return block


@compiled
def span_end(positions: Any, start: int, end: int, stop: int) -> int:
    """Where positions from `start` on reach `stop`: galloping, then halving."""
    low, step = start, np.int64(16)
    while low + step < end and positions[low + step] < stop:
        low += step
        step *= 2
    high = min(low + step, end)
    while low < high:
        middle = (low + high) >> 1
        if positions[middle] < stop:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def search_impacts(query: Query, postings: Postings, first: int, last: int, allowed: Any, best: Best) -> int:
    """The best positions of a range under stored impacts: sum of weight x impact, in rising order of terms.

    Sums are float64 and rounded once, so blocks and ranges cannot change a score. The mask keeps
    positions of an altered file inside the block. Returns how many were found.
    """
    cursors, ends, weights = query
    block = block_of(last - first)
    sums, mask = np.zeros(block, np.float64), np.uint32(block - 1)
    count = 0
    for begin in range(first, last, block):
        stop = min(begin + block, last)
        for term in range(len(weights)):
            start = cursors[term]
            end = span_end(postings.positions, start, min(ends[term], start + block), stop)
            positions, values, weight = postings.positions[start:end], postings.values[start:end], weights[term]
            for i in range(len(positions)):
                sums[np.uint32(positions[i] - begin) & mask] += weight * np.float64(values[i])
            cursors[term] = end
        count = collect(sums, begin, stop, allowed, best, count)
    return count


@compiled
def search_frequencies(
    query: Query, postings: Postings, norms: Any, first: int, last: int, allowed: Any, best: Best
) -> int:
    """As `search_impacts` under term frequencies: sum of weight x tf / (tf + norm of the position).

    `norms` (float32) goes on for a block behind the last position.
    """
    cursors, ends, weights = query
    block = block_of(last - first)
    sums, mask = np.zeros(block, np.float64), np.uint32(block - 1)
    count = 0
    for begin in range(first, last, block):
        stop = min(begin + block, last)
        near = norms[begin : begin + block]
        for term in range(len(weights)):
            start = cursors[term]
            end = span_end(postings.positions, start, min(ends[term], start + block), stop)
            positions, values, weight = postings.positions[start:end], postings.values[start:end], weights[term]
            for i in range(len(positions)):
                place, value = np.uint32(positions[i] - begin) & mask, np.float64(values[i])
                sums[place] += weight * (value / (value + np.float64(near[place])))
            cursors[term] = end
        count = collect(sums, begin, stop, allowed, best, count)
    return count
