"""A coarse partition: vectors in cells by their direction, so that a search reads those that point as the query does.

Spherical k-means (Dhillon and Modha, Machine Learning 42, 2001) on a sample. Knows rows and directions; refuses to know
codes and searches.
"""

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from vizsla.core.vectors import Dense
from vizsla.indexes.rows import BLOCK

_SAMPLED = 32
"""Vectors a centre is made from."""
_TURNS = 6


def centres(vectors: Dense, count: int, seed: int) -> Dense:
    """Directions of (n, dim) vectors, no fewer than `count`: (count, dim) float32, each of length 1 or 0."""
    draws = np.random.default_rng(seed)
    drawn = draws.choice(len(vectors), min(len(vectors), _SAMPLED * count), replace=False)
    sample = _directions(vectors[np.sort(drawn)])
    made = sample[draws.choice(len(sample), count, replace=False)]
    for _ in range(_TURNS):
        cells = nearest(sample, made)[0]
        members = csr_array((np.ones(len(cells), np.float32), cells, np.arange(len(cells) + 1)), (len(cells), count))
        sums = _directions(members.T @ sample)
        made = np.where(sums.any(axis=1, keepdims=True), sums, made)
    return made


def nearest(vectors: Dense, centres: Dense) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The centre of the largest product with each vector, the first of equals, and the product: two (n,) arrays."""
    found, products = np.empty(len(vectors), np.int64), np.empty(len(vectors), np.float32)
    for begin in range(0, len(vectors), BLOCK):
        near = vectors[begin : begin + BLOCK] @ centres.T
        best = near.argmax(axis=1)
        found[begin : begin + BLOCK] = best
        products[begin : begin + BLOCK] = near[np.arange(len(near)), best]
    return found, products


def _directions(rows: Dense) -> Dense:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return (rows / np.where(lengths > 0, lengths, 1)[:, None]).astype(np.float32)
