"""BM25's formulas, by hand: four passages, a term in one, two or four of them."""

from math import log

import numpy as np
import pytest

from vizsla.core.errors import SettingsError
from vizsla.encoders.bm25 import BM25, Variant

DF = np.array([0, 1, 2, 4])


@pytest.mark.parametrize(
    ("variant", "idf"),
    [
        ("lucene", [0, log(1 + 3.5 / 1.5), log(2), log(1 + 0.5 / 4.5)]),
        ("robertson", [0, log(3.5 / 1.5), 0, 0]),
        ("atire", [0, log(4), log(2), 0]),
        ("bm25l", [0, log(5 / 1.5), log(5 / 2.5), log(5 / 4.5)]),
        ("bm25+", [0, log(5), log(5 / 2), log(5 / 4)]),
    ],
)
def test_idf(variant: Variant, idf: list[float]) -> None:
    np.testing.assert_allclose(BM25(variant).idf(DF, 4), idf, rtol=1e-15)


@pytest.mark.parametrize(
    ("variant", "factor", "constant", "saturation"),
    [
        ("lucene", 1, 0, 2),
        ("robertson", 1, 0, 2),
        ("atire", 3, 0, 2),
        ("bm25l", 3 * 2 / 3, 3 * 1 / 3, 3),
        ("bm25+", 3, 1, 2),
    ],
)
def test_what_a_term_weighs(variant: Variant, factor: float, constant: float, saturation: float) -> None:
    bm25 = BM25(variant, k1=2, b=0.5, delta=1)
    np.testing.assert_allclose(bm25.weights(DF, 4), bm25.idf(DF, 4) * factor)
    np.testing.assert_allclose(bm25.constant(DF, 4), bm25.idf(DF, 4) * constant)
    assert bm25.saturation == saturation


def test_no_passages_weigh_nothing() -> None:
    for variant in ("lucene", "robertson", "atire", "bm25l", "bm25+"):
        assert BM25(variant).weights(np.zeros(2, np.int64), 0).tolist() == [0, 0]


@pytest.mark.parametrize(
    "wrong",
    [{"k1": 0}, {"k1": -1}, {"k1": float("nan")}, {"b": 1.01}, {"b": -0.1}, {"delta": -1}, {"k1": float("inf")}],
)
def test_parameters_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="wanted k1 above 0, b from 0 to 1, delta at least 0"):
        BM25(**wrong)  # type: ignore[arg-type]


def test_a_variant_that_is_none() -> None:
    with pytest.raises(SettingsError, match="found the BM25 variant 'bm26'; wanted one of lucene, robertson"):
        BM25("bm26")  # type: ignore[arg-type]
