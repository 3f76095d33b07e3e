"""Values by hand, what counts 0, what does not count, and what is refused."""

import logging
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from vizsla.core.errors import DataError
from vizsla.core.hits import Hits
from vizsla.core.vectors import Bitmap
from vizsla.data.judgements import Judgements
from vizsla.data.runs import Run
from vizsla.evaluating.measuring import Measured, evaluate, measure


def judged(**grades: dict[str, int]) -> Judgements:
    return Judgements(queries={query: f"text of {query}" for query in grades}, grades=grades)


def ranked(name: str = "run", **rankings: str) -> Run:
    """Every score is the same: only the order of the letters may count."""
    return Run(name, {query: [(passage, 1.0) for passage in ranking] for query, ranking in rankings.items()})


def test_values_by_hand() -> None:
    found = measure(
        ranked(q="xbayc"),
        judged(q={"a": 1, "b": 3, "c": 0, "d": 2, "n": -1}),
        "nDCG@10 nDCG@2 RR@10 RR@1 AP R@2 R@10 P@5",
    )
    gained = 3 / math.log2(3) + 1 / math.log2(4)
    ideal = 3 / math.log2(2) + 2 / math.log2(3) + 1 / math.log2(4)
    by_hand = {
        "nDCG@10": gained / ideal,
        "nDCG@2": (3 / math.log2(3)) / (3 + 2 / math.log2(3)),
        "RR@10": 1 / 2,
        "RR@1": 0.0,
        "AP": (1 / 2 + 2 / 3) / 3,
        "R@2": 1 / 3,
        "R@10": 2 / 3,
        "P@5": 2 / 5,
    }
    assert {name: each["q"] for name, each in found.values.items()} == pytest.approx(by_hand, abs=1e-9)


def test_a_higher_bar_for_relevance() -> None:
    found = measure(ranked(q="abc"), judged(q={"a": 1, "b": 2, "d": 2}), "RR(rel=2)@10 R(rel=2)@50 R@50 P(rel=2)@2")
    values = {"RR(rel=2)@10": 1 / 2, "R(rel=2)@50": 1 / 2, "R@50": 2 / 3, "P(rel=2)@2": 1 / 2}
    assert found.means == pytest.approx(values)


def test_every_measure_counts_queries_without_hits_as_zero() -> None:
    every = "nDCG@10 RR@10 RR R@50 AP P@5 Success@5 Rprec Bpref infAP IPrec@0.5 SetP SetR SetF SetAP Judged@10 Compat"
    judgements = judged(found={"a": 1}, empty={"a": 1}, absent={"a": 1}, hopeless={"a": 0})
    measured = measure(ranked(found="a", empty="", hopeless="b"), judgements, every)
    assert measured.measures == tuple(every.split())
    for values in measured.values.values():
        assert list(values) == ["found", "empty", "absent", "hopeless"]
        assert values["found"] > 0
        assert (values["empty"], values["absent"], values["hopeless"]) == (0, 0, 0)
    assert measured.means["RR@10"] == 0.25
    assert measured.without_hits == ("empty", "absent")


def test_queries_without_judgements_do_not_count_and_are_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "vizsla"):
        measured = measure(ranked(q="a", new="a", none=""), judged(q={"a": 1}, lost={"a": 1}), "RR@10")
    assert measured.queries == ("q", "lost")
    assert measured.unjudged == ("new", "none")
    assert "lacks 1 of 2 judged queries (the first 'lost')" in caplog.text
    assert "holds 2 queries without a judgement (the first 'new')" in caplog.text


def test_a_query_whose_judgements_are_empty_does_not_count() -> None:
    measured = measure(ranked(q="a", bare="a"), judged(q={"a": 1}, bare={}), "RR@10 nDCG@10")
    assert measured.queries == ("q",)
    assert measured.unjudged == ("bare",)


def test_ids_that_trec_eval_misreads_are_told_apart() -> None:
    odd = ["a\0b", "a\0c", "a b", "", "\ud800", "中文", "j0", "u0"]
    run = Run("r", {"q\0 1": [(passage, 0.5) for passage in odd], "q\0 2": [(odd[1], 0.5)]})
    judgements = Judgements(queries={}, grades={"q\0 1": {"a\0c": 1, "u0": 1}, "q\0 2": {"a\0b": 1}})
    measured = measure(run, judgements, "RR@10 AP Judged@10 Compat")
    assert measured.values["RR@10"] == {"q\0 1": 1 / 2, "q\0 2": 0.0}
    assert measured.values["AP"]["q\0 1"] == pytest.approx((1 / 2 + 2 / 8) / 2)
    assert measured.values["Judged@10"] == {"q\0 1": 2 / 8, "q\0 2": 0.0}


