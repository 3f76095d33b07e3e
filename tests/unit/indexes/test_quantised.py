"""What a quantised index measures and stores, and what it refuses to load."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from vizsla.core import artifacts
from vizsla.core.errors import ArtifactError, SettingsError, ShapeError
from vizsla.indexes import depths, quantised
from vizsla.indexes.depths import Depths
from vizsla.indexes.quantised import QuantisedIndex
from vizsla.indexes.signs import Signs

Change: TypeAlias = Callable[..., None]
Block: TypeAlias = npt.NDArray[np.float32]


@pytest.fixture
def coded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes in cells even for few passages, and exact search for none."""
    monkeypatch.setattr(quantised, "_WORTH_CODES", 2)
    monkeypatch.setattr(quantised, "_WORTH_CELLS", 2)
    monkeypatch.setattr(quantised, "_EXACT", 1 << 40)


def drawn(size: int, dim: int, seed: int = 0) -> Block:
    draws = np.random.default_rng(seed)
    return (draws.standard_normal((size, dim)) * draws.lognormal(0, 0.3, (size, 1))).astype(np.float32)


@pytest.fixture
def stored(coded: None, tmp_path: Path) -> Path:
    QuantisedIndex.build(drawn(700, 70)).save(tmp_path / "i")
    return tmp_path / "i"


@pytest.mark.parametrize(
    "change",
    [
        {"size": 699},
        {"size": 1025},
        {"dim": 64},
        {"dim": 71},
        {"recall": 0.0},
        {"recall": 1.0},
        {"recall": float("nan")},
        {"depths": None},
        {"found": None},
        {"held_out": None},
        {"held_out": "guesses"},
        {"asked": -1},
        {"cells": None},
        {"cells": 0},
        {"cells": 25},
        {"cells": 701},
        {"rows": None},
        {"rows": [0, 1, 2]},
        {"depths": [1, 2]},
        {"depths": [0, 1, 2]},
        {"depths": [1, 2, 10**400]},
        {"found": [0.5, 0.5, 1.5]},
        {"found": [0.5, 0.5, float("nan")]},
        {"size": 700.0},
        {"other": 1},
    ],
)
def test_settings_that_do_not_fit_are_refused(stored: Path, change: dict[str, Any], rewritten: Change) -> None:
    rewritten(stored, **change)
    with pytest.raises(ArtifactError, match="build it again"):
        QuantisedIndex.load(stored)


@pytest.mark.parametrize("name", ["vectors", "centres", "lengths", "sizes", "positions", "rotation", "bits", "factors"])
def test_arrays_that_do_not_fit_are_refused(stored: Path, name: str, replaced: Change) -> None:
    array = np.load(stored / f"{name}.npy")
    for other in (array[:-1], array.astype(np.float64), array[None], None):
        replaced(stored, **{name: other})
        with pytest.raises(ArtifactError, match="build"):
            QuantisedIndex.load(stored)
        replaced(stored, **{name: array})
    assert len(QuantisedIndex.load(stored)) == 700


def test_codes_of_any_value_lead_no_loop_astray(stored: Path, replaced: Change) -> None:
    draws = np.random.default_rng(0)
    bits, factors = np.load(stored / "bits.npy"), np.load(stored / "factors.npy")
    replaced(stored, bits=draws.integers(0, 1 << 64, bits.shape, dtype=np.uint64))
    altered = factors.copy()
    altered[::3], altered[1::3] = np.nan, np.inf
    for one in (altered, -factors, np.full_like(factors, np.nan)):
        replaced(stored, factors=one)
        found = QuantisedIndex.load(stored).search(drawn(2, 70, 1), 700)
        assert sorted(found.positions[0].tolist()) == list(range(700))


def test_stored_vectors_that_are_no_numbers_are_found_by_the_search(stored: Path, replaced: Change) -> None:
    vectors = np.load(stored / "vectors.npy")
    vectors[3] = np.nan
    replaced(stored, vectors=vectors)
    with pytest.raises(ArtifactError, match="not finite"):
        QuantisedIndex.load(stored).search(drawn(1, 70, 1), 700)


def test_what_was_measured_is_stored(stored: Path) -> None:
    built, loaded = QuantisedIndex.build(drawn(700, 70)), QuantisedIndex.load(stored)
    assert built.measured is not None
    assert (loaded.measured, loaded.recall, loaded.seed) == (built.measured, 0.98, 0)
    made = artifacts.read_manifest(stored)["settings"]
    assert tuple(made["depths"]) == built.measured.depths
    assert made["held_out"] == "passages"
    again = QuantisedIndex.build(drawn(700, 70))
    assert again.measured == built.measured


@pytest.mark.usefixtures("coded")
def test_more_recall_takes_more_candidates() -> None:
    rows = drawn(3000, 64)
    found = [QuantisedIndex.build(rows, recall=recall).measured for recall in (0.5, 0.9, 0.99)]
    for less, more in pairwise(found):
        assert less is not None
        assert more is not None
        assert all(one < other for one, other in zip(less.depths[:2], more.depths[:2], strict=True))
        assert less.found[1] < more.found[1]


@pytest.mark.usefixtures("coded")
def test_given_queries_are_what_is_measured() -> None:
    rows = drawn(2000, 64)
    queries = rows[:40] + 3 * drawn(40, 64, 2)
    index = QuantisedIndex.build(rows, queries)
    assert index.measured is not None
    assert (index.measured.held_out, index.measured.asked) == ("queries", 40)
    assert QuantisedIndex.build(rows, queries[:0]).measured == QuantisedIndex.build(rows).measured
    with pytest.raises(ShapeError, match="width"):
        QuantisedIndex.build(rows, queries[:, :3])


