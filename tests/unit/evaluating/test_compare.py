"""Comparisons by hand, and runs that cannot be compared."""

import pytest

from vizsla.core.errors import DataError, SettingsError
from vizsla.data.judgements import Judgements
from vizsla.evaluating.compare import Mover, compare
from vizsla.evaluating.measuring import Measured
from vizsla.evaluating.significance import correct, interval, t_test

TEXTS = Judgements(queries={"q1": "one", "q2": "two", "q3": "three", "q4": "four"}, grades={})


def measured(run: str, *values: float, measure: str = "AP") -> Measured:
    return Measured(run, {measure: {f"q{number}": value for number, value in enumerate(values, 1)}})


OLD = measured("old", 0.1, 0.5, 0.5, 0.9)
NEW = measured("new", 0.4, 0.4, 0.5 + 1e-15, 1.0)
BEST = measured("best", 0.9, 1.0, 0.8, 1.0)


def test_a_contrast_by_hand() -> None:
    comparison = compare([OLD, NEW], TEXTS, movers=2)
    (contrast,) = comparison.contrasts
    differences = [0.3, -0.1, 0.0, 0.1]
    assert comparison.means["AP"] == pytest.approx({"old": 0.5, "new": 0.575})
    assert contrast.difference == pytest.approx(0.075)
    assert (contrast.wins, contrast.ties, contrast.losses) == (2, 1, 1)
    assert (contrast.low, contrast.high) == pytest.approx(interval(differences))
    assert contrast.p == contrast.p_corrected == pytest.approx(t_test(differences))
    assert contrast.movers == (Mover("q1", "one", 0.1, 0.4), Mover("q2", "two", 0.5, 0.4))


def test_queries_that_did_not_move_are_no_movers_and_texts_may_be_missing() -> None:
    (contrast,) = compare([OLD, NEW], Judgements(queries={}, grades={}), movers=9).contrasts
    assert [(each.query, each.text) for each in contrast.movers] == [("q1", ""), ("q2", ""), ("q4", "")]
    (same,) = compare([OLD, Measured("copy", OLD.values)], TEXTS).contrasts
    assert (same.movers, same.p, same.ties) == ((), 1.0, 4)


def test_the_first_run_is_the_baseline_and_all_pairs_come_when_asked() -> None:
    few = compare([OLD, NEW, BEST], TEXTS)
    every = compare([OLD, NEW, BEST], TEXTS, all_pairs=True)
    assert [(each.baseline, each.run) for each in few.contrasts] == [("old", "new"), ("old", "best")]
    assert [(each.baseline, each.run) for each in every.contrasts][2:] == [("new", "best")]


def test_p_values_are_corrected_within_each_measure() -> None:
    both = [
        Measured(each.run, each.values | {"RR": {query: value**2 for query, value in each.values["AP"].items()}})
        for each in (OLD, NEW, BEST)
    ]
    comparison = compare(both, TEXTS, correction="bonferroni", alpha=0.4)
    for measure in ("AP", "RR"):
        found = [each for each in comparison.contrasts if each.measure == measure]
        wanted = correct([each.p for each in found], "bonferroni")
        assert [each.p_corrected for each in found] == wanted == [min(1, 2 * each.p) for each in found]
        assert [comparison.significant(each) for each in found] == [p < 0.4 for p in wanted]
    assert {comparison.significant(each) for each in comparison.contrasts} == {True, False}


def test_the_randomisation_test_is_used_when_asked() -> None:
    (contrast,) = compare([OLD, BEST], TEXTS, test="randomisation").contrasts
    assert contrast.p == 2 / 2**4


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ([OLD], r"found the runs \['old'\]; wanted at least two"),
        ([OLD, measured("old", 1, 2, 3, 4)], "each with a name of its own"),
        ([OLD, measured("rr", 1, 2, 3, 4, measure="RR")], "the measures AP for 'old' and RR for 'rr'"),
        ([OLD, measured("short", 1, 2)], r"'short' lacks 2 queries \(q3, q4\) of 'old' and has 0 queries more"),
        ([measured("short", 1), OLD], r"lacks 0 queries of 'short' and has 3 queries \(q2, q3, q4\) more"),
        ([measured("a", 1), measured("b", 1)], "found 1 query to compare on"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(runs: list[Measured], message: str) -> None:
    with pytest.raises(DataError, match=message):
        compare(runs, TEXTS)


def test_the_order_of_the_queries_does_not_matter() -> None:
    backwards = Measured("new", {"AP": dict(reversed(NEW.values["AP"].items()))})
    assert compare([OLD, backwards], TEXTS) == compare([OLD, NEW], TEXTS)


def test_settings_that_cannot_be_are_refused() -> None:
    for alpha, movers in ((0, 5), (1.5, 5), (0.05, -1)):
        with pytest.raises(SettingsError, match=f"alpha={alpha}, movers={movers}"):
            compare([OLD, NEW], TEXTS, alpha=alpha, movers=movers)
