"""Everything ever stored is read by this release, to the same hits and the same scores."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from vizsla.assembly import load
from vizsla.collections.frozen import FrozenCollection
from vizsla.compiling import compiled
from vizsla.core import artifacts
from vizsla.encoders.dense import DenseEncoder
from vizsla.encoders.stored import StoredVectors
from vizsla.indexes.inverted import InvertedIndex
from vizsla.text.settings import AnalyzerSettings

HERE = Path(__file__).parent
V1, V2 = HERE / "v1", HERE / "v2"
VECTORS = [
    [-0.0560, -0.1417, 0.4808, 0.5673, 0.1060, -0.2263, -0.5715, 0.1864],
    [-0.0722, -0.1480, 0.2633, 0.7262, 0.1077, -0.1981, -0.5260, 0.2206],
]
LIMIT_BYTES = 60 << 10
HITS: dict[str, list[tuple[str, float]]] = {
    "pointing dogs": [("en-1", 1.4354416131973267), ("en-2", 0.6069002151489258)],
    "猎物": [("zh-1", 2.8028173446655273)],
    "c++ 读取": [("zh-2", 2.68648099899292), ("mixed", 0.5750667452812195)],
    "café new york 读书": [("mixed", 4.016566276550293), ("zh-2", 0.4894842207431793)],
    "retrieve birds 3.14 the": [
        ("en-1", 1.4354416131973267), ("mixed", 0.8603748679161072), ("en-2", 0.6069002151489258)
    ],
    "nothing": [],
}  # fmt: skip


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize("query", HITS)
def test_a_collection_is_searched_as_on_its_first_day(query: str, version: Path) -> None:
    collection = load(version / "collection")
    assert isinstance(collection, FrozenCollection)
    positions, scores = collection.retriever.search([query], 6).row(0)
    assert list(zip(collection.corpus.ids.many(positions), scores.tolist(), strict=True)) == HITS[query]


@pytest.mark.parametrize("version", [V1, V2])
def test_a_collection_is_whole(version: Path) -> None:
    collection = FrozenCollection.load(version / "collection")
    assert collection.verify() > 0
    assert [passage.id for passage in collection.corpus] == ["en-1", "en-2", "zh-1", "zh-2", "mixed", "none"]
    assert collection.corpus.texts([4]) == ["Cafe\u0301 № 7 in New York: 3.14 \U0001f600 讀書"]
    assert collection.encoder.dim == len(collection.encoder.vocabulary) == 60


@pytest.mark.parametrize(
    ("name", "scores"),
    [
        ("impacts", [1.9375, 0.75, 0.6875, 0.550000011920929, 0.5, 0.375]),
        (
            "impacts8",
            [1.937500238418579, 0.7490196824073792, 0.6872549653053284, 0.5500000715255737, 0.5000000596046448],
        ),
    ],
)
def test_an_index_of_impacts_is_searched_as_on_its_first_day(name: str, scores: list[float]) -> None:
    index = load(V2 / name)
    assert isinstance(index, InvertedIndex)
    found = index.search(csr_array(np.array([[1, 0.5, 0.25, 3, 1, 2]], np.float32)), len(scores))
    assert found.positions[0, :5].tolist() == [27, 7, 19, 33, 38]
    assert found.scores[0].tolist() == scores


@pytest.mark.parametrize("version", [V1, V2])
def test_an_analyzer_is_read(version: Path) -> None:
    analyzer = AnalyzerSettings.from_json((version / "analyzer.json").read_text(encoding="utf-8"))
    assert analyzer == FrozenCollection.load(version / "collection").encoder.analyzer.settings
    assert analyzer.stop_words == ("the", "and", "in", "也")
    assert (analyzer.synonyms, analyzer.folds) == ((("dog", "hound"),), {"讀": "读", "書": "书"})


@pytest.mark.parametrize(("form", "total", "cut"), [("dense", 4603872.0, (3, 28)), ("sparse", 71.0, (2, 23))])
def test_the_first_vectors_are_read(form: str, total: float, cut: tuple[int, int]) -> None:
    stored = load(V1 / form)
    assert isinstance(stored, StoredVectors)
    stored.check(FrozenCollection.load(V1 / "collection").corpus)
    assert (stored.made.form, stored.made.cut, stored.made.cut_tokens) == (form, *cut)
    assert float(stored.rows().sum()) == total
    assert float(stored.rows(5).sum()) + float(stored.rows(0, 5).sum()) == total


def test_the_first_compiled_model_runs() -> None:
    encoder = load(V2 / "compiled")
    assert isinstance(encoder, DenseEncoder)
    assert artifacts.open_artifact(V2 / "compiled", kind=compiled.KIND, version=compiled.VERSION).verify() > 0
    assert (encoder.precision, encoder.runtime, encoder.contract.score) == ("int8", "OnnxRuntime", "cosine")
    found = encoder.encode_passages(["dogs point at birds", "犬会指示猎物"])
    # products of integers are exact, but not every processor's: some saturate in sixteen bits
    np.testing.assert_allclose(found, VECTORS, atol=0.02)


def test_this_release_still_writes_the_same_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.spec_from_file_location("make_golden", HERE / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    monkeypatch.setattr(make, "HERE", tmp_path)
    make.main()
    written = sorted(path.relative_to(V2) for path in V2.rglob("*.npy"))
    assert len(written) == 47
    for path in written:
        np.testing.assert_array_equal(np.load(tmp_path / path), np.load(V2 / path), err_msg=str(path))


def test_what_is_kept_is_small() -> None:
    assert (
        sum(path.stat().st_size for version in (V1, V2) for path in version.rglob("*") if path.is_file()) <= LIMIT_BYTES
    )