@pytest.mark.usefixtures("coded")
def test_a_vector_held_out_does_not_find_itself() -> None:
    """Of pairs far from each other the best is the twin, and the vector itself is none of its candidates."""
    rows = np.repeat(drawn(600, 64), 2, axis=0)
    found = Signs.made(rows, 0)
    place = np.array([1, 0])
    twin = depths._Reading.of(found, rows[0], np.zeros(2, np.int64), place, 1)
    alone = depths._Reading.of(found, rows[0], np.zeros(1, np.int64), place[:1], 1)
    assert [one.needed(found.codes, (1200, 1200, 1200))[0].tolist() for one in (twin, alone)] == [[1], [2]]
    assert QuantisedIndex.build(rows).measured is not None


def test_depths_between_measured_ones() -> None:
    one = Depths(0.9, (30, 3000, 3000), (20, 200, 2000), (0.9, 0.9, 0.9), "queries", 5)
    assert [one.at(k) for k in (1, 10, 30, 100, 1000, 4000)] == [20, 20, 60, 200, 2000, 8000]
    assert replace(one, depths=(1, 1, 1)).at(50) == 50
    assert [one.rows_at(k) for k in (1, 10, 100, 1000, 4000)] == [30, 30, 3000, 3000, 12000]
    assert [one.rows_at(k, 0.1) for k in (1, 10, 100, 1000)] == [3, 300, 300, 3000]
    assert replace(one, rows=(1, 1, 1)).rows_at(50, 0.01) == 50
    every = [replace(one, depths=(13, 190, 5001)).at(k) for k in range(1, 3000)]
    assert all(less <= more for less, more in pairwise(every))


def test_what_tells_kernels_where_to_read_is_looked_at(stored: Path, replaced: Change) -> None:
    for name, bad in [("positions", 700), ("positions", -1), ("positions", None), ("sizes", 900), ("sizes", -3)]:
        array = np.load(stored / f"{name}.npy")
        altered = array.copy()
        altered[5] = altered[6] if bad is None else bad  # twice
        replaced(stored, **{name: altered})
        with pytest.raises(ArtifactError, match="altered since it was written"):
            QuantisedIndex.load(stored)
        replaced(stored, **{name: array})


@pytest.mark.usefixtures("coded")
def test_cells_are_few_rows_read_where_vectors_lie_about_centres() -> None:
    draws = np.random.default_rng(4)
    centres = 2 * draws.standard_normal((60, 32))
    rows = (centres[draws.integers(0, 60, 4000)] + 0.3 * draws.standard_normal((4000, 32))).astype(np.float32)
    index = QuantisedIndex.build(rows)
    assert index.measured is not None
    assert index.measured.rows[0] < 800
    assert min(index.measured.found) >= 0.98


@pytest.mark.usefixtures("coded")
def test_where_cells_tell_nothing_all_rows_are_read() -> None:
    """Long vectors are best for every query, and no centre points to them: the recall is kept by reading on."""
    rows = drawn(2000, 200)
    rows[::40] *= 3
    index = QuantisedIndex.build(rows)
    assert index.measured is not None
    assert min(index.measured.found) >= 0.98
    assert index.measured.rows[0] > 1000


@pytest.mark.parametrize("recall", [0, 1, -0.5, 1.5, float("nan")])
def test_a_recall_that_cannot_be(recall: float) -> None:
    with pytest.raises(SettingsError, match="FlatIndex finds all"):
        QuantisedIndex.build(drawn(3, 2), recall=recall)


def test_few_passages_have_no_codes_and_are_searched_exactly(tmp_path: Path) -> None:
    index = QuantisedIndex.build(drawn(50, 9), recall=0.5)
    assert index.measured is None
    index.save(tmp_path / "i")
    assert sorted(path.name for path in (tmp_path / "i").glob("*.npy")) == ["vectors.npy"]
    loaded = QuantisedIndex.load(tmp_path / "i")
    assert (loaded.measured, loaded.recall) == (None, 0.5)


def test_few_allowed_are_searched_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "_WORTH_CODES", 2)
    rows, query = drawn(6000, 64), drawn(1, 64, 1)
    index = QuantisedIndex.build(rows, recall=0.3)
    assert index.measured is not None
    index.measured = replace(index.measured, depths=(1, 1, 1))
    allowed = np.arange(6000) % 20 == 0
    exact = index._flat.search(query, 10, allowed)
    assert np.array_equal(index.search(query, 10, allowed).positions, exact.positions)
    whole = index._flat.search(query, 10)
    assert not np.array_equal(index.search(query, 10).positions, whole.positions)


@pytest.mark.usefixtures("coded")
@pytest.mark.parametrize("near", [0.05, 0.5, 0.9])
def test_a_condition_against_the_query_costs_no_recall(near: float) -> None:
    rows, queries = drawn(6000, 48), drawn(12, 48, 1)
    index = QuantisedIndex.build(rows, recall=0.9)
    assert index.measured is not None
    shares = []
    for query in queries:
        products = rows @ query
        allowed = products < np.quantile(products, 1 - near)
        found, exact = (one.search(query[None], 10, allowed) for one in (index, index.exact))
        shares.append(len(np.intersect1d(found.positions, exact.positions)) / 10)
    assert np.mean(shares) >= 0.9
