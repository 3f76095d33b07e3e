"""Rows on their way into an index: kept in order of passages, in a scratch file or in memory.

Knows columns, values and what they add up to; refuses to know how an index lays them out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from vizsla.kernels import postings


class Forward:
    """Rows of (column, value) in order of passages.

    Args:
        scratch: a folder for the waiting rows; None keeps them in memory.
        values: their type, int32 counts or float32 impacts.

    Attributes:
        frequencies: how many rows hold each column, and room for more columns.
        peaks: the largest value of each.
        lengths: the sum of each row's values, a block after another.
        whole: whether every value is a whole number.
    """

    def __init__(self, scratch: Path | None, values: npt.DTypeLike = np.int32) -> None:
        self.frequencies = np.zeros(0, np.int64)
        self.peaks = np.zeros(0, np.float64)
        self.lengths: list[npt.NDArray[np.float64]] = []
        self.whole = True
        self._values = np.dtype(values)
        self._blocks: list[tuple[int, npt.NDArray[np.int64]]] = []
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

    @property
    def largest(self) -> float:
        """The largest value."""
        return float(self.peaks.max(initial=0.0))

    def add(self, rows: postings.Counts, terms: int) -> None:
        """Append rows whose columns are numbered below `terms`, a number that may grow from call to call."""
        if terms > len(self.frequencies):
            more = terms + terms // 2 - len(self.frequencies)
            self.frequencies = np.concatenate([self.frequencies, np.zeros(more, np.int64)])
            self.peaks = np.concatenate([self.peaks, np.zeros(more)])
        columns, values = rows.terms.astype(np.int32, copy=False), rows.values.astype(self._values, copy=False)
        postings.tally(columns, values, self.frequencies, self.peaks)
        self.whole = self.whole and (values.dtype.kind != "f" or bool((values == np.rint(values)).all()))
        sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        self.lengths.append(np.diff(sums[np.concatenate([[0], rows.ends])]))
        if self._file is None:
            self._kept.append(postings.Counts(columns, values, rows.ends))
        else:
            self._file.write(columns.tobytes())
            self._file.write(values.tobytes())
            self._blocks.append((len(columns), rows.ends))
        self._rows += len(rows.ends)

    def blocks(self) -> Iterator[postings.Counts]:
        """The rows as they were added, block by block."""
        yield from self._kept
        if self._file is None or self._path is None:
            return
        self._file.flush()
        with self._path.open("rb") as file:
            for size, ends in self._blocks:
                columns = np.fromfile(file, np.int32, size)
                yield postings.Counts(columns, np.fromfile(file, self._values, size), ends)

    def close(self) -> None:
        """Give the scratch file back."""
        if self._file is not None and self._path is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
