"""The reranker's door: one finite score a pair, which nothing beside the pair can change."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vizsla
from vizsla.core.protocols import Reranker, Text

FOLDERS = Path(__file__).parents[1] / "unit/models/fixtures"
WORDS = st.lists(st.sampled_from(["city", "of", "London", "bridge", "桥", "?", "18"]), max_size=60).map(" ".join)
PAIRS = st.lists(st.tuples(WORDS, WORDS | st.tuples(WORDS, WORDS)), max_size=6)


@pytest.fixture(scope="module", params=["first", "max"])
def reranker(request: pytest.FixtureRequest) -> Reranker:
    settings = {"windows": request.param}
    made: Reranker = vizsla.load(FOLDERS / "st5-cross-identity", max_length=40, settings=settings)
    return made


@settings(max_examples=40, deadline=None)
@given(PAIRS, st.randoms())
def test_the_cross_encoder(reranker: Reranker, pairs: list[tuple[str, Text]], random: Random) -> None:
    scores = reranker.score(pairs)
    assert scores.shape == (len(pairs),)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()
    order = random.sample(range(len(pairs)), len(pairs))
    assert reranker.score([pairs[place] for place in order]).tobytes() == scores[order].tobytes()
    assert [reranker.score([pair])[0] for pair in pairs] == scores.tolist()
