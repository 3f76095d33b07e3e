"""Sparse vectors as the benchmarks keep them: a folder of arrays that can be mapped, whatever made them.

Weights are whole numbers, round(100 w), so that every engine can hold them exactly. Knows columns and
rows; refuses to know where they come from and what searches them.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

Ints = npt.NDArray[Any]
PARTS = ("indptr", "indices", "data")


def cache_folder() -> Path:
    """Where made vectors are kept when no folder is given: below $XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vizsla-benchmarks"


@dataclass(frozen=True, slots=True)
class Rows:
    """Sparse rows: indptr (n + 1,) int64, indices (m,) uint16 or int32, rising in a row, data (m,) uint16."""

    indptr: Ints
    indices: Ints
    data: Ints
    dim: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @classmethod
    def load(cls, folder: Path, name: str, dim: int) -> "Rows":
        return cls(*(np.load(folder / f"{name}-{part}.npy", mmap_mode="r") for part in PARTS), dim)

    def save(self, folder: Path, name: str) -> None:
        for part in PARTS:
            np.save(folder / f"{name}-{part}.npy", getattr(self, part))

    def first(self, count: int) -> "Rows":
        """The first rows alone."""
        end = self.indptr[min(count, len(self))]
        return Rows(self.indptr[: count + 1], self.indices[:end], self.data[:end], self.dim)

    def taken(self, rows: Ints) -> "Rows":
        """These rows, in this order."""
        sizes = np.diff(self.indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        at = np.repeat(self.indptr[:-1][rows] - indptr[:-1], sizes) + np.arange(indptr[-1])
        return Rows(indptr, self.indices[at], self.data[at], self.dim)

    def columns(self, budget: int = 1 << 26) -> Iterator[tuple[int, Ints, Ints]]:
        """Each column that has entries: its rows, rising, and their weights; about `budget` entries at a time."""
        ends = np.cumsum(np.bincount(self.indices, minlength=self.dim))
        first = 0
        while first < self.dim:
            reach = ends[first - 1] + budget if first else budget
            last = max(first + 1, int(np.searchsorted(ends, reach, side="right")))
            yield from self._turned(first, last)
            first = last

    def _turned(self, first: int, last: int) -> Iterator[tuple[int, Ints, Ints]]:
        parts = []
        for start in range(0, len(self), 1 << 18):
            part = self.indptr[start : start + (1 << 18) + 1]
            indices, data = self.indices[part[0] : part[-1]], self.data[part[0] : part[-1]]
            kept = (indices >= first) & (indices < last)
            rows = np.repeat(np.arange(start, start + len(part) - 1, dtype=np.uint32), np.diff(part))
            parts.append((indices[kept] - first, rows[kept], data[kept]))
        columns, rows, data = (np.concatenate(one) for one in zip(*parts, strict=True))
        order = np.argsort(columns, kind="stable")
        rows, data = rows[order], data[order]
        ends = np.cumsum(np.bincount(columns, minlength=last - first)).tolist()
        for number, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if end > begin:
                yield first + number, rows[begin:end], data[begin:end]

    def csr(self, dtype: npt.DTypeLike = np.float32) -> "csr_array[Any, tuple[int, int]]":
        """The rows as scipy has them: 4 bytes an index and a weight."""
        shape = (len(self), self.dim)
        return csr_array((self.data.astype(dtype), self.indices.astype(np.int32), self.indptr), shape=shape)


@dataclass(frozen=True, slots=True)
class Vectors:
    """Passages and queries of one width, and what is told of them."""

    passages: Rows
    queries: Rows
    told: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> "Vectors":
        told = json.loads((folder / "made.json").read_text(encoding="utf-8"))
        return cls(Rows.load(folder, "passages", told["dim"]), Rows.load(folder, "queries", told["dim"]), told)

    def save(self, folder: Path) -> None:
        """Write the arrays, and last the word of what they are: a folder without it is unfinished."""
        folder.mkdir(parents=True, exist_ok=True)
        self.passages.save(folder, "passages")
        self.queries.save(folder, "queries")
        finish(folder, self.told | {"dim": self.passages.dim})


def finish(folder: Path, told: dict[str, Any]) -> None:
    (folder / "made.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def is_made(folder: Path, told: dict[str, Any]) -> bool:
    """Whether a folder holds what would be made again."""
    path = folder / "made.json"
    if not path.exists():
        return False
    found = json.loads(path.read_text(encoding="utf-8"))
    return all(found.get(key) == value for key, value in told.items())


POINTS = (1, 10, 25, 50, 75, 90, 99, 100)
COLUMNS = ("of", "mean", *(f"p{point}" if point < 100 else "most" for point in POINTS))


def statistics(vectors: Vectors) -> list[list[str]]:
    """What decides the cost of a search, a row each: mean and percentiles.

    Posting lengths are given as a share of all passages, so that collections of any size stand beside
    each other; the postings of a query likewise. The first of these rows is over the terms that occur,
    the second over the terms as queries ask for them.
    """
    passages, queries = vectors.passages, vectors.queries
    frequencies = np.bincount(passages.indices, minlength=passages.dim)
    heaviest, means = _heaviest_and_mean(passages, frequencies)
    asked, rows = np.asarray(queries.indices), np.repeat(np.arange(len(queries)), np.diff(queries.indptr))
    touched = np.bincount(rows, frequencies[asked], minlength=len(queries))
    known = asked[frequencies[asked] > 0]
    size, held = len(passages), np.flatnonzero(frequencies)
    return [
        _row("entries a passage", np.diff(passages.indptr)),
        _row("impacts of passages", passages.data),
        _row("postings a term, % of passages", 100 * frequencies[held] / size, 3),
        _row("postings a query's term, % of passages", 100 * frequencies[known] / size, 2),
        _row("mean impact of a term", means[held]),
        _row("largest over mean impact, a query's term", heaviest[known] / means[known], 1),
        _row("entries a query", np.diff(queries.indptr)),
        _row("weights of queries", queries.data),
        _row("postings a query, % of passages", 100 * touched / size, 1),
        _row("entries of a pair of neighbours in common", _shared(passages, 1)),
        _row("entries of a pair far apart in common", _shared(passages, size // 2)),
    ]


def _row(name: str, values: Ints, digits: int = 0) -> list[str]:
    found = [float(np.mean(values, dtype=np.float64)), *np.percentile(values, POINTS)]
    return [name, *(f"{value:,.{digits}f}" for value in found)]


def _heaviest_and_mean(rows: Rows, frequencies: Ints) -> tuple[Ints, Ints]:
    heaviest, sums = np.zeros(rows.dim), np.zeros(rows.dim)
    for start in range(0, len(rows.data), 1 << 24):
        indices, data = rows.indices[start : start + (1 << 24)], rows.data[start : start + (1 << 24)]
        np.maximum.at(heaviest, indices, data)
        sums += np.bincount(indices, data, minlength=rows.dim)
    return heaviest, sums / np.maximum(frequencies, 1)


def _shared(rows: Rows, apart: int, pairs: int = 2000) -> Ints:
    """How many columns rows `apart` from each other share, for some of them spread over all."""
    picked: Sequence[int] = np.linspace(0, len(rows) - apart - 1, pairs).astype(np.int64).tolist()
    of = [rows.indices[rows.indptr[row] : rows.indptr[row + 1]] for row in picked]
    others = [rows.indices[rows.indptr[row + apart] : rows.indptr[row + apart + 1]] for row in picked]
    return np.array([len(np.intersect1d(one, other, True)) for one, other in zip(of, others, strict=True)])
