import math

import pytest

from vizsla.core.errors import ShapeError
from vizsla.evaluating.reliability import reliability


def test_by_hand() -> None:
    found = reliability([0.8, 0.85, 0.3, 0.0], [True, False, False, False])
    assert (found.hits, found.rate) == (4, 0.25)
    assert found.brier == pytest.approx((0.04 + 0.7225 + 0.09) / 4)
    assert found.brier_of_rate == pytest.approx(0.25 * 0.75)
    assert found.log_loss == pytest.approx(-(math.log(0.8) + math.log(0.15) + math.log(0.7)) / 4)
    assert found.log_loss_of_rate == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)))
    assert found.error == pytest.approx((2 * (0.825 - 0.5) + 0.3) / 4)
    assert [one.hits for one in found.bins] == [1, 0, 0, 1, 0, 0, 0, 0, 2, 0]
    assert (found.bins[8].low, found.bins[8].high, found.bins[8].relevant) == (0.8, 0.9, 0.5)
    assert found.bins[8].said == pytest.approx(0.825)
    count, relevant = found.above(0.3)
    assert (count, round(relevant, 9)) == (3, 0.333333333)
    assert found.above(0.9) == (0, 0.0)


def test_the_edges_fall_into_their_bins() -> None:
    found = reliability([0.0, 1.0, 0.5, 0.1], [True, False, True, True])
    assert [one.hits for one in found.bins] == [1, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert math.isfinite(found.log_loss)


@pytest.mark.parametrize(
    ("said", "relevant"), [([], []), ([0.5], [True, False]), ([[0.5]], [[True]]), ([1.5], [True]), ([math.nan], [True])]
)
def test_what_is_no_probability_is_refused(said: list[float], relevant: list[bool]) -> None:
    with pytest.raises(ShapeError, match="found"):
        reliability(said, relevant)
