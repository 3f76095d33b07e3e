"""Counting terms into rows, and turning rows into the arrays of an index."""

from typing import Any, NamedTuple

import numpy as np

from vizsla.kernels.compiling import compiled


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
def tally(columns: Any, values: Any, counts: Any, peaks: Any) -> None:
    """Add one to the count of each column, as often as it stands there, and keep the largest value of each."""
    for i in range(len(columns)):
        counts[columns[i]] += 1
        peaks[columns[i]] = max(peaks[columns[i]], values[i])


@compiled
def settle(rows: Counts, order: Any, columns: Any, values: Any) -> None:
    """Renumber the columns of rows and put each row's entries in rising order of them.

    `order` is the new number of each column.
    """
    begin = 0
    for row in range(len(rows.ends)):
        end = rows.ends[row]
        keys = np.empty(end - begin, np.int64)
        for i in range(begin, end):
            keys[i - begin] = (np.int64(order[rows.terms[i]]) << 32) | (i - begin)
        keys.sort()
        for i in range(begin, end):
            key = keys[i - begin]
            columns[i], values[i] = key >> 32, rows.values[begin + (key & 0xFFFFFFFF)]
        begin = end


@compiled
def code_impacts(columns: Any, values: Any, steps: Any, nearest: bool, codes: Any) -> None:
    """Each impact in steps of its column, from 1 to 255: rounded up, or to the nearest."""
    for i in range(len(columns)):
        code = np.float64(values[i]) / np.float64(steps[columns[i]])
        codes[i] = np.uint8(min(max(np.rint(code) if nearest else np.ceil(code), 1.0), 255.0))


@compiled
def code_frequencies(ends: Any, values: Any, norms: Any, codes: Any) -> None:
    """Each weight tf / (tf + norm of its row) in steps of 1 / 255, rounded up."""
    begin = 0
    for row in range(len(ends)):
        norm = np.float64(norms[row])
        for i in range(begin, ends[row]):
            codes[i] = np.uint8(code_frequency(np.float64(values[i]), norm))
        begin = ends[row]


@compiled
def code_frequency(value: float, norm: float) -> float:
    """The weight value / (value + norm) in steps of 1 / 255, rounded up: a whole number from 1 to 255."""
    code: float = min(max(np.ceil(255.0 * (value / (value + norm))), 1.0), 255.0)
    return code


@compiled
def fill_tile(columns: Any, codes: Any, ends: Any, slots: Any, tile: Any, first: int) -> None:
    """Put the codes of tiled columns into a tile (slots, width), its row `first` and the following.

    `slots` is each column's slot, -1 where it has none. `ends` begins with where the first row begins.
    """
    for row in range(len(ends) - 1):
        for i in range(ends[row], ends[row + 1]):
            slot = slots[columns[i]]
            if slot >= 0:
                tile[slot, first + row] = codes[i]


class Lists(NamedTuple):
    """Positions (int32, rising within a column) and their codes (uint8)."""

    positions: Any
    codes: Any


@compiled
def invert(entries: Any, first: int, low: int, cursor: Any, slots: Any, lists: Lists) -> None:
    """Put the entries of rows `first`, `first + 1`, ... whose column lies in a range to their places.

    `entries` are columns, codes and where each row ends. The range begins at `low` and holds `len(cursor)` columns;
    `cursor` is where each one's next posting goes, and moves on. Columns that have a slot have tiles and no list.
    """
    columns, codes, ends = entries
    positions, out = lists
    at = 0
    for row in range(len(ends)):
        for i in range(at, ends[row]):
            column = columns[i] - low
            if 0 <= column < len(cursor) and slots[columns[i]] < 0:
                place = cursor[column]
                positions[place] = first + row
                out[place] = codes[i]
                cursor[column] = place + 1
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