def test_a_query_whose_grades_are_all_negative_is_worth_nothing() -> None:
    names = "nDCG nDCG@10 RR@10 AP R@5 P@5 Bpref infAP Rprec SetAP"
    measured = measure(ranked(q="ab", r="a"), judged(q={"a": -1, "b": -2, "c": -2}, r={"a": 1}), names)
    assert all(values["q"] == 0 and values["r"] > 0 for values in measured.values.values())
    assert measure(ranked(q="ab"), judged(q={"a": -1}), "Judged@10").means == {"Judged@10": 0.5}


@pytest.mark.parametrize("found", ["a", "b"])
def test_the_last_hit_is_not_taken_for_one_not_found(found: str) -> None:
    assert measure(ranked(q=found), judged(q={"a": 1, "b": 1}), "Compat(p=0.5)").means["Compat(p=0.5)"] > 0.7


def test_measures_that_trec_eval_calls_alike_keep_their_values() -> None:
    names = ["IPrec@0.331", "IPrec@0.334", "SetF(beta=2.0)", "SetF", "nDCG@3", "R(rel=2)@3"]
    judgements = judged(q={"a": 1, "b": 2, "c": 1})
    together = measure(ranked(q="xab"), judgements, names)
    alone = {name: measure(ranked(q="xab"), judgements, name).means[name] for name in names}
    assert together.means == alone
    assert all(alone.values())


def test_more_queries_than_are_labelled_at_once() -> None:
    many = {f"q{number}": {"a": 1} for number in range(2500)}
    run = Run("r", {query: [("x", 1.0)] * (number % 2) + [("a", 1.0)] for number, query in enumerate(many)})
    measured = measure(run, Judgements(queries={}, grades=many), "RR@10")
    assert list(measured.queries) == list(many)
    assert measured.means == {"RR@10": 0.75}


@pytest.mark.parametrize(
    ("run", "judgements", "message"),
    [
        (ranked(q="a"), judged(), "found no judgement"),
        (ranked(q="a"), judged(q={}), "found no judgement"),
        (ranked(q="a"), judged(other={"a": 1}), "the run 'run' holds 'q', the judgements 'other'"),
        (ranked(q="aba"), judged(q={"a": 1}), "a passage twice for the query 'q' of the run 'run'"),
        (ranked(q="a"), judged(q={"a": 2**40}), r"the grade 1099511627776 \(query 'q', passage 'a'\)"),
        (ranked(q="a"), judged(q={"a": -20_000}), "the grade -20000"),
    ],
)
def test_what_cannot_be_measured_is_refused(run: Run, judgements: Judgements, message: str) -> None:
    with pytest.raises(DataError, match=message):
        measure(run, judgements, "RR@10")


class Constant:
    """Finds the first k passages for every query, and remembers k."""

    depth = 0

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        self.depth, self.queries = k, list(queries)
        shape = (len(queries), k)
        return Hits(np.broadcast_to(np.arange(k), shape).astype(np.int64), np.ones(shape, dtype=np.float32))


class Numbers:
    def many(self, positions: npt.NDArray[np.int64]) -> list[str]:
        return [str(position) for position in positions]


@pytest.mark.parametrize(
    ("measures", "k", "depth"),
    [("RR@10 R@50", None, 50), ("RR@10 AP", None, 1000), ("R@2000 AP", None, 2000), ("AP", 7, 7)],
)
def test_evaluate_searches_as_deep_as_the_measures_look(measures: str, k: int | None, depth: int) -> None:
    retriever = Constant()
    measured = evaluate(retriever, judged(q={"3": 1}, bare={}), measures, Numbers(), k=k, name="constant")
    assert (retriever.depth, retriever.queries, measured.run) == (depth, ["text of q"], "constant")
    assert all(mean in (1 / 4, 1.0) for mean in measured.means.values())


def test_evaluate_needs_a_text_for_every_judged_query() -> None:
    with pytest.raises(DataError, match="1 judged queries without a text, the first 'q'"):
        evaluate(Constant(), Judgements(queries={}, grades={"q": {"a": 1}}), "AP", Numbers())


def test_a_mean_does_not_depend_on_the_order_of_the_queries() -> None:
    values = {str(number): value for number, value in enumerate([0.1] * 10 + [1e-17, 1.0, 0.3] * 7)}
    backwards = dict(reversed(values.items()))
    assert Measured("r", {"AP": values}).means == Measured("r", {"AP": backwards}).means
