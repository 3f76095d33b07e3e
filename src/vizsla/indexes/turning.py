"""Turning: rows in order of passages into the arrays of an inverted index, in bounded memory.

One pass over the rows writes them again, their columns renumbered and in rising order, and the codes
of frequent columns in tiles; further passes make the lists of the other columns, a range of columns
at a time, each as large as the budget lets it be. The two may go side by side. So memory is bounded by
the budget, one tile, a few numbers a column and 32 bytes a row. Knows codes and their layout; refuses to know queries.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import SettingsError
from vizsla.indexes.forward import Forward
from vizsla.indexes.weighting import TermFrequencies
from vizsla.kernels import bounding, postings

Int64s = npt.NDArray[np.int64]
Piece = tuple[str, npt.NDArray[np.generic]]
SHARE = 16
"""A column has tiles where at least one position in so many holds it: a byte a position, for five a posting."""
_ENTRY = 12
"""Bytes a posting takes while its range is turned round, at most: position, code and room to move."""
_MOST = np.iinfo(np.int32).max
_TILED = 2048
"""Columns that have tiles, at most: one tile of each is 64 MiB."""


@dataclass(frozen=True)
class Plan:
    """Where everything will stand.

    Attributes:
        order: the new number of each column of the rows.
        starts: where each renumbered column's list begins, one more than columns; a tiled column's is empty.
        frequent: the columns that have tiles, rising.
        slots: each column's place among them, -1 where it has none.
        steps: what one code is worth in each column, float32; None for term frequencies, whose 255 codes make 1.
        norms: the norm of each row for term frequencies, else None.
        lengths: the sum of each row's term frequencies, else nothing.
        values: the type of the values in the rows.
        coded: whether the rows hold codes instead of impacts.
        rounding: while turning, how far codes lie from the impacts in all, and the impacts in all: (2,).
    """

    order: Int64s
    starts: Int64s
    frequent: npt.NDArray[np.int32]
    slots: npt.NDArray[np.int32]
    steps: npt.NDArray[np.float32] | None
    norms: npt.NDArray[np.float32] | None
    lengths: npt.NDArray[np.int32]
    values: np.dtype[np.generic]
    coded: bool = False
    rounding: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))


def plan(forward: Forward, order: Int64s, weighting: TermFrequencies | None, *, bits: int | None = None) -> Plan:
    """Lay out an index of the rows.

    Args:
        forward: the rows, all of them.
        order: the new number of each column.
        weighting: how term frequencies weigh; None stores impacts.
        bits: 8 rounds every impact to one of 255 steps of its column; None keeps it as it is.

    Raises:
        SettingsError: more passages than an index holds, or another number of bits.
    """
    if len(forward) > _MOST:
        raise SettingsError(
            f"found {len(forward)} passages; wanted at most {_MOST} in one index: build several and merge"
        )
    if bits not in (None, 8) or (bits is not None and weighting is not None):
        raise SettingsError(f"found bits={bits}; wanted 8, or none: impacts as they are. Term frequencies stay whole")
    frequencies, peaks = np.zeros(len(order), np.int64), np.zeros(len(order))
    if len(forward):
        frequencies[order], peaks[order] = forward.frequencies[: len(order)], forward.peaks[: len(order)]
    frequent = np.flatnonzero((SHARE * frequencies >= len(forward)) & (frequencies > 0)).astype(np.int32)
    if len(frequent) > _TILED:
        frequent = np.sort(frequent[np.argsort(-frequencies[frequent], kind="stable")[:_TILED]])
    slots = np.full(len(order), -1, np.int32)
    slots[frequent] = np.arange(len(frequent))
    starts = np.concatenate([[0], np.cumsum(np.where(slots < 0, frequencies, 0))]).astype(np.int64)
    small = np.min_scalar_type(int(forward.largest)) if forward.whole and forward.largest < 1 << 16 else None
    if weighting is not None:
        sums = np.concatenate([np.zeros(0), *forward.lengths])
        if sums.max(initial=0) > _MOST:
            found = f"a passage of {sums.max():.0f} terms"
            raise SettingsError(f"found {found}; wanted at most {_MOST}: cut it into several")
        lengths = sums.astype(np.int32)
        kind = small or np.min_scalar_type(int(forward.largest))
        return Plan(order, starts, frequent, slots, None, weighting.norms(lengths), lengths, kind)
    kind = np.dtype(np.uint8) if bits else small or np.dtype(np.float32)
    nothing = np.zeros(0, np.int32)
    return Plan(
        order,
        starts,
        frequent,
        slots,
        _steps(peaks, kind, whole=forward.whole),
        None,
        nothing,
        kind,
        coded=bits is not None,
    )


def turn(forward: Forward, made: Plan, budget_bytes: int) -> tuple[Iterator[Piece], Iterator[Piece]]:
    """The arrays of the index, piece by piece: (name, values to append).

    Returns:
        Rows and tiles, and lists: two streams that read the rows each for itself and name different arrays.
    """
    return _rows_and_tiles(forward, made), _lists(forward, made, budget_bytes)


def _steps(peaks: npt.NDArray[np.float64], kind: np.dtype[np.generic], *, whole: bool) -> npt.NDArray[np.float32]:
    """What one code is worth: 1 where whole impacts up to 255 are their own codes, else a 255th of the largest."""
    if kind == np.uint8 and whole and peaks.max(initial=0.0) <= np.iinfo(np.uint8).max:
        return np.ones(len(peaks), np.float32)
    return np.nextafter((peaks / 255).astype(np.float32), np.float32(np.inf))


def _rows_and_tiles(forward: Forward, made: Plan) -> Iterator[Piece]:
    width = len(made.frequent)
    padded = (len(forward) + bounding.GROUP - 1) // bounding.GROUP * bounding.GROUP
    shape, filled = (width, min(bounding.TILE, padded)), 0
    tile = np.zeros(shape, np.uint8)
    first, entries = 0, 0
    yield "row_ends", np.zeros(1, np.int64)
    for rows in forward.blocks():
        columns, values = np.empty(len(rows.terms), np.int32), np.empty(len(rows.terms), rows.values.dtype)
        postings.settle(rows, made.order, columns, values)
        codes = _codes(made, columns, values, rows.ends, first)
        yield "row_ends", rows.ends + entries
        yield "row_columns", columns  # as narrow as where they are kept
        yield "row_values", codes if made.coded else values.astype(made.values)
        if made.coded and made.steps is not None:
            exact = values.astype(np.float64)  # a sum of float32 ends where float32 does
            made.rounding[:] += np.abs(made.steps[columns] * codes.astype(np.float64) - exact).sum(), exact.sum()
        ends = np.concatenate([[0], rows.ends])
        done = 0
        while done < len(rows.ends):
            now = min(len(rows.ends) - done, bounding.TILE - filled)
            postings.fill_tile(columns, codes, ends[done : done + now + 1], made.slots, tile, filled)
            done, filled = done + now, filled + now
            if filled == bounding.TILE:
                yield from _tile(tile)
                del tile  # given back before the next one is made
                tile, filled = np.zeros(shape, np.uint8), 0
        first, entries = first + len(rows.ends), entries + len(columns)
    if filled:
        yield from _tile(tile[:, : (filled + bounding.GROUP - 1) // bounding.GROUP * bounding.GROUP])


def _tile(tile: npt.NDArray[np.uint8]) -> Iterator[Piece]:
    yield "tiles", tile.reshape(-1)
    yield "groups", tile.reshape(-1, bounding.GROUP).max(axis=1, initial=0)


def _codes(
    made: Plan, columns: npt.NDArray[np.int32], values: npt.NDArray[np.generic], ends: Int64s, first: int
) -> npt.NDArray[np.uint8]:
    codes = np.empty(len(columns), np.uint8)
    if made.norms is not None:
        postings.code_frequencies(ends, values, made.norms[first : first + len(ends)], codes)
    elif made.steps is not None:
        postings.code_impacts(columns, values, made.steps, made.coded, codes)
    return codes


def _lists(forward: Forward, made: Plan, budget_bytes: int) -> Iterator[Piece]:
    """The lists of all columns without tiles, a range of columns at a time."""
    most, low, starts = max(1, budget_bytes // _ENTRY), 0, made.starts
    while low < len(starts) - 1:
        high = max(low + 1, int(np.searchsorted(starts, starts[low] + most, side="right")) - 1)
        size = int(starts[high] - starts[low])
        lists = postings.Lists(np.empty(size, np.int32), np.empty(size, np.uint8))
        cursor, first = starts[low:high] - starts[low], 0
        for rows in forward.blocks() if size else ():
            columns = made.order[rows.terms].astype(np.int32)
            codes = _codes(made, columns, rows.values, rows.ends, first)
            postings.invert((columns, codes, rows.ends), first, low, cursor, made.slots, lists)
            first += len(rows.ends)
        yield "positions", lists.positions
        yield "codes", lists.codes
        low = high
