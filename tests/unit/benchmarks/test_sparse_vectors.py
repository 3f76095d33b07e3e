"""The benchmarks' sparse rows, the generator's promises, and that nothing is timed whose scores are wrong."""

import importlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

FOLDER = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


def script(name: str) -> Any:
    return importlib.import_module(name)


@pytest.fixture
def rows() -> Any:
    dense = np.random.default_rng(3).integers(-6, 9, (70, 23)).clip(0)
    matrix = csr_array(dense)
    return script("sparse_data").Rows(
        matrix.indptr.astype(np.int64), matrix.indices.astype(np.uint16), matrix.data.astype(np.uint16), 23
    )


def test_rows_are_cut_taken_and_turned_as_their_matrix_is(rows: Any) -> None:
    dense = rows.csr().toarray()
    order = np.random.default_rng(1).permutation(70)
    assert np.array_equal(rows.first(11).csr().toarray(), dense[:11])
    assert np.array_equal(rows.taken(order).csr().toarray(), dense[order])
    turned = np.zeros_like(dense)
    for column, positions, weights in rows.columns(budget=40):
        assert (np.diff(positions.astype(np.int64)) > 0).all()
        turned[positions, column] = weights
    assert np.array_equal(turned, dense)


def test_vectors_are_read_back_as_they_were_saved(rows: Any, tmp_path: Path) -> None:
    data = script("sparse_data")
    data.Vectors(rows, rows.first(5), {"what": "a test"}).save(tmp_path / "it")
    found = data.Vectors.load(tmp_path / "it")
    assert np.array_equal(found.passages.csr().toarray(), rows.csr().toarray())
    assert len(found.queries) == 5
    assert found.told == {"what": "a test", "dim": 23}
    assert data.is_made(tmp_path / "it", {"dim": 23})
    assert not data.is_made(tmp_path / "it", {"dim": 24})


def test_the_first_of_a_larger_collection_are_the_smaller_one(tmp_path: Path) -> None:
    generated, data = script("generated"), script("sparse_data")
    small, large = (generated.made(size, "light", 5, tmp_path / str(size)) for size in (300, 9000))
    one, other = data.Vectors.load(small), data.Vectors.load(large)
    assert np.array_equal(one.passages.indices, other.passages.first(300).indices)
    assert np.array_equal(one.passages.data, other.passages.first(300).data)
    assert np.array_equal(one.queries.data, other.queries.data)
    assert generated.made(300, "light", 5, tmp_path / "9000") == large
    assert not np.array_equal(one.passages.data[:99], _passages(generated, "light", 6).data[:99])


def _passages(generated: Any, profile: str, seed: int) -> Any:
    return next(generated.Generator(generated.PROFILES[profile], seed).passages(500))


@pytest.mark.parametrize(("profile", "least", "most"), [("fitted", 140, 210), ("light", 55, 95), ("words", 40, 80)])
def test_rows_rise_without_zeros_and_are_about_as_long_as_fitted(profile: str, least: int, most: int) -> None:
    found = _passages(script("generated"), profile, 7)
    inside = np.ones(len(found.indices) - 1, bool)
    inside[found.indptr[1:-1][np.diff(found.indptr)[1:] > 0] - 1] = False
    assert (np.diff(found.indices.astype(np.int64))[inside] > 0).all()
    assert found.data.min() >= 1
    assert least < np.diff(found.indptr).mean() < most


def test_words_are_counted_and_asked_once() -> None:
    generated = script("generated")
    assert _passages(generated, "words", 7).data.max() > 3
    assert set(generated.Generator(generated.PROFILES["words"], 7).queries().data.tolist()) == {1}


class Engine:
    """Answers from a matrix product, its best score off by what it is told."""

    held = None

    def __init__(self, rows: Any, off: float, *, exact: bool) -> None:
        self._rows, self._off, self.exact = rows, off, exact

    def search(self, k: int, clock: Any) -> Any:
        products = self._rows.csr() @ self._rows.csr().T.toarray()
        places = [np.argsort(-row, kind="stable")[:k] for row in products]
        scores = [row[at] for row, at in zip(products, places, strict=True)]
        scores = [row[row > 0] + self._off for row in scores]
        return script("peers").Found(np.full(len(places), 0.5), places, scores)


def contest(rows: Any, *engines: Engine) -> Any:
    named = {f"engine {number}": engine for number, engine in enumerate(engines)}
    return script("sparse_search").Contest(named, rows, rows, (rows, rows), 0.0, lambda: 0.0)


def test_a_wrong_score_stops_everything_before_it_is_timed(rows: Any, capsys: pytest.CaptureFixture[str]) -> None:
    search = script("sparse_search")
    with pytest.raises(SystemExit, match="other scores of engine 1, query 0, top 5: nothing is timed"):
        search.run(contest(rows, Engine(rows, 0, exact=True), Engine(rows, 1, exact=True)), [5], 2)
    assert capsys.readouterr().out == ""
    search.run(contest(rows, Engine(rows, 0, exact=True), Engine(rows, 1, exact=False)), [5], 2)
    table = capsys.readouterr().out
    assert "| engine 0 | 500.000 (500.000-500.000) |" in table
    assert "| equal |" in table
    assert "| recall 1.000 |" in table


def test_the_largest_products_are_found_over_blocks(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    search = script("sparse_search")
    monkeypatch.setattr(search, "BLOCK", 9)
    products = rows.csr().toarray() @ rows.csr().toarray().T
    assert np.array_equal(search.largest(rows, rows, 4), -np.sort(-products, axis=0)[:4].T)


def test_bmp_is_compared_with_what_it_holds(rows: Any) -> None:
    peers = script("peers")
    heavy = replace(rows, data=rows.data * 100)
    passages, queries = peers.Bmp.held(heavy, heavy)
    assert passages.data.max() == 255
    assert queries.csr().max(axis=1).toarray().tolist() == [32] * len(rows)


@pytest.mark.parametrize(
    ("data", "engines"),
    [
        ("light", ["vizsla"]),
        ("words", ["vizsla-bm25", "tantivy"]),
        pytest.param("words", ["vizsla-bm25", "bm25s"], marks=pytest.mark.slow),  # compiles anew in every process
    ],
)
def test_engines_are_built_checked_and_timed(data: str, engines: list[str], tmp_path: Path) -> None:
    given = ["--data", data, "--size", "500", "--k", "10", "--rounds", "1", "--queries", "20"]
    command = [sys.executable, str(FOLDER / "sparse_speed.py"), *given, "--cache", str(tmp_path), "--engines", *engines]
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parent / "src")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(f"| {engines[0]} |")]
    assert len(lines) == 2
    assert lines[-1].endswith("| equal |")
