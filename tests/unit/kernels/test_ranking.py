"""The compiled order against the one function that orders candidates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.core import hits
from vizsla.kernels.ranking import rank_into

SCORES = st.sampled_from([0.0, 1e-45, 0.5, 1.0, 1.0, 1.0000001, 3.0, 1e38, float("inf")]) | st.floats(
    0, width=32, allow_nan=False
)


@settings(deadline=None)  # the first one compiles
@given(st.lists(SCORES, max_size=90), st.integers(1, 100), st.integers(0, 3))
@pytest.mark.filterwarnings("ignore:overflow")
def test_it_is_ranks(drawn: list[float], k: int, gap: int) -> None:
    scores = np.array(drawn, np.float32)
    positions = np.arange(len(scores), dtype=np.int64) * (1 + gap)
    ranked = hits.empty(1, k)
    rank_into(positions, scores, ranked.positions[0], ranked.scores[0])
    wanted = hits.from_rows([hits.rank(positions, scores, k)], k)
    np.testing.assert_array_equal(ranked.positions, wanted.positions)
    np.testing.assert_array_equal(ranked.scores, wanted.scores)


@pytest.mark.parametrize("seed", range(4))
def test_many_of_every_size_are_in_order(seed: int) -> None:
    draws = np.random.default_rng(seed)
    scores = (10.0 ** draws.uniform(-44, 38, 1000)).astype(np.float32)
    scores[draws.integers(0, 1000, 500)] = draws.choice(scores, 500)  # ties
    positions = np.sort(draws.choice(2**31, 1000, replace=False))
    ranked = hits.empty(1, 700)
    rank_into(positions, scores, ranked.positions[0], ranked.scores[0])
    wanted = hits.from_rows([hits.rank(positions, scores, 700)], 700)
    np.testing.assert_array_equal(ranked.positions, wanted.positions)
    np.testing.assert_array_equal(ranked.scores, wanted.scores)
