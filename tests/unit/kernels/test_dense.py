"""Exact scores put in order, against `core.hits.rank`; and how far a query is scaled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.core import hits
from vizsla.kernels import dense

VALUES = st.sampled_from([-3e38, -2.0, -1e-45, -0.0, 0.0, 1e-45, 0.5, 0.5, 1.0, 7.0, 3e38])


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, max_size=40), st.integers(1, 50))
def test_the_best_are_ranked_as_everywhere(values: list[float], k: int) -> None:
    vectors, made = np.array(values, np.float32).reshape(-1, 1), hits.empty(1, k)
    positions = np.random.default_rng(len(values)).permutation(len(values))
    whole, _ = dense.best_into(vectors, np.array([10], np.float32), positions, made.positions[0], made.scores[0])
    with np.errstate(over="ignore"):
        scores = (vectors[positions, 0].astype(np.float64) * 10).astype(np.float32)
    wanted = hits.rank(positions, scores, k)
    assert whole
    assert made.row(0)[0].tolist() == wanted[0].tolist()
    assert made.row(0)[1].tobytes() == wanted[1].tobytes()


def test_what_is_no_number_puts_nothing() -> None:
    vectors, made = np.array([[1], [np.nan], [2]], np.float32), hits.empty(1, 2)
    query = np.ones(1, np.float32)
    assert not dense.best_into(vectors, query, np.arange(3), made.positions[0], made.scores[0])[0]
    assert made.counts().tolist() == [0]


@pytest.mark.parametrize("size", [1e-40, 1e-20, 1.0, 3e38])
def test_a_scaled_query_overflows_with_no_row_and_its_bound_holds(size: float) -> None:
    draws = np.random.default_rng(0)
    rows = (draws.standard_normal((500, 100)) * 1e36).astype(np.float32)
    query = (draws.uniform(-1, 1, 100) * size).astype(np.float32)
    out, peak = np.empty_like(query), float(np.linalg.norm(rows.astype(np.float64), axis=1).max())
    slack, _ = dense.scaled(query, peak, out)
    scale = float(out.astype(np.float64) @ query / (query.astype(np.float64) @ query))
    products, exact = rows @ out, rows.astype(np.float64) @ query * scale
    assert np.isfinite(products).all()
    assert np.abs(products - exact).max() <= slack / 4
