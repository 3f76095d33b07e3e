"""The benchmark of large collections: everything it adds is found again, and what it deletes is not."""

import importlib
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizsla import Collection, assembly

FOLDER = Path(__file__).parents[3] / "benchmarks"
SIZE, ASKED, DIM = 250, 6, 8


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(assembly, "load", assembly.load)  # the script puts a stand-in there
    for name in ("VIZSLA_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    return importlib.import_module("collection_large")


def test_a_collection_is_made_changed_and_searched(
    large: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draws = np.random.default_rng(0)
    for name, count in ((large.VECTORS, SIZE), (large.ASKED, ASKED)):
        np.save(tmp_path / name, draws.standard_normal((count, DIM)).astype(np.float32))
    told = large.build(str(tmp_path), str(tmp_path / "made"), str(SIZE))
    assert told["updated"] == sum(number % 10 == 0 for number in range(SIZE))
    collection = Collection.open(tmp_path / "made")
    assert len(collection) == SIZE - len(range(1, SIZE, large.CHANGED))
    assert "p1" not in collection
    assert collection.get("p20").metadata == {"draw": 20, "lang": "fr"}  # type: ignore[union-attr]
    large.search(tmp_path, tmp_path / "made", Namespace(queries=ASKED, rounds=1, clock="wall"))
    assert "recall@100 of dense search on 6 queries: 1.000" in capsys.readouterr().out


def test_texts_do_not_depend_on_how_many_there_are(large: Any) -> None:
    assert list(large.texts(7, 1, 5)) == list(large.texts(30, 1, 5))[:7]
    assert next(iter(large.texts(2, 1, 5))).startswith("0 w")
