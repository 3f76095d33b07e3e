"""Estimates from bits, against the same in whole numbers, one row after another."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from vizsla.indexes import signs
from vizsla.indexes.signs import Signs
from vizsla.kernels import signs as kernel

NOTHING = np.zeros(0, np.bool_)
Block = npt.NDArray[np.float32]
Int64s = npt.NDArray[np.int64]


def made(seed: int, size: int, dim: int, cells: int = 1) -> tuple[Signs, Block]:
    draws = np.random.default_rng(seed)
    vectors = (draws.standard_normal((size, dim)) + draws.integers(0, 3, (size, 1))).astype(np.float32)
    return Signs.made(vectors, 3, cells), vectors


def numbers(asked: kernel.Asked) -> Int64s:
    """A query's numbers, from its planes."""
    bits = (asked.planes[:, None, :] >> np.arange(64, dtype=np.uint64)[:, None]) & np.uint64(1)
    weighed: Int64s = (bits.astype(np.int64) * np.array([1, 2, -4])).sum(axis=2).reshape(-1)
    return weighed


def held(found: Signs) -> npt.NDArray[np.bool_]:
    """(n, width) bits of every row."""
    words = found.rotation.shape[0] // 64
    rows = np.zeros((len(found.codes.factors), words * 64), np.bool_)
    for _, some, laid in found.tiles():
        tile = found.codes.bits[laid].reshape(words, -1)[:, : some.stop - some.start]
        bits = (tile.T[:, :, None] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
        rows[some] = bits.reshape(len(bits), -1)
    return rows


def positions_of(found: Signs) -> Int64s:
    held = found.codes.positions
    return held.astype(np.int64) if len(held) else np.arange(len(found.codes.factors))


def estimates(found: Signs, query: Block) -> Block:
    """The estimate of every position."""
    by_row = np.empty(len(found.codes.factors), np.float32)
    kernel.estimate(found.codes, found.asked(query), np.arange(len(found.centres)), by_row)
    made = np.empty_like(by_row)
    made[positions_of(found)] = by_row
    return made


@pytest.mark.parametrize("cells", [1, 7])
@pytest.mark.parametrize(("size", "dim"), [(9, 1), (511, 64), (512, 65), (513, 3), (4000, 200)])
def test_estimates_are_sums_of_signs(size: int, dim: int, cells: int) -> None:
    found, vectors = made(size, size, dim, cells)
    query = np.random.default_rng(1).standard_normal(dim).astype(np.float32)
    asked = found.asked(query)
    whole = numbers(asked)
    assert np.abs(whole).max() <= 3
    assert asked.total == whole.sum()
    cell = np.repeat(np.arange(cells), found.sizes)
    signed = np.where(held(found), 1, -1) @ whole
    by_row = (
        found.codes.factors * (np.float32(asked.step) * signed.astype(np.float32))
        + (found.codes.lengths * asked.products)[cell]
    )
    assert np.array_equal(estimates(found, query)[positions_of(found)], by_row.astype(np.float32))
    turned = (vectors[positions_of(found)] - (found.codes.lengths[:, None] * found.centres)[cell]) @ found.rotation.T
    clear = np.abs(turned) > 1e-4
    assert np.array_equal(held(found)[clear], (turned > 0)[clear])


@pytest.mark.parametrize("cells", [2, 40])
def test_each_vector_stands_once_in_the_cell_of_the_nearest_centre(cells: int) -> None:
    found, vectors = made(3, 900, 20, cells)
    assert sorted(positions_of(found).tolist()) == list(range(900))
    assert found.sizes.sum() == 900
    cell = np.repeat(np.arange(cells), found.sizes)
    products = vectors[positions_of(found)] @ found.centres.T
    assert (products[np.arange(900), cell] >= products.max(axis=1) - 1e-4).all()
    assert (found.codes.places % 8 == 0).all()


@pytest.mark.parametrize("depth", [1, 40, 1500])
@pytest.mark.parametrize("cells", [1, 9])
def test_a_scan_finds_the_largest_estimates(depth: int, cells: int) -> None:
    _, vectors = made(2, 3 * kernel.TILE + 9, 40)
    vectors[100:160] = vectors[0]
    found = Signs.made(vectors, 0, cells)
    size, query = len(vectors), vectors[0]
    for allowed in (None, np.random.default_rng(4).random(size) < 0.4):
        positions = found.near(query, size, depth, size, allowed)
        assert positions is not None
        every = estimates(found, query)
        kept = np.flatnonzero(np.ones(size) if allowed is None else allowed)
        edge = np.sort(every[kept])[::-1][min(depth, len(kept)) - 1]
        assert sorted(positions.tolist()) == kept[every[kept] >= edge].tolist()


@pytest.mark.parametrize("share", [None, 0.3, 0.02])
def test_the_nearest_cells_are_read_until_enough_allowed_rows_are_seen(share: float | None) -> None:
    found, vectors = made(6, 2000, 24, 25)
    allowed = np.ones(2000, np.bool_) if share is None else np.random.default_rng(1).random(2000) < share
    query = vectors[5]
    order = np.argsort(-found.asked(query).products, kind="stable")
    held = [positions_of(found)[first:last] for first, last in pairwise(found.codes.firsts)]
    for wanted in (1, 30, 500, 1999):
        seen: list[int] = []
        for cell in order:
            if len(seen) < wanted:
                seen += held[cell][allowed[held[cell]]].tolist()
        positions = found.near(query, wanted, 5000, 5000, None if share is None else allowed)
        assert positions is not None
        assert sorted(positions.tolist()) == sorted(seen)


@pytest.mark.parametrize("cells", [1, 60])
def test_estimates_are_of_the_product(cells: int) -> None:
    """Without a bias, and off by about what one bit a column allows: 0.75 of |o| |q| / sqrt(width)."""
    found, vectors = made(5, 4000, 256, cells)
    query = np.random.default_rng(6).standard_normal(256).astype(np.float32)
    cell = np.empty(4000, np.int64)
    cell[positions_of(found)] = np.repeat(np.arange(cells), found.sizes)
    spread = np.linalg.norm(vectors - found.centres[cell], axis=1) * np.linalg.norm(query) / np.sqrt(256)
    constant = 0.0 if cells > 1 else found.centres[0] @ query
    errors = (estimates(found, query) * np.abs(query).max() + constant - vectors @ query) / spread
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
