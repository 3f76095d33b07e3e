"""Edges of the tests: nothing differs, everything differs alike, too little to say; and the corrections."""

import numpy as np
import pytest

from vizsla.core.errors import DataError, SettingsError, ShapeError
from vizsla.evaluating.significance import (
    Correction,
    Test,
    correct,
    interval,
    p_value,
    randomisation_test,
    t_test,
)


@pytest.mark.parametrize("test", ["t", "randomisation"])
@pytest.mark.parametrize("count", [2, 3, 100])
def test_no_difference_at_all_gives_one(test: Test, count: int) -> None:
    assert p_value(np.zeros(count), test) == 1.0
    assert interval(np.zeros(count)) == (0.0, 0.0)


@pytest.mark.parametrize("value", [0.1, -0.3])
def test_the_same_difference_everywhere(value: float) -> None:
    assert t_test([value] * 10) == 0.0
    assert randomisation_test([value] * 10) == 2 / 2**10
    assert interval([value] * 10) == pytest.approx((value, value))


def test_few_differences_are_counted_by_hand() -> None:
    # the eight patterns of 1, 2, 3 sum to +-6, +-4, +-2, 0 and 0
    assert randomisation_test([1, 2, 3]) == 2 / 8
    assert randomisation_test([-1, 2, 3]) == 4 / 8
    assert randomisation_test([1, -1, 0, 0]) == 1.0


def test_queries_that_did_not_move_change_nothing_in_the_randomisation() -> None:
    moved = np.random.default_rng(1).normal(0.1, 0.3, 12)
    assert randomisation_test(np.concatenate([moved, np.zeros(500)])) == randomisation_test(moved)


def test_the_drawn_test_is_seeded_never_zero_and_counts_itself() -> None:
    moved = np.random.default_rng(2).normal(0.02, 0.3, 300)
    assert randomisation_test(moved, seed=7) == randomisation_test(moved, seed=7)
    assert randomisation_test(np.ones(300), samples=999) == 1 / 1000


def test_equal_sums_are_equal_whatever_their_rounding() -> None:
    # 0.1 + 0.2 - 0.3 is not 0 in floating point, yet every pattern sums to 0 or further
    assert randomisation_test([0.1, 0.2, -0.3]) == 1.0


@pytest.mark.parametrize("test", ["t", "randomisation"])
@pytest.mark.parametrize(("differences", "found"), [([], "0 queries"), ([0.5], "1 query")])
def test_fewer_than_two_queries_are_refused(test: Test, differences: list[float], found: str) -> None:
    with pytest.raises(DataError, match=f"found {found} to compare on; wanted at least 2"):
        p_value(differences, test)
    with pytest.raises(DataError, match=found):
        interval(differences)


@pytest.mark.parametrize("bad", [[0.1, float("nan")], [0.1, float("inf")], [[0.1, 0.2]]])
def test_what_is_no_row_of_numbers_is_refused(bad: list[float]) -> None:
    for run in (t_test, randomisation_test, interval):
        with pytest.raises(ShapeError, match="wanted one finite number a query"):
            run(bad)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(SettingsError, match="unknown test 'randomization'; did you mean 'randomisation'"):
        p_value([1, 2], "randomization")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="unknown correction 'hlm'; did you mean 'holm'"):
        correct([0.1], "hlm")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="confidence of 95"):
        interval([1, 2], confidence=95)


@pytest.mark.parametrize(
    ("correction", "wanted"),
    [
        ("none", [0.04, 0.01, 0.03, 0.005]),
        ("bonferroni", [0.16, 0.04, 0.12, 0.02]),
        ("holm", [0.06, 0.03, 0.06, 0.02]),
    ],
)
def test_corrections_by_hand(correction: Correction, wanted: list[float]) -> None:
    assert correct([0.04, 0.01, 0.03, 0.005], correction) == pytest.approx(wanted)


@pytest.mark.parametrize("correction", ["none", "bonferroni", "holm"])
def test_corrections_end_at_one_and_leave_one_comparison_alone(correction: Correction) -> None:
    assert max(correct([0.9, 0.8, 0.02], correction)) <= 1
    assert correct([0.2], correction) == [0.2]
    assert correct([], correction) == []


@pytest.mark.parametrize("count", [2, 5, 12, 40, 700])
def test_students_test_and_interval_are_those_of_scipy(count: int) -> None:
    from scipy import stats

    differences = np.random.default_rng(count).normal(0.02, 0.3, count)
    theirs = stats.ttest_1samp(differences, 0)
    assert t_test(differences) == pytest.approx(theirs.pvalue, abs=1e-12)
    for confidence in (0.9, 0.95):
        low, high = theirs.confidence_interval(confidence)
        assert interval(differences, confidence=confidence) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize("count", [2, 3, 8, 9, 12])
@pytest.mark.parametrize("rounded", [1, 15])
def test_the_counted_test_is_that_of_scipy(count: int, rounded: int) -> None:
    from scipy import stats

    differences = np.round(np.random.default_rng(count).normal(0.1, 0.3, count), rounded)
    theirs = stats.permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=2**20)
    assert randomisation_test(differences) == pytest.approx(theirs.pvalue, abs=1e-12)


@pytest.mark.parametrize("count", [17, 24, 200])
def test_the_drawn_test_nears_that_of_scipy(count: int) -> None:
    from scipy import stats

    differences = np.random.default_rng(count).normal(0.05, 0.3, count)
    generator = np.random.default_rng(0)
    theirs = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=50_000, rng=generator, vectorized=True
    )
    # six standard deviations of the difference between 100,000 and 50,000 draws
    allowed = 6 * float(np.sqrt(theirs.pvalue * (1 - theirs.pvalue) * (1 / 50_000 + 1 / 100_000)))
    assert randomisation_test(differences) == pytest.approx(theirs.pvalue, abs=allowed)
