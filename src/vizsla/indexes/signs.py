"""One bit a column: vectors less their mean, turned at random, each column by its sign; queries by three bits.

With o = vector - mean, P a random rotation and s the signs of P o, a position's factor |o|^2 / sum |P o| makes
<s, P q> x factor an unbiased estimate of <o, q> (Gao and Long, RaBitQ, SIGMOD 2024); <mean, q> is the same for all
positions. Knows how bits and factors are made and laid out; refuses to know how many candidates a search needs.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vizsla.core.vectors import Dense
from vizsla.indexes.rows import BLOCK, frozen
from vizsla.kernels import signs as kernel

_STEPS = 5 / 3
"""Steps of a query's numbers to a standard deviation of its turned columns: seven of them are best about so."""


@dataclass(frozen=True, eq=False)
class Signs:
    """The bits of all positions.

    Attributes:
        mean: (dim,) float32, of all vectors.
        rotation: (width, dim) float32, its columns orthonormal; width is dim rounded up to whole words.
        codes: bits and factors.
    """

    mean: npt.NDArray[np.float32]
    rotation: Dense
    codes: kernel.Codes

    @classmethod
    def made(cls, vectors: Dense, seed: int) -> "Signs":
        """The signs of vectors, block by block."""
        size, dim = vectors.shape
        width = words(dim) * kernel.WORD
        total = np.zeros(dim)
        for begin in range(0, size, BLOCK):
            total += vectors[begin : begin + BLOCK].sum(axis=0, dtype=np.float64)
        mean = (total / size).astype(np.float32)
        rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((width, width)))[0]
        rotation = np.ascontiguousarray(rotation[:, :dim], dtype=np.float32)
        bits = np.zeros((tiles(size), words(dim), kernel.TILE), np.uint64)
        factors = np.empty(size, np.float32)
        for begin in range(0, size, BLOCK):
            part = slice(begin, min(begin + BLOCK, size))
            with np.errstate(all="ignore"):  # a factor that is no number makes its position a candidate of every search
                turned = (vectors[part] - mean) @ rotation.T
                lengths = np.einsum("ij,ij->i", turned, turned, dtype=np.float64)
                spans = np.abs(turned).sum(axis=1, dtype=np.float64)
                factors[part] = np.where(spans == 0, 0.0, lengths / spans)
            tile = begin // kernel.TILE
            laid = _laid(turned > 0)
            bits[tile : tile + len(laid)] = laid
        return cls.of(mean, rotation, bits, factors)

    @classmethod
    def of(
        cls,
        mean: npt.NDArray[np.float32],
        rotation: Dense,
        bits: npt.NDArray[np.uint64],
        factors: npt.NDArray[np.float32],
    ) -> "Signs":
        """Made before, in memory or mapped."""
        return cls(mean, rotation, kernel.Codes(frozen(bits), frozen(factors)))

    def asked(self, query: npt.NDArray[np.float32]) -> kernel.Asked:
        """A query (dim,) as the kernel takes it; only its direction counts."""
        largest = np.abs(query).max(initial=0.0)
        turned = self.rotation @ (query / largest if largest > 0 else query)
        spread = math.sqrt(float(turned @ turned) / max(1, len(turned)))
        planes, total = kernel.planes(turned, _STEPS / spread if spread > 0 else 0.0)
        return kernel.Asked(planes, total)

    def estimates(self, query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The estimate of every position, up to what is the same for all: (n,)."""
        found = np.empty(len(self.codes.factors), np.float32)
        kernel.estimate(self.codes, self.asked(query), found)
        return found


def words(dim: int) -> int:
    """Words of 64 bits that a position's columns take."""
    return -(-dim // kernel.WORD)


def tiles(size: int) -> int:
    """Tiles that so many positions take."""
    return -(-size // kernel.TILE)


def _laid(positive: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """(n, width) signs to (tiles, words, TILE) bits, zeros behind the last position."""
    packed = np.packbits(positive, axis=1, bitorder="little").view("<u8")
    padded = np.zeros((tiles(len(packed)) * kernel.TILE, packed.shape[1]), np.uint64)
    padded[: len(packed)] = packed
    return padded.reshape(-1, kernel.TILE, packed.shape[1]).transpose(0, 2, 1)
