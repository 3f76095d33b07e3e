"""Names of measures: what is read, what is refused, and what the refusal says."""

import pytest

from vizsla.core.errors import SettingsError
from vizsla.evaluating.measures import parse


def test_names_are_read_in_order_and_once_with_their_depths() -> None:
    found = parse("RR@10 nDCG@10 R(rel=2)@50 AP AP@5 MRR@10 P@3 Success@1 Judged@7 SetP Compat")
    depths = {"RR@10": 10, "nDCG@10": 10, "R(rel=2)@50": 50, "AP": 1000, "AP@5": 5, "P@3": 3}
    depths |= {"Success@1": 1, "Judged@7": 7, "SetP": 1000, "Compat": 1000}
    assert {one.name: one.depth for one in found} == depths
    assert [one.name for one in found] == list(depths)


def test_a_sequence_and_spaces_inside_brackets_are_read() -> None:
    one, two = parse(["nDCG(gains={1: 5, 2: 9})@10", "IPrec@0.5"])
    assert (one.name, two.name) == ("nDCG(gains={1:5,2:9})@10", "IPrec@0.5")
    assert parse("nDCG(gains={1: 5, 2: 9})@10 IPrec@0.5") == (one, two)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nDGC@10", "unknown measure 'nDGC@10'; did you mean 'nDCG'"),
        ("ndcg@10", "did you mean 'nDCG'"),
        ("mrr@10", "did you mean 'RR'"),
        ("Recal@50", "did you mean 'Recall'"),
        ("AP Foo", "unknown measure 'Foo'; known: AP"),
        ("", "no measure"),
        ("R", "cutoff is missing"),
        ("nDCG@10.5", r"invalid param cutoff=10.5; it takes cutoff, dcg"),
        ("nDCG(rel=2)@3", r"unsupported params found: \['rel'\]"),
        ("nDCG@0", "cutoff = 0"),
        ("P@True", "cutoff = True"),
        ("P@-1", "cutoff = -1|where a measure's name"),
        ("R@5000000000", "wanted 1 to 1,000,000"),
        ("P(rel=0)@5", "rel = 0"),
        ("IPrec@3.5", "recall = 3.5"),
        ("Compat(p=2.0)", "p = 2.0"),
        ("nDCG(gains={1: -5})@10", r"gain \(1, -5\)"),
        ("nDCG(gains={1: 'x'})@10", r"gain \(1, 'x'\)"),
        ("nDCG@10,RR@10", "several stand with spaces between"),
        ("nDCG(10)", "where a measure's name should stand"),
        ("nDCG(foo", "where a measure's name should stand"),
        ("(" * 5000, "where a measure's name should stand"),
        ("nDCG\0", "where a measure's name should stand"),
    ],
)
def test_what_is_no_measure_is_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse(text)


@pytest.mark.parametrize("text", ["NumRet", "NumRelRet", "NumRel", "NumQ", "Accuracy@10", "ERR@10", "RBP"])
def test_counts_and_what_only_others_compute_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=f"'{text}', which ir-measures cannot.*wanted one of: AP, Bpref"):
        parse(text)
