"""What a flat index stores, what it refuses to load, and how far its candidates reach."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numba
import numpy as np
import pytest

from vizsla.core import artifacts
from vizsla.core.errors import ArtifactError, IncompatibleError, ShapeError
from vizsla.indexes import quantised
from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.quantised import QuantisedIndex
from vizsla.indexes.rows import BLOCK
from vizsla.kernels import selecting, signs

Change: TypeAlias = Callable[..., None]
ROWS = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize(
    "change",
    [{"size": 5}, {"size": -4}, {"dim": 2}, {"size": 3.0}, {"size": True}, {"dim": 10**400}, {"other": 1}],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, Any], rewritten: Change) -> None:
    FlatIndex.build(ROWS).save(tmp_path / "i")
    rewritten(tmp_path / "i", **change)
    with pytest.raises(ArtifactError, match="build it again"):
        FlatIndex.load(tmp_path / "i")


@pytest.mark.parametrize(
    "vectors",
    [ROWS[:3], ROWS[:, :2], ROWS.astype(np.float64), ROWS.reshape(-1), np.asfortranarray(ROWS), None],
)
def test_vectors_that_do_not_fit_are_refused(tmp_path: Path, vectors: Any, replaced: Change) -> None:
    FlatIndex.build(ROWS).save(tmp_path / "i")
    replaced(tmp_path / "i", vectors=vectors)
    with pytest.raises(ArtifactError, match="build"):
        FlatIndex.load(tmp_path / "i")


def test_cut_and_other_folders_are_refused(tmp_path: Path) -> None:
    FlatIndex.build(ROWS).save(tmp_path / "i")
    path = tmp_path / "i" / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="truncated"):
        FlatIndex.load(tmp_path / "i")
    with artifacts.draft(tmp_path / "other", kind="vectors", version=1, settings={}):
        pass
    with pytest.raises(IncompatibleError, match="wanted 'flat-index'"):
        FlatIndex.load(tmp_path / "other")
    with pytest.raises(ArtifactError, match="is not there"):
        FlatIndex.load(tmp_path / "none")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("few", [False, True])
def test_stored_values_that_are_no_numbers_are_found_by_the_search(
    tmp_path: Path, replaced: Change, bad: float, *, few: bool
) -> None:
    FlatIndex.build(np.tile(ROWS, (5, 1))).save(tmp_path / "i")
    altered = np.tile(ROWS, (5, 1))
    altered[7, 1] = bad
    replaced(tmp_path / "i", vectors=altered)
    allowed = np.arange(20) == 7 if few else None
    with pytest.raises(ArtifactError, match="not finite"):
        FlatIndex.load(tmp_path / "i").search(np.zeros((1, 3), np.float32), 1, allowed)


def test_vectors_are_not_copied() -> None:
    assert np.shares_memory(FlatIndex.build(ROWS).vectors, ROWS)
    assert ROWS.flags.writeable
    assert FlatIndex.build(ROWS.astype(np.float64)).vectors.dtype == np.float32


def test_what_is_not_finite_is_named_wherever_it_stands() -> None:
    rows = np.zeros((2 * BLOCK + 3, 2), np.float32)
    rows[-1, 1] = np.nan
    with pytest.raises(ShapeError, match="found nan"):
        FlatIndex.build(rows)


def test_few_candidates_are_scored() -> None:
    """The bound is proven, not loose: of unit vectors it lets hardly more in than are asked for."""
    rows = np.random.default_rng(0).standard_normal((20_000, 96)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = FlatIndex.build(rows)
    (found,) = index._candidates(rows[:1], 100, None)
    assert 100 <= len(found) <= 110


@pytest.mark.parametrize(("kind", "module", "loop"), [(FlatIndex, selecting, "most"), (QuantisedIndex, signs, "scan")])
def test_a_bitmap_compiles_no_loop_anew(monkeypatch: pytest.MonkeyPatch, kind: Any, module: Any, loop: str) -> None:
    monkeypatch.setattr(quantised, "_WORTH_CODES", 2)
    monkeypatch.setattr(quantised, "_EXACT", 1 << 40)
    rows = np.random.default_rng(0).standard_normal((300, 3)).astype(np.float32)
    typeof: Any = numba.typeof
    index, types, called = kind.build(rows), [], getattr(module, loop)

    def told(*given: Any) -> Any:
        types.append([typeof(one) for one in given])
        return called(*given)

    monkeypatch.setattr(module, loop, told)
    for allowed in (None, np.ones(300, np.bool_)):
        index.search(rows[:1], 2, allowed)
    assert len(types) == 2
    assert types[0] == types[1]
