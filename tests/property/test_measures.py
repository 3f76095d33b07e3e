"""Laws of measuring, on random runs full of ties: the formulas themselves, and what cannot matter."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizsla.data.judgements import Judgements
from vizsla.data.runs import Run
from vizsla.evaluating.measuring import measure
from vizsla.evaluating.significance import correct, interval, randomisation_test, t_test

PASSAGES = [*"abcdefghijklmn", "中", "p q", "0", "nul\0a", "nul\0b"]
rankings = st.lists(st.sampled_from(PASSAGES), unique=True, max_size=len(PASSAGES))
grades = st.dictionaries(st.sampled_from(PASSAGES), st.integers(-3, 5), min_size=1)
scores = st.sampled_from([0.0, 1.0, -2.5, float("inf")])
differences = st.lists(st.floats(-1, 1).map(lambda value: round(value, 3)), min_size=2, max_size=12)


def dcg(gains: list[int]) -> float:
    return sum(max(0, gain) / math.log2(rank + 2) for rank, gain in enumerate(gains))


def by_hand(ranking: list[str], judged: dict[str, int]) -> dict[str, float]:
    found = [judged.get(passage, 0) for passage in ranking]
    relevant = sum(grade >= 1 for grade in judged.values())
    hits = [rank for rank, grade in enumerate(found, 1) if grade >= 1]
    high = sum(grade >= 2 for grade in judged.values())
    ideal = dcg(sorted(judged.values(), reverse=True)[:10])
    return {
        "nDCG@10": dcg(found[:10]) / ideal if ideal else 0.0,
        "RR@10": 1 / hits[0] if hits and hits[0] <= 10 else 0.0,
        "AP": sum(count / rank for count, rank in enumerate(hits, 1)) / relevant if relevant else 0.0,
        "R@5": sum(rank <= 5 for rank in hits) / relevant if relevant else 0.0,
        "R(rel=2)@5": sum(grade >= 2 for grade in found[:5]) / high if high else 0.0,
        "P@5": sum(rank <= 5 for rank in hits) / 5,
    }


@given(rankings, grades)
def test_measures_are_their_formulas_in_float64(ranking: list[str], judged: dict[str, int]) -> None:
    wanted = by_hand(ranking, judged)
    run = Run("run", {"q": [(passage, 1.0) for passage in ranking]})
    found = measure(run, Judgements(queries={}, grades={"q": judged}), list(wanted))
    assert {name: values["q"] for name, values in found.values.items()} == pytest.approx(wanted, abs=1e-9)


@given(rankings, grades, st.data())
def test_only_the_ranks_count_not_the_scores(ranking: list[str], judged: dict[str, int], data: st.DataObject) -> None:
    judgements = Judgements(queries={}, grades={"q": judged})
    tied = Run("run", {"q": [(passage, 0.0) for passage in ranking]})
    wild = Run("run", {"q": [(passage, data.draw(scores)) for passage in ranking]})
    names = "nDCG@10 RR@10 Compat Judged@5 Bpref"
    assert measure(tied, judgements, names) == measure(wild, judgements, names)


@given(rankings, grades)
def test_other_queries_change_nothing(ranking: list[str], judged: dict[str, int]) -> None:
    hits = [(passage, 1.0) for passage in ranking]
    alone = measure(Run("r", {"q": hits}), Judgements(queries={}, grades={"q": judged}), "nDCG@5 RR@10")
    both = Judgements(queries={}, grades={"a": {"a": 1}, "q": judged, "z": {"b": 2}})
    among = measure(Run("r", {"a": hits, "q": hits, "none": hits}), both, "RR@10 nDCG@5")
    assert {name: values["q"] for name, values in among.values.items()} == alone.means


@given(differences)
def test_tests_have_no_side_and_lie_between_zero_and_one(values: list[float]) -> None:
    for test in (t_test, randomisation_test):
        assert 0 <= test(values) <= 1
        assert test(values) == pytest.approx(test([-value for value in values]), abs=1e-12)
        assert test(values) == pytest.approx(test(values[::-1]), abs=1e-9)


@given(differences)
def test_students_test_and_interval_agree(values: list[float]) -> None:
    low, high = interval(values)
    p = t_test(values)
    if abs(p - 0.05) > 1e-6 and p > 0:
        assert (low <= 0 <= high) == (p > 0.05)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_corrections_keep_the_order_and_holm_lies_between(raw: list[float]) -> None:
    holm, bonferroni = correct(raw, "holm"), correct(raw, "bonferroni")
    for p, middle, most in zip(raw, holm, bonferroni, strict=True):
        assert p <= middle <= most + 1e-12 <= 1 + 1e-12
    order = sorted(range(len(raw)), key=raw.__getitem__)
    assert [holm[place] for place in order] == sorted(holm)
