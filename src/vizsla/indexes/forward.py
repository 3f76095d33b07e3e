"""Rows on their way to postings: kept in order of passages, then turned round in bounded memory.

The rows wait in a scratch file (or in memory where there is none). Postings are made a range of
terms at a time, each range as large as the budget lets it be, by one pass over the rows; so memory
is bounded by the budget, one counter a term and 16 bytes a row, and not by what the rows hold.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from vizsla.kernels import postings

Int64s = npt.NDArray[np.int64]
_ENTRY = 12
"""Bytes a posting takes while its range is turned round, at most: position, value and room to move."""


class Forward:
    """Rows of (term, value) in order of passages.

    Args:
        scratch: a folder for the waiting rows; None keeps them in memory.
        values: their type, int32 counts or float32 impacts.
    """

    def __init__(self, scratch: Path | None, values: npt.DTypeLike = np.int32) -> None:
        self.frequencies = np.zeros(0, np.int64)
        self.lengths: list[npt.NDArray[np.float64]] = []
        self.largest = 0.0
        self._values = np.dtype(values)
        self._blocks: list[tuple[int, Int64s]] = []
        self._kept: list[postings.Counts] = []
        self._path = scratch / "rows.bin" if scratch else None
        self._file: BinaryIO | None = self._path.open("wb") if self._path else None
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    @property
    def entries(self) -> int:
        """Postings in all."""
        return int(self.frequencies.sum())

    def add(self, rows: postings.Counts, terms: int) -> None:
        """Append rows whose terms are numbered below `terms`, a number that may grow from call to call."""
        if terms > len(self.frequencies):
            grown = np.zeros(terms + terms // 2, np.int64)
            grown[: len(self.frequencies)] = self.frequencies
            self.frequencies = grown
        columns, values = rows.terms.astype(np.int32, copy=False), rows.values.astype(self._values, copy=False)
        postings.tally(columns, self.frequencies)
        sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        self.lengths.append(np.diff(sums[np.concatenate([[0], rows.ends])]))
        self.largest = max(self.largest, float(values.max(initial=0)))
        if self._file is None:
            self._kept.append(postings.Counts(columns, values, rows.ends))
        else:
            self._file.write(columns.tobytes())
            self._file.write(values.tobytes())
            self._blocks.append((len(columns), rows.ends))
        self._rows += len(rows.ends)

    def turned(
        self, order: Int64s, starts: Int64s, values: npt.DTypeLike, budget_bytes: int
    ) -> Iterator[postings.Postings]:
        """The postings of all terms in their new order, a range of terms at a time.

        Args:
            order: the new number of each term.
            starts: where each renumbered term's postings begin, one more than terms.
            values: the type to store values in.
            budget_bytes: what a range may take; a single term may take more.
        """
        most = max(1, budget_bytes // _ENTRY)
        low = 0
        while low < len(starts) - 1:
            high = max(low + 1, int(np.searchsorted(starts, starts[low] + most, side="right")) - 1)
            size = int(starts[high] - starts[low])
            made = postings.Postings(np.empty(size, np.int32), np.empty(size, values))
            cursor = starts[low:high] - starts[low]
            first = 0
            for rows in self._block_rows():
                postings.invert(rows, first, order, low, cursor, made)
                first += len(rows.ends)
            yield made
            low = high

    def close(self) -> None:
        """Give the scratch file back."""
        if self._file is not None and self._path is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)

    def _block_rows(self) -> Iterator[postings.Counts]:
        yield from self._kept
        if self._file is None or self._path is None:
            return
        self._file.flush()
        with self._path.open("rb") as file:
            for size, ends in self._blocks:
                columns = np.fromfile(file, np.int32, size)
                yield postings.Counts(columns, np.fromfile(file, self._values, size), ends)
