"""One bit a column: vectors less the centre of their cell, turned at random, each column by its sign.

With o = vector - centre, P a random rotation and s the signs of P o, a row's factor |o|^2 / sum |P o| makes
<s, P q> x factor an unbiased estimate of <o, q> (Gao and Long, RaBitQ, SIGMOD 2024); with <centre, q> it is one of
<vector, q>. Knows how cells, bits and factors are made and laid out; refuses to know how many rows and candidates a
search needs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vizsla.core.vectors import Bitmap, Dense
from vizsla.indexes import partition
from vizsla.indexes.rows import BLOCK, frozen
from vizsla.kernels import signs as kernel

_ALIGNED = 8
"""A cell's bits begin at a multiple of so many rows: where a line of memory does."""
_NOTHING = frozen(np.zeros(0, np.bool_))
ITSELF = np.zeros(0, np.int32)
"""Where there is one cell, each row is its own position."""


@dataclass(frozen=True, eq=False)
class Signs:
    """The bits of all positions, cell after cell.

    Attributes:
        centres: (cells, dim) float32, where each cell lies; of one cell alone, the mean of all vectors.
        rotation: (width, dim) float32, its columns orthonormal; width is dim rounded up to whole words.
        codes: bits and factors, and where each cell's stand.
    """

    centres: Dense
    rotation: Dense
    codes: kernel.Codes

    @classmethod
    def made(cls, vectors: Dense, seed: int, cells: int = 1) -> "Signs":
        """The signs of vectors, in so many cells."""
        dim, positions = vectors.shape[1], ITSELF
        if cells == 1:
            centres, lengths, sizes = _mean(vectors)[None], np.ones(1, np.float32), np.array([len(vectors)])
        else:
            centres = partition.centres(vectors, cells, seed)
            near, products = partition.nearest(vectors, centres)
            sizes = np.bincount(near, minlength=cells)
            lengths = (np.bincount(near, products, cells) / np.maximum(sizes, 1)).astype(np.float32)
            positions = np.argsort(near, kind="stable").astype(np.int32)
        width = words(dim) * kernel.WORD
        rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))[0]
        rotation = np.ascontiguousarray(rotation[:, :dim], dtype=np.float32)
        firsts, begins = laid(sizes)
        bits, factors = np.zeros(begins[-1] * words(dim), np.uint64), np.empty(len(vectors), np.float32)
        made = cls.of(centres, rotation, kernel.Codes(bits, factors, positions, firsts, begins, lengths))
        for cell, rows, words_of in made.tiles():
            some = vectors[positions[rows]] if len(positions) else vectors[rows]
            positive, factors[rows] = _coded(some - lengths[cell] * centres[cell], rotation)
            packed = np.packbits(positive, axis=1, bitorder="little").view("<u8")
            bits[words_of].reshape(words(dim), -1)[:, : len(packed)] = packed.T
        return made

    @classmethod
    def of(cls, centres: Dense, rotation: Dense, codes: kernel.Codes) -> "Signs":
        """Made before, in memory or mapped."""
        return cls(frozen(centres), frozen(rotation), kernel.Codes(*(frozen(one) for one in codes)))

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """How many rows each cell holds: (cells,)."""
        sizes: npt.NDArray[np.int64] = np.diff(self.codes.firsts)
        return sizes

    def tiles(self) -> Iterator[tuple[int, slice, slice]]:
        """The tiles as kernels cut them: the cell of each, its rows, and its bits."""
        firsts, begins = self.codes.firsts.tolist(), self.codes.places.tolist()
        wide = words(self.rotation.shape[1])
        for cell in range(len(self.centres)):
            for first in range(firsts[cell], firsts[cell + 1], kernel.TILE):
                place = begins[cell] + first - firsts[cell]
                stop = min(place + kernel.TILE, begins[cell + 1])
                rows = slice(first, min(first + kernel.TILE, firsts[cell + 1]))
                yield cell, rows, slice(place * wide, stop * wide)

    def asked(self, query: npt.NDArray[np.float32]) -> kernel.Asked:
        """A query (dim,) as the kernel takes it; only its direction counts."""
        largest = np.abs(query).max(initial=0.0)
        part = query / largest if largest > 0 else query
        products = self.centres @ part if len(self.centres) > 1 else np.zeros(1, np.float32)
        return kernel.planes(self.rotation @ part, products)

    def near(
        self, query: npt.NDArray[np.float32], rows: int, depth: int, outer: int, allowed: Bitmap | None
    ) -> npt.NDArray[np.int64] | None:
        """The positions of the largest estimates, `depth` and all that equal the last, of the cells nearest to a query.

        So many cells are read that so many rows in them are allowed. None where these are not among the `outer`
        largest of all that is read, allowed or not.
        """
        some = _NOTHING if allowed is None else allowed
        found: tuple[npt.NDArray[np.int64], bool] = kernel.scan(self.codes, self.asked(query), rows, depth, outer, some)
        return found[0] if found[1] else None


def words(dim: int) -> int:
    """Words of 64 bits that a row's columns take."""
    return -(-dim // kernel.WORD)


def laid(sizes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Of cells of such sizes: the first row of each, and where its bits begin, in rows; and behind the last."""
    return _sums(sizes), _sums(-(-sizes // _ALIGNED) * _ALIGNED)


def _sums(sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def _mean(vectors: Dense) -> npt.NDArray[np.float32]:
    total = np.zeros(vectors.shape[1])
    for begin in range(0, len(vectors), BLOCK):
        total += vectors[begin : begin + BLOCK].sum(axis=0, dtype=np.float64)
    mean: npt.NDArray[np.float32] = (total / len(vectors)).astype(np.float32)
    return mean


def _coded(distances: Dense, rotation: Dense) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """Of vectors less their centres: which turned columns are above zero, (n, width), and factors, (n,)."""
    with np.errstate(all="ignore"):  # a factor that is no number makes its row a candidate wherever it is read
        turned = distances @ rotation.T
        squares = np.einsum("ij,ij->i", turned, turned, dtype=np.float64)
        spans = np.abs(turned).sum(axis=1, dtype=np.float64)
        return turned > 0, np.where(spans == 0, 0.0, squares / spans).astype(np.float32)
