"""Estimates from bits, against the same in whole numbers, one position after another."""

import numpy as np
import numpy.typing as npt
import pytest

from vizsla.indexes import signs
from vizsla.indexes.signs import Signs
from vizsla.kernels import signs as kernel

NOTHING = np.zeros(0, np.bool_)


def made(seed: int, size: int, dim: int) -> tuple[Signs, npt.NDArray[np.float32]]:
    draws = np.random.default_rng(seed)
    vectors = (draws.standard_normal((size, dim)) + 1).astype(np.float32)
    return Signs.made(vectors, 3), vectors


def numbers(asked: kernel.Asked) -> npt.NDArray[np.int64]:
    """A query's numbers, from its planes."""
    bits = (asked.planes[:, None, :] >> np.arange(64, dtype=np.uint64)[:, None]) & np.uint64(1)
    weighed: npt.NDArray[np.int64] = (bits.astype(np.int64) * np.array([1, 2, -4])).sum(axis=2).reshape(-1)
    return weighed


def held(found: Signs) -> npt.NDArray[np.bool_]:
    """(n, width) bits of every position."""
    tiles, words, _ = found.codes.bits.shape
    bits = (found.codes.bits[:, :, :, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    rows = bits.transpose(0, 2, 1, 3).reshape(tiles * kernel.TILE, words * 64)
    positive: npt.NDArray[np.bool_] = rows[: len(found.codes.factors)] > 0
    return positive


@pytest.mark.parametrize(("size", "dim"), [(1, 1), (511, 64), (512, 65), (513, 3), (1100, 200)])
def test_estimates_are_sums_of_signs(size: int, dim: int) -> None:
    found, vectors = made(size, size, dim)
    query = np.random.default_rng(1).standard_normal(dim).astype(np.float32)
    asked = found.asked(query)
    whole = numbers(asked)
    assert np.abs(whole).max() <= 3
    assert asked.total == whole.sum()
    signed = np.where(held(found), 1, -1) @ whole
    assert np.array_equal(found.estimates(query), found.codes.factors * signed.astype(np.float32))
    turned = (vectors - found.mean) @ found.rotation.T
    clear = np.abs(turned) > 1e-5
    assert np.array_equal(held(found)[clear], (turned > 0)[clear])


@pytest.mark.parametrize("depth", [1, 40, 1500])
def test_a_scan_finds_the_largest_estimates(depth: int) -> None:
    found, vectors = made(2, 3 * kernel.TILE + 9, 40)
    vectors[100:160] = vectors[0]
    found = Signs.made(vectors, 0)
    size, query = len(vectors), vectors[0]
    for allowed in (None, np.random.default_rng(4).random(size) < 0.4):
        positions, estimates = kernel.scan(
            found.codes, found.asked(query), depth, (0, size), NOTHING if allowed is None else allowed
        )
        every = found.estimates(query)
        kept = np.flatnonzero(np.ones(size) if allowed is None else allowed)
        edge = np.sort(every[kept])[::-1][min(depth, len(kept)) - 1]
        assert sorted(positions.tolist()) == kept[every[kept] >= edge].tolist()
        assert np.array_equal(estimates, every[positions])


def test_estimates_are_of_the_distance_from_the_mean() -> None:
    """Without a bias, and off by about what one bit a column allows: 0.75 of |o| |q| / sqrt(width)."""
    found, vectors = made(5, 4000, 256)
    query = np.random.default_rng(6).standard_normal(256).astype(np.float32)
    turned = found.rotation @ query
    steps = np.linalg.lstsq(numbers(found.asked(query))[:, None].astype(float), turned, rcond=None)[0][0]
    wanted = (vectors - found.mean) @ query
    estimates = found.estimates(query) * steps
    spread = np.linalg.norm(vectors - found.mean, axis=1) * np.linalg.norm(query) / np.sqrt(256)
    errors = (estimates - wanted) / spread
    assert abs(errors.mean()) < 0.05
    assert 0.6 < errors.std() < 0.9


def test_bits_are_counted() -> None:
    draws = np.random.default_rng(0).integers(0, 1 << 64, 100, dtype=np.uint64)
    for word in [*draws, np.uint64(0), np.uint64((1 << 64) - 1), np.uint64(1 << 63)]:
        assert kernel._ones(word) == int(word).bit_count()


def test_a_rotation_keeps_products() -> None:
    found, vectors = made(7, 20, 100)
    assert found.rotation.shape == (signs.words(100) * 64, 100)
    assert np.abs(found.rotation.T @ found.rotation - np.eye(100)).max() < 1e-5
    assert np.array_equal(found.rotation, Signs.made(vectors, 3).rotation)
    assert not np.array_equal(found.rotation, Signs.made(vectors, 4).rotation)


@pytest.mark.parametrize("scale", [1e-44, 1e-20, 1e20, 3e38])
def test_only_the_direction_of_a_query_counts(scale: float) -> None:
    found, _ = made(8, 10, 100)
    query = np.ones(100, np.float32)
    query[::3] = 0
    usual, scaled = found.asked(query), found.asked(query * np.float32(scale))
    assert np.array_equal(usual.planes, scaled.planes)
    assert found.asked(np.zeros(100, np.float32)).total == 0
