"""Token-budget batches: ragged rows cut into rectangles, and the results back in the rows' order.

A row is padded to the next multiple of a bucket's width and never to its neighbours, so what it is padded with
depends on nothing but itself. A batch holds rows of one bucket. Knows rows and the Runtime door; no tokenizer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import SettingsError, ShapeError
from vizsla.core.protocols import Runtime, TokenBatch
from vizsla.core.vectors import Dense
from vizsla.runtimes.rows import TokenRows


@dataclass(frozen=True, slots=True)
class Budget:
    """How rows are cut into batches.

    Attributes:
        tokens: most tokens of a batch, padding included; one row always fits. A graph of terms holds a float for
            each of them and each word of the vocabulary: 122 KB a token for BERT's.
        width: a row's length is rounded up to a multiple of it. With 8, onnxruntime in fp32 is within a tenth of its
            fastest (1) and OpenVINO in bf16 of its own (16, the rows of a tile).
        longest: most tokens the model takes, 0 for no limit; no row is padded beyond it.
        pad: the id of padding.
    """

    tokens: int = 4096
    width: int = 8
    longest: int = 0
    pad: int = 0

    def __post_init__(self) -> None:
        if self.tokens < 1 or self.width < 1 or self.longest < 0:
            found = f"tokens={self.tokens}, width={self.width}, longest={self.longest}"
            raise SettingsError(f"found a budget of {found}; wanted tokens and width from 1, longest from 0")

    def padded(self, rows: TokenRows) -> npt.NDArray[np.int64]:
        """The length that each row is padded to: (n,).

        Raises:
            ShapeError: a row is longer than the model takes.
        """
        lengths = rows.lengths()
        if self.longest and len(lengths) and lengths.max() > self.longest:
            found = f"row {int(lengths.argmax())} of {lengths.max()} tokens"
            raise ShapeError(f"found {found}; this model takes {self.longest}: set max_length to at most that")
        rounded = np.maximum(-(-lengths // self.width), 1) * self.width
        return np.minimum(rounded, self.longest) if self.longest else rounded

    def waste(self, rows: TokenRows) -> float:
        """The share of padding among all tokens of the batches, 0 to 1.

        >>> empty = np.zeros(0, np.int32)
        >>> Budget().waste(TokenRows(empty, np.zeros(0, np.int8), np.zeros(0, np.int64), empty))
        0.0
        """
        padded = int(self.padded(rows).sum())
        return 1 - int(rows.lengths().sum()) / padded if padded else 0.0


def batches(rows: TokenRows, budget: Budget) -> Iterator[tuple[npt.NDArray[np.int64], TokenBatch]]:
    """Cut rows into batches, the longest first: (the rows' positions, their tokens) each; every row once.

    Longest first, because what needs too much memory should fail at once.
    """
    padded = budget.padded(rows)
    order = np.argsort(-padded, kind="stable")
    edges = np.flatnonzero(np.diff(padded[order], prepend=0, append=0))
    for first, last in pairwise(edges):
        length = int(padded[order[first]])
        step = max(1, budget.tokens // length)
        for start in range(first, last, step):
            positions = order[start : min(start + step, last)]
            yield positions, _rectangle(rows, positions, length, budget.pad)


def outputs(runtime: Runtime, rows: TokenRows, budget: Budget) -> Iterator[tuple[npt.NDArray[np.int64], Dense]]:
    """What the graph computes, batch by batch: (the rows' positions, their outputs)."""
    for positions, batch in batches(rows, budget):
        yield positions, runtime.run(batch)


def run(runtime: Runtime, rows: TokenRows, budget: Budget) -> Dense:
    """What the graph computes for every row, in the rows' order: (n, dim); (0, 0) without rows."""
    every: Dense = np.zeros((0, 0), np.float32)
    for positions, values in outputs(runtime, rows, budget):
        if not len(every):
            every = np.empty((len(rows), values.shape[1]), np.float32)
        every[positions] = values
    return every


def _rectangle(rows: TokenRows, positions: npt.NDArray[np.int64], length: int, pad: int) -> TokenBatch:
    ends, counts = rows.ends[positions], rows.lengths()[positions]
    places = np.arange(length)
    inside = places < counts[:, None]
    source = np.where(inside, (ends - counts)[:, None] + places, 0)
    if not len(rows.ids):
        return TokenBatch(np.full(inside.shape, pad), np.zeros(inside.shape, np.int64), inside.astype(np.int64))
    ids = np.where(inside, rows.ids[source], pad).astype(np.int64)
    types = np.where(inside, rows.types[source], 0).astype(np.int64)
    return TokenBatch(ids, types, inside.astype(np.int64))
