"""Whole models against sentence-transformers on real texts: vectors, weights of terms, scores and rankings.

VIZSLA_MINILM names a folder with all-MiniLM-L6-v2, VIZSLA_SPLADE one with a masked-LM trained as SPLADE.
"""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vizsla

theirs: Any = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests/unit/models/fixtures"
DATA = Path(os.environ.get("VIZSLA_DATA", ROOT.parent / "shared/data"))
MINILM = Path(os.environ.get("VIZSLA_MINILM", "/nonexistent"))
SPLADE = Path(os.environ.get("VIZSLA_SPLADE", "/nonexistent"))
SETS = {"squad-en": 400, "cmrc-drcd-zh": 350, "msrd-movies-en": 200}
ODD = [
    "",
    " ",
    "👍🏽😀👨‍👩‍👧",
    "水温10℃是多少?",
    "naïve café ﬁn",
    "a" * 300,
    "x " * 400,
    "[SEP] [MASK]",
    "\u200b\u0007",
    "שלום",
] * 5


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """1,000 texts, English, Chinese and odd."""
    found: list[str] = []
    for name, count in SETS.items():
        path = DATA / name / "corpus.jsonl.gz"
        if not path.is_file():
            pytest.skip(f"{path} is not there: the judged sets stand outside the project; VIZSLA_DATA says where")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found += [json.loads(line)["text"] for _, line in zip(range(count), lines, strict=False)]
    return [*found, *ODD]


@pytest.mark.skipif(not MINILM.is_dir(), reason="VIZSLA_MINILM names no folder with all-MiniLM-L6-v2")
def test_all_minilm(texts: list[str]) -> None:
    original = theirs.SentenceTransformer(str(MINILM), device="cpu")
    wanted = original.encode(texts, batch_size=32)
    encoder = vizsla.load(MINILM)
    found = encoder.encode_passages(texts)
    assert len(texts) == 1000
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(encoder.encode_queries(texts[:50]), found[:50])
    similar = np.asarray(original.similarity(wanted[:20], wanted))
    np.testing.assert_allclose(encoder.similarity(found[:20], found), similar, atol=1e-5)


@pytest.mark.skipif(not SPLADE.is_dir(), reason="VIZSLA_SPLADE names no folder with a SPLADE")
def test_a_splade(texts: list[str]) -> None:
    some = texts[::7]
    original = theirs.SparseEncoder(str(SPLADE), device="cpu", max_active_dims=None)
    original.max_seq_length = 256
    wanted = original.encode(some, convert_to_sparse_tensor=False, convert_to_tensor=True, batch_size=8).numpy()
    encoder = vizsla.load(SPLADE, max_length=256, settings={"head": "terms"})
    np.testing.assert_allclose(encoder.encode_passages(some).toarray(), wanted, rtol=0, atol=1e-5)
    rows = encoder.encode_passages(some[:3])
    for own, other in zip(encoder.top_terms(rows, 5), original.decode(original.encode(some[:3]), top_k=5), strict=True):
        assert [word for word, _ in own] == [word for word, _ in other]


def test_a_cross_encoder(texts: list[str]) -> None:
    folder = FIXTURES / "st5-cross-identity"
    original, reranker = (
        theirs.CrossEncoder(str(folder), device="cpu", max_length=90),
        vizsla.load(folder, max_length=90),
    )
    pairs = [(texts[place % 31][:60], text) for place, text in enumerate(texts)]
    np.testing.assert_allclose(reranker.predict(pairs), original.predict(pairs), rtol=0, atol=1e-5)
    ranked, wanted = (one.rank("what is a bridge?", texts[:20]) for one in (reranker, original))
    assert [one["corpus_id"] for one in ranked] == [one["corpus_id"] for one in wanted]
    assert ranked[0].keys() == wanted[0].keys()
