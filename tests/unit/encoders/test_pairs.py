"""An encoder as a scorer of pairs."""

from pathlib import Path

import numpy as np
import pytest

import vizsla
from vizsla.core.protocols import Text
from vizsla.encoders.pairs import Similarity
from vizsla.encoders.sparse import SparseEncoder
from vizsla.models.description import Description, Towers
from vizsla.models.finding import Use

FOLDER = Path(__file__).parents[1] / "models/fixtures/st5-bi-mean-norm"
PAIRS: list[tuple[str, Text]] = [
    ("a bridge?", "city of London"),
    ("a bridge?", ("city", "of London")),
    ("open the file", "what is a bridge"),
    ("a bridge?", "what is a bridge"),
]


@pytest.mark.parametrize("settings", [{}, {"normalize": False}])
def test_each_score_is_the_similarity_of_its_pair(settings: dict[str, object]) -> None:
    encoder = vizsla.load(FOLDER, settings=settings)
    scores = Similarity(encoder).score(PAIRS)
    alone = [
        encoder.similarity(encoder.encode_queries([query]), encoder.encode_passages([passage]))[0, 0]
        for query, passage in PAIRS
    ]
    assert scores.dtype == np.float32
    assert scores.tolist() == pytest.approx(alone, abs=1e-6)
    assert Similarity(encoder).score([]).shape == (0,)


def test_a_sparse_encoder(terms: Description) -> None:
    encoder = SparseEncoder.of(Towers(terms, terms), Use())
    rows = encoder.encode_queries(["open file"]), encoder.encode_passages(["the file", "x"])
    wanted = (rows[0] @ rows[1].T).toarray()[0]
    assert Similarity(encoder).score([("open file", "the file"), ("open file", "x")]).tolist() == wanted.tolist()
