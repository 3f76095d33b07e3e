"""The sparse encoder: rows of terms, windows, queries without a forward pass, and terms to read."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import vizsla
from vizsla.core.errors import SettingsError
from vizsla.encoders.sparse import SparseEncoder
from vizsla.models.description import Architecture, Description, Head, Towers
from vizsla.models.finding import Use
from vizsla.models.readable import readable
from vizsla.models.table import bag_of_words

TEXTS = ["city of London", "python file open", "", "a bridge is 18 km"]
WORDS = ["city", "has", "and", "open", "the", "file", "of", "what", "a", "bridge", "is", "18"]


@pytest.fixture(scope="module")
def encoder(terms: Description) -> SparseEncoder:
    return SparseEncoder.of(Towers(terms, terms), Use())


def test_a_model_of_terms_loads_as_a_sparse_encoder(unit_folder: Path, terms: Description) -> None:
    assert terms.head.kind == "terms"
    with pytest.raises(vizsla.VizslaError, match="weight"):
        vizsla.load(unit_folder, settings={"head": "terms"})  # which this folder has no weights for


def test_rows(encoder: SparseEncoder, terms: Description) -> None:
    rows = encoder.encode_passages(TEXTS)
    assert (rows.shape, rows.dtype) == ((4, terms.architecture.vocabulary), np.float32)
    assert (rows.data > 0).all()
    assert 0 < rows.nnz < rows.shape[0] * rows.shape[1]
    for place, text in enumerate(TEXTS):
        assert (encoder.encode([text]) != rows[[place]]).nnz == 0
    assert encoder.encode_queries([]).shape == (0, encoder.dim)
    np.testing.assert_allclose(encoder.similarity(rows, rows), (rows @ rows.T).toarray())


def test_long_passages_by_windows(terms: Description, encoder: SparseEncoder) -> None:
    windowed = SparseEncoder.of(Towers(terms, terms), Use(windows="max"))
    text = " ".join((WORDS * 4)[:40])  # each word is one token; windows of 22, a quarter shared
    words = text.split()
    parts = [" ".join(words[start : start + 22]) for start in (0, 9, 18)]
    wanted = np.max(encoder.encode_passages(parts).toarray(), axis=0)
    found = windowed.encode_passages(["city of London", text, "x", text])
    np.testing.assert_array_equal(found.toarray()[1], wanted)
    np.testing.assert_array_equal(found.toarray()[3], wanted)
    assert (found[[0]] != encoder.encode_passages(["city of London"])).nnz == 0
    assert windowed.truncated["passages"].cut == 0
    assert windowed.contract.id != encoder.contract.id
    assert encoder.encode_passages([text]).toarray()[0].tobytes() != wanted.tobytes()


def test_a_bag_of_words(terms: Description, encoder: SparseEncoder) -> None:
    bag = SparseEncoder.of(Towers(bag_of_words(terms), terms), Use())
    rows = bag.encode_queries(["open file open [SEP] the [CLS]", ""])
    assert sorted(bag.top_terms(rows)[0]) == [("file", 1.0), ("open", 1.0), ("the", 1.0)]
    assert bag.top_terms(rows)[1] == []
    assert (bag.encode_passages(TEXTS) != encoder.encode_passages(TEXTS)).nnz == 0
    assert bag.contract.id != encoder.contract.id


def test_static_weights(terms: Description) -> None:
    table = np.linspace(0, 1, terms.architecture.vocabulary, dtype=np.float32)
    layout = replace(terms.layout, specials=False)
    static = replace(
        terms,
        architecture=Architecture("static", len(table)),
        head=Head("terms", ("max",)),
        layout=layout,
        weights={"table": table},
    )
    encoder = SparseEncoder.of(Towers(static, terms), Use())
    rows = encoder.encode_queries(["open file open", "the"])
    columns = rows[[0]].indices
    np.testing.assert_array_equal(rows[[0]].data, table[columns])
    assert (len(columns), rows[[1]].nnz) == (2, 1)


def test_terms_to_read(encoder: SparseEncoder) -> None:
    rows = encoder.encode_passages(TEXTS)
    found = encoder.top_terms(rows, 3)
    assert [len(one) for one in found] == [3] * 4
    for row, best in zip(rows.toarray(), found, strict=True):
        assert [weight for _, weight in best] == sorted(row.tolist(), reverse=True)[:3]
    with pytest.raises(vizsla.VizslaError, match="k=0"):
        encoder.top_terms(rows, 0)


def test_pieces_are_read_as_they_are(terms: Description) -> None:
    made = readable(terms.tokens, [terms.tokens.cls, terms.tokens.unk, 10_000])
    assert list(made.values()) == ["[CLS]", "[UNK]", "[10000]"]


def test_a_part_of_the_columns(terms: Description) -> None:
    with pytest.raises(SettingsError, match="dim=8"):
        SparseEncoder.of(Towers(terms, terms), Use(dim=8))


def test_long_queries_of_a_bag_of_words_are_counted(terms: Description, caplog: pytest.LogCaptureFixture) -> None:
    bag = SparseEncoder.of(Towers(bag_of_words(terms), terms), Use())
    bag.encode_queries(["a " * 30])
    assert (bag.truncated["queries"].cut, bag.truncated["queries"].tokens) == (1, 6)
    assert "1 of 1 queries were longer than 24 tokens" in caplog.text
