"""The benchmark of dense indexes: its recall is that of the hits, its made vectors are like the real ones."""

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    for name in ("VIZSLA_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # as the script would, but for this test alone
    return importlib.import_module("dense_index")


def test_recall_is_the_share_of_the_best(bench: ModuleType) -> None:
    draws = np.random.default_rng(0)
    rows, queries = draws.standard_normal((2, 400, 16)).astype(np.float32)
    judged, engine = bench.truth(rows, queries[:9]), bench.ours("flat")
    engine.index = engine.make(rows, queries, 0.9)
    assert bench.recall(engine, queries[:9], judged, 100) == 1.0
    found = engine.index.search(queries[:9], 100).positions
    half = bench.Engine(engine.make, lambda index, query, k, _: index.search(query, k).positions[:, : k // 2])
    half.index = engine.index
    assert found.shape == (9, 100)
    assert bench.recall(half, queries[:9], judged, 100) == pytest.approx(0.5)


def test_made_vectors_are_like_the_real_ones(bench: ModuleType, tmp_path: Path) -> None:
    draws = np.random.default_rng(1)
    real = (draws.standard_normal((300, 24)) * np.linspace(0.2, 2, 24) + 0.3).astype(np.float32)
    real /= np.linalg.norm(real, axis=1, keepdims=True)
    vectors = bench.dense_vectors
    more = vectors.made(real, 500, 3)
    assert np.abs(np.linalg.norm(more, axis=1) - 1).max() < 1e-5
    assert np.abs(more.mean(axis=0) - real.mean(axis=0)).max() < 0.1
    assert np.array_equal(more, vectors.made(real, 500, 3))
    with pytest.raises(SystemExit, match=r"dense_vectors\.py MODEL"):
        vectors.load(tmp_path, 10, 0)
    (tmp_path / "dense").mkdir()
    np.save(tmp_path / "dense/passages.npy", real)
    np.save(tmp_path / "dense/queries.npy", real[:4])
    assert [len(vectors.load(tmp_path, size, 0)[0]) for size in (10, 400)] == [10, 400]
