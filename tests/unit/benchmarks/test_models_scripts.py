"""The benchmarks of models: random models are what they were written as; nothing is timed."""

import gzip
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vizsla
from vizsla.models.reading import read

FOLDER = Path(__file__).parents[3] / "benchmarks"
TEXTS = ["The red bird of the wood.", "A green tower, 30 m tall!", "范廷颂枢机 was a cardinal", "one two three four"]


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Modules of the benchmarks' folder by name."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("VIZSLA_CACHE", str(tmp_path / "cache"))
    return importlib.import_module


def test_a_vocabulary_splits_its_own_texts_without_unknowns(scripts: Any, tmp_path: Path) -> None:
    random = scripts("models_random")
    pieces = random.vocabulary(TEXTS, 200)
    assert len(pieces) == len(set(pieces)) == 200
    assert {"bird", "##b", "范", "!", "tower"} <= set(pieces)
    folder = random.write(tmp_path / "m", random.Size(1, 8, 2, 16, vocabulary=200), "vector", pieces)
    description = read(folder).passages
    encoded = scripts("tokenizers").Tokenizer.from_str(description.tokens.json).encode_batch(TEXTS)
    assert not any(description.tokens.unk in one.ids for one in encoded)
    counts = scripts("models_texts").tokens_of(description, TEXTS)
    assert counts[3] == 4 + 2  # one two three four, each a piece


@pytest.mark.parametrize(
    ("family", "kind"),
    [("bert", "vector"), ("bert", "score"), ("bert", "terms"), ("distilbert", "vector"), ("distilbert", "terms")],
)
def test_a_random_model_is_read_as_it_was_meant(scripts: Any, tmp_path: Path, family: str, kind: str) -> None:
    random = scripts("models_random")
    size = random.Size(2, 16, 2, 32, family, 100, 40)
    folder = random.write(tmp_path / kind, size, kind, random.vocabulary(TEXTS, 100))
    description = read(folder).passages
    assert description.architecture == size.architecture()
    assert description.head.kind == kind
    loaded = vizsla.load(folder)
    if kind == "score":
        assert np.isfinite(loaded.score([("bird", text) for text in TEXTS])).all()
    else:
        assert loaded.encode_passages(TEXTS).shape == (4, 16 if kind == "vector" else 100)


@pytest.mark.parametrize(("name", "kind"), [("para-encoder", "vector"), ("cross-encoder", "score")])
def test_a_random_ernie_is_read_as_paddlenlp_saves_it(scripts: Any, tmp_path: Path, name: str, kind: str) -> None:
    random = scripts("models_random")
    size = random.Size(2, 24, 2, 48, "ernie", 100, 40)
    description = read(random.write(tmp_path / name, size, kind, random.vocabulary(TEXTS, 100))).passages
    assert (description.architecture, description.head.kind) == (size.architecture(), kind)
    assert description.head.pooling == ("cls",)
    assert description.score == ("dot" if kind == "vector" else "probability")


def test_the_work_of_a_model_is_counted_by_hand(scripts: Any) -> None:
    random = scripts("models_random")
    weights = 6 * (4 * 384 * 384 + 2 * 384 * 1536)
    attention = 6 * 2 * 60 * 60 * 384  # products of queries and keys, and of shares and values
    assert random.MINILM[6].operations(60) == 2 * (60 * weights + attention)
    extra = random.TINY.operations(10, "terms") - random.TINY.operations(10)
    assert extra == 2 * 10 * (128 * 128 + 128 * 30_522)


def test_cut_texts_have_exactly_the_tokens_that_were_asked_for(scripts: Any, tmp_path: Path) -> None:
    random, texts = scripts("models_random"), scripts("models_texts")
    records = [json.dumps({"_id": str(n), "text": text * 3}) for n, text in enumerate([*TEXTS, " ", "short"])]
    with gzip.open(tmp_path / "corpus.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(records) + "\n")
    size = random.Size(1, 8, 2, 16, vocabulary=200)
    description = read(random.write(tmp_path / "m", size, "vector", random.vocabulary(TEXTS, 200))).passages
    cut = texts.equal(description, tmp_path, 9, 3)
    assert len(cut) == 3
    assert texts.tokens_of(description, cut) == [9, 9, 9]
    assert len(texts.passages(tmp_path, 10)) == 5  # white space alone is no passage


def test_a_rounded_chain_of_products_computes_what_the_plain_one_does(scripts: Any, tmp_path: Path) -> None:
    roofline = scripts("roofline")
    runtime = scripts("onnxruntime")
    values = np.random.default_rng(0).standard_normal((32, 64), np.float32)
    found = []
    for rounded in (False, True):
        path = tmp_path / f"{rounded}.onnx"
        path.write_bytes(roofline._graph((64, 96, 48), rounded=rounded))
        found.append(runtime.InferenceSession(str(path)).run(None, {"x": values})[0])
    assert found[0].shape == (32, 48)
    assert 0 < np.abs(found[1] - found[0]).max() < 0.3
    assert np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1] > 0.99
