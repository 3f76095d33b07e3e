"""Measures against pytrec_eval and ir-measures themselves, ties and odd grades included."""

from pathlib import Path

import ir_measures
import numpy as np
import pytest
import pytrec_eval

from vizsla.data.judgements import Judgements
from vizsla.data.runs import Run
from vizsla.evaluating.measures import parse
from vizsla.evaluating.measuring import measure

Rankings = dict[str, list[tuple[str, float]]]

TREC_NAMES = {
    "nDCG@10": "ndcg_cut_10",
    "nDCG": "ndcg",
    "RR": "recip_rank",
    "AP": "map",
    "AP@7": "map_cut_7",
    "R@5": "recall_5",
    "P@5": "P_5",
    "Rprec": "Rprec",
    "Bpref": "bpref",
    "Success@5": "success_5",
    "SetF": "set_F",
    "infAP": "infAP",
}
SCORES = {"one score for all": [0.5], "few scores": [0.5, 0.25, -1.0], "whole numbers": [float(n) for n in range(40)]}
GRADES = {"binary": [0, 1], "graded": [0, 1, 2, 3], "negative": [-2, -1, 0, 1, 2], "none relevant": [-1, 0]}


def drawn(seed: int, scores: list[float], grades: list[int]) -> tuple[Rankings, Judgements]:
    """Thirty queries; some have no hits, some judge only what was not found."""
    generator = np.random.default_rng(seed)
    rankings: Rankings = {}
    judged: dict[str, dict[str, int]] = {}
    for number in range(30):
        passages = [f"p{place}" for place in generator.permutation(30)[: generator.integers(0, 25)]]
        rankings[f"q{number}"] = [(passage, float(generator.choice(scores))) for passage in passages]
        chosen = generator.permutation(35)[: generator.integers(1, 12)]
        judged[f"q{number}"] = {f"p{place}": int(generator.choice(grades)) for place in chosen}
    return rankings, Judgements(queries={}, grades=judged)


def trec_values(judgements: Judgements, run: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """What pytrec_eval says, by our names; RR@10 is the reciprocal rank, cut where it is below a tenth.

    It dies of a query whose grades are all negative, which is worth nothing in any measure here.
    """
    grades = {query: judged for query, judged in judgements.grades.items() if max(judged.values()) >= 0}
    evaluator = pytrec_eval.RelevanceEvaluator(grades, set(TREC_NAMES.values()))
    found = evaluator.evaluate({query: hits for query, hits in run.items() if hits})
    values = {
        name: {query: found.get(query, {}).get(trec, 0.0) for query in judgements.grades}
        for name, trec in TREC_NAMES.items()
    }
    return values | {"RR@10": {query: value if value > 0.0999 else 0.0 for query, value in values["RR"].items()}}


@pytest.mark.parametrize("scores", SCORES)
@pytest.mark.parametrize("grades", GRADES)
def test_our_order_measured_by_pytrec_eval(scores: str, grades: str) -> None:
    rankings, judgements = drawn(1, SCORES[scores], GRADES[grades])
    falling = {
        query: {passage: -float(rank) for rank, (passage, _) in enumerate(ranking)}
        for query, ranking in rankings.items()
    }
    theirs = trec_values(judgements, falling)
    ours = measure(Run("run", rankings), judgements, list(theirs)).values
    for name, values in theirs.items():
        assert ours[name] == pytest.approx(values, abs=1e-9), name


@pytest.mark.parametrize("scores", SCORES)
@pytest.mark.parametrize("grades", GRADES)
def test_a_file_full_of_ties_is_worth_what_pytrec_eval_says(tmp_path: Path, scores: str, grades: str) -> None:
    rankings, judgements = drawn(2, SCORES[scores], GRADES[grades])
    lines = [f"{q} Q0 {p} 1 {score} tag\n" for q, ranking in rankings.items() for p, score in ranking]
    (tmp_path / "outside.run").write_text("".join(lines), encoding="utf-8")
    theirs = trec_values(judgements, {query: dict(ranking) for query, ranking in rankings.items()})
    ours = measure(Run.read(tmp_path / "outside.run"), judgements, list(theirs)).values
    for name, values in theirs.items():
        assert ours[name] == pytest.approx(values, abs=1e-9), name


@pytest.mark.parametrize("scores", SCORES)
def test_a_run_we_write_is_worth_the_same_to_pytrec_eval(tmp_path: Path, scores: str) -> None:
    rankings, judgements = drawn(3, SCORES[scores], GRADES["graded"])
    run = Run("run", {query: sorted(ranking, key=lambda hit: -hit[1]) for query, ranking in rankings.items()})
    run.write(tmp_path / "ours.run")
    read: dict[str, dict[str, float]] = {}
    for line in (tmp_path / "ours.run").read_text(encoding="utf-8").splitlines():
        query, _, passage, _, score, _ = line.split()
        read.setdefault(query, {})[passage] = float(score)
    theirs = trec_values(judgements, read)
    ours = measure(run, judgements, list(theirs)).values
    for name, values in theirs.items():
        assert ours[name] == pytest.approx(values, abs=1e-9), name


@pytest.mark.parametrize("grades", GRADES)
def test_ir_measures_says_the_same_of_every_measure_it_can_be_asked(grades: str) -> None:
    rankings, judgements = drawn(4, SCORES["whole numbers"], GRADES[grades])
    for judged in judgements.grades.values():
        judged["p99"] = 0  # for trec_eval's sake: see above
    falling = {
        query: {passage: float(len(ranking) - rank) for rank, (passage, _) in enumerate(ranking)}
        for query, ranking in rankings.items()
        if ranking
    }
    names = (
        "nDCG@10 RR@10 R@5 R(rel=2)@5 AP AP(rel=2) P@5 Success@3 Judged@10 Compat nDCG(judged_only=True)@5 SetP SetR"
    )
    for name in names.split():
        asked = [ir_measures.parse_measure(name)]
        theirs = ir_measures.iter_calc(asked, judgements.grades, falling)
        (mean,) = ir_measures.calc_aggregate(asked, judgements.grades, falling).values()
        ours = measure(Run("run", rankings), judgements, name)
        assert ours.values[name] == pytest.approx({each.query_id: each.value for each in theirs}, abs=1e-9)
        assert ours.means[name] == pytest.approx(mean, abs=1e-9)


def test_names_are_read_as_ir_measures_reads_them() -> None:
    names = ["nDCG@10", "MRR@10", "R(rel=2)@50", "AP", "IPrec@0.5", "nDCG(gains={1:5})@3", "SetF(beta=2.0)", "SetRelP"]
    assert [one.name for one in parse(names)] == [str(ir_measures.parse_measure(name)) for name in names]
