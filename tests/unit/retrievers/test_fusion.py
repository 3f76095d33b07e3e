from collections.abc import Callable

import numpy as np
import pytest

from vizsla.core.errors import SettingsError, ShapeError
from vizsla.core.hits import empty
from vizsla.retrievers.fusion import Norm, ReciprocalRank, Rule, WeightedSum, fuse

from .tables import listed, table

ONE = table([3.0, 2.0, None, 1.0, None]).search(["0"], 5)  # 0, 1, 3
OTHER = table([None, 8.0, 9.0, None, 4.0]).search(["0"], 3)  # 2, 1, 4


def near(pairs: list[tuple[int, float]]) -> list[tuple[int, object]]:
    return [(position, pytest.approx(score, abs=1e-6)) for position, score in pairs]


def test_reciprocal_ranks_add_up() -> None:
    found = listed(fuse([ONE, OTHER], ReciprocalRank(), 9))
    # Ties stand in rising position: 0 and 2 are first once, 3 and 4 third once.
    assert found == near([(1, 2 / 62), (0, 1 / 61), (2, 1 / 61), (3, 1 / 63), (4, 1 / 63)])


def test_weights_and_k_of_reciprocal_ranks() -> None:
    found = listed(fuse([ONE, OTHER], ReciprocalRank((1.0, 3.0), k=0), 9))
    assert found == near([(2, 3.0), (1, 1 / 2 + 3 / 2), (0, 1.0), (4, 1.0), (3, 1 / 3)])


def test_minmax_and_what_is_missing_counts_0() -> None:
    found = listed(fuse([ONE, OTHER], WeightedSum((0.25, 0.75)), 9))
    assert found == near([(2, 0.75), (1, 0.25 * 0.5 + 0.75 * 0.8), (0, 0.25), (3, 0.0), (4, 0.0)])


def test_zscore_and_what_is_missing_counts_as_the_lowest() -> None:
    low, high = -np.sqrt(1.5), np.sqrt(1.5)
    values = (np.array([9.0, 8.0, 4.0]) - 7.0) / np.std([9.0, 8.0, 4.0])
    found = listed(fuse([ONE, OTHER], WeightedSum(norm="zscore"), 9))
    assert found == near(
        [(1, values[1]), (0, high + values[2]), (2, low + values[0]), (3, low + values[2]), (4, low + values[2])]
    )


@pytest.mark.parametrize(("norm", "worth"), [("minmax", 1.0), ("zscore", 0.0)])
def test_hits_of_one_score(norm: Norm, worth: float) -> None:
    alike = table([0.1, None, 0.1, 0.1]).search(["0"], 4)
    assert listed(fuse([alike], WeightedSum(norm=norm), 4)) == [(0, worth), (2, worth), (3, worth)]


@pytest.mark.parametrize("rule", [ReciprocalRank((1.0, 0.0)), WeightedSum((1.0, 0.0)), WeightedSum((2.0, 0), "zscore")])
def test_a_base_that_weighs_nothing_brings_nothing(rule: Rule) -> None:
    assert [position for position, _ in listed(fuse([ONE, OTHER], rule, 9))] == [0, 1, 3]


@pytest.mark.parametrize("rule", [ReciprocalRank(), WeightedSum(), WeightedSum(norm="zscore")])
def test_a_base_without_hits_changes_nothing(rule: Rule) -> None:
    assert listed(fuse([ONE, empty(1, 4)], rule, 3)) == listed(fuse([ONE], rule, 3))
    assert listed(fuse([empty(1, 4), empty(1, 2)], rule, 3)) == []
    assert fuse([empty(0, 4)], rule, 3).positions.shape == (0, 3)


def test_huge_and_tiny_scores_are_normalised() -> None:
    hits = table([3.4e38, -3.4e38, 0.0, 1e-45]).search(["0"], 4)
    assert listed(fuse([hits], WeightedSum(), 4)) == near([(0, 1.0), (2, 0.5), (3, 0.5), (1, 0.0)])


def test_infinite_scores_have_ranks_and_no_norm() -> None:
    hits = table([np.inf, 1.0]).search(["0"], 2)
    assert [position for position, _ in listed(fuse([hits], ReciprocalRank(), 2))] == [0, 1]
    with pytest.raises(ShapeError, match="the score inf among hits"):
        fuse([hits], WeightedSum(), 2)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ReciprocalRank((1.0, -1.0)), "weights"),
        (lambda: ReciprocalRank((0.0, 0.0)), "one of them above 0"),
        (lambda: WeightedSum((float("nan"),)), "weights"),
        (lambda: WeightedSum((1e10,)), "weights"),
        (lambda: ReciprocalRank(k=-1), "k = -1"),
        (lambda: WeightedSum(norm="minmx"), "did you mean 'minmax'"),  # type: ignore[arg-type]
        (lambda: fuse([ONE, OTHER], ReciprocalRank((1.0,)), 3), "1 weights for 2"),
    ],
)
def test_rules_that_cannot_be(make: Callable[[], object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        make()


@pytest.mark.parametrize("parts", [[], [empty(1, 2), empty(2, 2)]])
def test_parts_of_different_searches_do_not_fuse(parts: list[object]) -> None:
    with pytest.raises(ShapeError, match="all equal"):
        fuse(parts, ReciprocalRank(), 3)  # type: ignore[arg-type]


def test_a_lone_hit_counts_as_a_best_one_by_minmax_and_as_none_by_zscore() -> None:
    lone = table([None] * 9 + [7.0]).search(["0"], 5)
    assert listed(fuse([lone, OTHER], WeightedSum(), 2)) == [(2, 1.0), (9, 1.0)]
    assert listed(fuse([lone, OTHER], WeightedSum(norm="zscore"), 1))[0][0] == 2
    assert listed(fuse([lone, OTHER], WeightedSum((5.0, 1.0), "zscore"), 9)) == listed(
        fuse([lone, OTHER], WeightedSum(norm="zscore"), 9)
    )
