"""The encoder's door: rows of one width, sorted, finite and of the texts alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vizsla
from vizsla.core import vectors
from vizsla.core.protocols import Encoder, Text
from vizsla.core.vectors import Dense, Sparse
from vizsla.encoders.bm25 import BM25
from vizsla.encoders.lexical import LexicalEncoder
from vizsla.encoders.sparse import SparseEncoder
from vizsla.models.description import Description, Head, Towers
from vizsla.models.finding import Use
from vizsla.models.parameters import shapes
from vizsla.models.reading import read
from vizsla.models.table import bag_of_words
from vizsla.text.settings import AnalyzerSettings

PLAIN = AnalyzerSettings(language="none", stop_words=("dd",))
FOLDER = Path(__file__).parents[1] / "unit/models/fixtures/st5-bi-mean-norm"
WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd", "维兹", "拉", "!"]), max_size=8).map(" ".join)
PASSAGES = st.lists(WORDS | st.tuples(WORDS, WORDS), max_size=8)


def check(encoder: Encoder[Sparse], passages: Sequence[Text], queries: Sequence[str]) -> None:
    for rows, count in (
        (encoder.encode_passages(passages), len(passages)),
        (encoder.encode_queries(queries), len(queries)),
    ):
        assert rows.shape == (count, encoder.dim)
        same = vectors.sparse(rows, dim=encoder.dim)
        assert rows.dtype == np.float32
        np.testing.assert_array_equal(rows.indices, same.indices)
        np.testing.assert_array_equal(rows.data, same.data)
        assert (rows.data > 0).all()
    for row, query in enumerate(queries):
        assert (encoder.encode_queries([query]) != encoder.encode_queries(queries)[[row]]).nnz == 0


@settings(max_examples=120, deadline=None)
@given(
    PASSAGES, PASSAGES, st.lists(WORDS, max_size=4), st.sampled_from(["lucene", "robertson", "atire", "bm25l", "bm25+"])
)
def test_the_lexical_encoder(fitted: list[Text], passages: list[Text], queries: list[str], variant: str) -> None:
    check(LexicalEncoder.fit(fitted, settings=PLAIN, bm25=BM25(variant)), passages, queries)  # type: ignore[arg-type]


@settings(max_examples=120, deadline=None)
@given(PASSAGES, PASSAGES)
def test_passages_are_frequencies_of_the_terms_there_were(fitted: list[Text], passages: list[Text]) -> None:
    encoder = LexicalEncoder.fit(fitted, settings=PLAIN)
    texts = [one if isinstance(one, str) else "\n".join(one) for one in fitted]
    known = sorted({term for text in texts for term in encoder.analyzer.terms(text)}, key=str.encode)
    assert [encoder.vocabulary.term(number) for number in range(encoder.dim)] == known
    assert encoder.vocabulary.frequencies.tolist() == [
        sum(term in encoder.analyzer.terms(text) for text in texts) for term in known
    ]
    rows = encoder.encode_passages(passages).toarray()
    for row, one in zip(rows, passages, strict=True):
        counts = Counter(encoder.analyzer.terms(one if isinstance(one, str) else "\n".join(one)))
        assert row.tolist() == [counts[term] for term in known]


@pytest.mark.parametrize("variant", ["lucene", "bm25+"])
def test_a_stored_encoder_is_the_fitted_one(tmp_path: Path, variant: str) -> None:
    fitted = LexicalEncoder.fit(["a b c", ("b", "维兹 c"), "dd"], settings=PLAIN, bm25=BM25(variant, 1.3, 0.6, 0.7))  # type: ignore[arg-type]
    fitted.save(tmp_path / "encoder")
    loaded = LexicalEncoder.load(tmp_path / "encoder")
    assert (loaded.bm25, loaded.passages, loaded.dim) == (fitted.bm25, 3, fitted.dim)
    assert loaded.analyzer.settings == fitted.analyzer.settings
    assert loaded.weighting == fitted.weighting
    for texts in (["a a 维兹", "x"], []):
        assert (loaded.encode_queries(texts) != fitted.encode_queries(texts)).nnz == 0
        assert (loaded.encode_passages(texts) != fitted.encode_passages(texts)).nnz == 0
    assert loaded.constant(["a b", "x"]).tolist() == fitted.constant(["a b", "x"]).tolist()


@pytest.fixture(scope="module")
def dense() -> Encoder[Dense]:
    made: Encoder[Dense] = vizsla.load(FOLDER)
    return made


@pytest.fixture(scope="module", params=["model", "bag of words"])
def learned(request: pytest.FixtureRequest) -> Encoder[Sparse]:
    """A published encoder under a masked-LM head of random weights."""
    bare, head = read(FOLDER).passages, Head("terms", ("max",), activation="log1p_relu")
    draw = np.random.default_rng(0)
    made = {
        name: draw.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes(bare.architecture, head).items()
    }
    passages = replace(bare, head=head, score="dot", weights={**made, **bare.weights})
    queries: Description = passages if request.param == "model" else bag_of_words(passages)
    return SparseEncoder.of(Towers(queries, passages), Use())


@settings(max_examples=25, deadline=None)
@given(PASSAGES, st.lists(WORDS, max_size=4))
def test_the_learned_sparse_encoder(learned: Encoder[Sparse], passages: list[Text], queries: list[str]) -> None:
    check(learned, passages, queries)


@settings(max_examples=40, deadline=None)
@given(PASSAGES, st.lists(WORDS, max_size=4), st.randoms())
def test_the_dense_encoder(dense: Encoder[Dense], passages: list[Text], queries: list[str], random: Random) -> None:
    for rows, count in (
        (dense.encode_passages(passages), len(passages)),
        (dense.encode_queries(queries), len(queries)),
    ):
        assert rows.shape == (count, dense.dim)
        assert vectors.dense(rows, dim=dense.dim) is rows
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    order = random.sample(range(len(passages)), len(passages))
    shuffled = dense.encode_passages([passages[place] for place in order])
    assert shuffled.tobytes() == dense.encode_passages(passages)[order].tobytes()
    for row, query in enumerate(queries):
        assert dense.encode_queries([query])[0].tobytes() == dense.encode_queries(queries)[row].tobytes()
