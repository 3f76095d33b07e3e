"""The gate: what passes, what does not, and what too few queries leave open."""

import math

import numpy as np
import pytest

from vizsla.compiling.gate import check_count, judge, parity, queries_needed, refuse_open
from vizsla.compiling.judged_sample import JudgedSample
from vizsla.compiling.observing import Observed
from vizsla.core.errors import DataError
from vizsla.data.judgements import Judgements
from vizsla.evaluating.significance import interval

QUERIES = 400


def sample_of(queries: int) -> JudgedSample:
    ids = tuple(f"p{i}" for i in range(20))
    judgements = Judgements({f"q{i}": "" for i in range(queries)}, {f"q{i}": {"p0": 1} for i in range(queries)})
    return JudgedSample(judgements, ids, ("",) * 20, ((), ()), {})


def observed(places: list[int]) -> Observed:
    """One query each, its only relevant passage at such a place."""
    scores = np.tile(np.arange(20, 0, -1, dtype=np.float32), (len(places), 1))
    scores[:, 0] = [19.5 - place for place in places]
    rows = np.eye(len(places), 3, dtype=np.float32) + 1
    return Observed((rows, rows), np.broadcast_to(np.arange(20), scores.shape), scores)


def test_nothing_changed() -> None:
    verdict = judge(observed([1] * QUERIES), observed([1] * QUERIES), sample_of(QUERIES))
    assert verdict.passed
    assert (verdict.reference, verdict.candidate) == pytest.approx((1 / math.log2(3),) * 2)
    assert (verdict.low, verdict.high, verdict.changed) == (0, 0, 0)
    assert verdict.parity["passages_cosine_min"] == pytest.approx(1)
    assert (verdict.parity["score_drift_max"], verdict.parity["top_10_agreement"]) == (0, 1)


def test_the_interval_is_that_of_the_paired_differences() -> None:
    after = [0] * (QUERIES - 4) + [1, 1, 2, 2]
    verdict = judge(observed([0] * QUERIES), observed(after), sample_of(QUERIES))
    lost = np.array([1 / math.log2(place + 2) - 1 for place in after])
    assert (verdict.low, verdict.high) == pytest.approx(interval(lost))
    assert verdict.difference == pytest.approx(lost.mean())
    assert (verdict.changed, verdict.passed) == (4, verdict.low > -0.005)


def test_a_certain_loss_fails_whatever_its_spread() -> None:
    draw = np.random.default_rng(0).integers(0, 12, QUERIES).tolist()
    verdict = judge(observed([0] * QUERIES), observed(draw), sample_of(QUERIES))
    assert not verdict.passed
    assert verdict.high < -0.005
    assert verdict.record()["passed"] is False


def test_a_wide_interval_is_refused_with_the_queries_it_would_take() -> None:
    before, after = [0] * 90 + [1] * 5 + [0] * 5, [0] * 95 + [1] * 5
    verdict = judge(observed(before), observed(after), sample_of(100))
    assert not verdict.passed
    assert verdict.needed == math.ceil(100 * ((verdict.high - verdict.low) / 2 / 0.005) ** 2)
    said = rf"found 100 queries, over which nDCG@10 differs by .0.0000 .*; wanted about {verdict.needed:,} queries"
    with pytest.raises(DataError, match=said):
        refuse_open(verdict, 100)


def test_so_many_would_have_told() -> None:
    differences = np.random.default_rng(0).normal(0, 0.1, 200)
    needed = queries_needed(differences, *interval(differences))
    assert needed > 200
    low, high = interval(np.resize(differences, needed))
    assert high - low == pytest.approx(0.01, rel=0.1)


def test_a_narrow_interval_tells_either_way() -> None:
    refuse_open(judge(observed([0] * 400), observed([0] * 400), sample_of(400)), 400)
    assert queries_needed(np.zeros(400), -0.0051, 0.003) == 0
    assert queries_needed(np.zeros(400), -0.1, -0.006) == 0


def test_few_queries_are_refused_at_once() -> None:
    check_count(100)
    with pytest.raises(DataError, match="found 99 judged queries for the gate; wanted at least 100"):
        check_count(99)


def test_parity_of_what_moved() -> None:
    one, other = observed([0, 0]), observed([15, 0])
    found = parity(one, Observed((one.rows[0], -one.rows[1]), other.positions, other.scores))
    assert found["queries_cosine_mean"] == pytest.approx(1)
    assert found["passages_cosine_min"] == pytest.approx(-1)
    assert found["top_10_agreement"] == pytest.approx(0.95)
    assert found["score_drift_max"] == pytest.approx(15)
