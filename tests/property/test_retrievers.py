"""The laws of retrievers that are made of retrievers, over drawn scores full of ties."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.core.errors import SettingsError
from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever, Text, Traced
from vizsla.retrievers import reranked
from vizsla.retrievers.aggregated import Aggregated, How
from vizsla.retrievers.cached import Cached
from vizsla.retrievers.fused import Fused
from vizsla.retrievers.fusion import NORMS, ReciprocalRank, Rule, WeightedSum
from vizsla.retrievers.pipeline import from_toml, parse, to_toml
from vizsla.retrievers.reranked import Reranked
from vizsla.retrievers.shortened import Shortened
from vizsla.retrievers.steps import (
    RESERVED,
    MinScore,
    Parents,
    Pipeline,
    ReciprocalRanks,
    Rerank,
    Top,
    WeightedScores,
)
from vizsla.retrievers.thresholded import Thresholded

from ..unit.retrievers.tables import Scorer, Table, Texts, listed  # noqa: TID252  # test folders are no packages

SIZE, DEPTH = 12, 5
HOWS: tuple[How, ...] = ("max", "sum")
Block: TypeAlias = npt.NDArray[np.float32]
Pairs: TypeAlias = list[tuple[int, float]]

FEW = st.sampled_from([-1.5, 0.0, 0.1, 0.2, 1.0, 1.5, 3e38])
SCORES = st.sampled_from([float("nan"), float("nan"), -1.5, -0.0, 0.0, 0.1, 0.3, 1.0, 1.5]) | st.floats(-9, 9, width=32)
ROW = st.lists(SCORES, min_size=SIZE, max_size=SIZE)
BITMAPS = st.none() | st.lists(st.booleans(), min_size=SIZE, max_size=SIZE).map(lambda row: np.array(row, np.bool_))
WEIGHTS = st.sampled_from([0.0, 0.3, 0.7, 1.0, 3.0])
DEPTHS = st.integers(1, DEPTH)


def block(rows: Sequence[Sequence[float]]) -> Block:
    return np.array(rows, np.float32).reshape(-1, SIZE)


QUERIES = st.lists(ROW, min_size=1, max_size=3).map(block)


@dataclass
class Case:
    """A retriever over drawn tables, and the tables it can find by."""

    retriever: Retriever
    bases: list[Table]
    queries: list[str]


@st.composite
def rules(draw: st.DrawFn, bases: int) -> Rule:
    weights = tuple(draw(st.lists(WEIGHTS, min_size=bases, max_size=bases).filter(any)))
    if draw(st.booleans()):
        return ReciprocalRank(weights, draw(st.sampled_from([0, 1, 60])))
    return WeightedSum(weights, draw(st.sampled_from(NORMS)))


@st.composite
def fused(draw: st.DrawFn) -> Case:
    count, queries = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    tables = [Table(block(draw(st.lists(ROW, min_size=queries, max_size=queries)))) for _ in range(count)]
    return Case(Fused(tuple(tables), draw(rules(count)), DEPTH), tables, [str(row) for row in range(queries)])


@st.composite
def over_one(draw: st.DrawFn, wrap: Callable[[st.DrawFn, Table, int], Retriever]) -> Case:
    table = Table(draw(QUERIES))
    queries = len(table.scores)
    return Case(wrap(draw, table, queries), [table], [str(row) for row in range(queries)])


def reranking(draw: st.DrawFn, table: Table, queries: int) -> Retriever:
    scores = block(draw(st.lists(st.lists(FEW, min_size=SIZE, max_size=SIZE), min_size=queries, max_size=queries)))
    scores = np.clip(scores, -1e38, 1e38).astype(np.float32)
    return Reranked(table, Scorer(scores), Texts(), draw(DEPTHS), None, draw(st.sampled_from(["keep", "cut"])))


def aggregating(draw: st.DrawFn, table: Table, queries: int) -> Retriever:
    parents = draw(st.lists(st.integers(-1, 4), min_size=SIZE, max_size=SIZE))
    how: How = draw(st.sampled_from(HOWS))
    return Aggregated(table, np.array(parents), how, DEPTH if how == "sum" else draw(DEPTHS))


FUSED = fused()
RERANKED, AGGREGATED = over_one(reranking), over_one(aggregating)
CACHED = over_one(lambda draw, table, _: Cached(table, draw(st.integers(1, 4)), exact=draw(st.booleans())))
CUT = over_one(lambda draw, table, _: Shortened(table, draw(DEPTHS)))
ENOUGH = over_one(lambda draw, table, _: Thresholded(table, draw(FEW)))
CASES = st.one_of(FUSED, RERANKED, AGGREGATED, CACHED, CUT, ENOUGH)


def same(one: Hits, other: Hits) -> None:
    np.testing.assert_array_equal(one.positions, other.positions)
    np.testing.assert_array_equal(one.scores.view(np.int32), other.scores.view(np.int32))


@settings(max_examples=300, deadline=None)
@given(CASES, st.integers(1, 15), BITMAPS)
def test_a_wrapper_returns_what_its_bases_could_and_in_order(
    case: Case, k: int, allowed: npt.NDArray[np.bool_] | None
) -> None:
    hits = case.retriever.search(case.queries, k, allowed)
    assert hits.positions.shape == hits.scores.shape == (len(case.queries), k)
    found = [base.search(case.queries, max(k, SIZE), allowed) for base in case.bases]
    for row in range(len(case.queries)):
        pairs = listed(hits, row)
        able = {position for base in found for position, _ in listed(base, row)}
        assert {position for position, _ in pairs} <= able
        assert pairs == sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
        assert len({position for position, _ in pairs}) == len(pairs)
        assert (hits.positions[row, len(pairs) :] == -1).all()
        assert (hits.scores[row, len(pairs) :] == -np.inf).all()


@settings(max_examples=300, deadline=None)
@given(CASES, st.integers(1, DEPTH), st.integers(1, DEPTH), BITMAPS)
def test_the_best_depend_on_no_depth_and_no_neighbour(
    case: Case, k: int, j: int, allowed: npt.NDArray[np.bool_] | None
) -> None:
    k, j = max(k, j), min(k, j)
    wide = case.retriever.search(case.queries, k, allowed)
    same(wide.top(j), case.retriever.search(case.queries, j, allowed))
    same(wide, case.retriever.search(case.queries, k, allowed))
    for row, query in enumerate(case.queries):
        one = case.retriever.search([query], k, allowed)
        same(one, Hits(wide.positions[row : row + 1], wide.scores[row : row + 1]))


@settings(max_examples=200, deadline=None)
@given(CASES, st.integers(1, 15), BITMAPS)
def test_a_trace_ends_in_what_a_search_finds(case: Case, k: int, allowed: npt.NDArray[np.bool_] | None) -> None:
    trace = cast("Traced", case.retriever).trace(case.queries, k, allowed)
    same(trace.hits, case.retriever.search(case.queries, k, allowed))
    same(trace.hits, trace.stages[-1].hits)
    assert len(trace.stages) == len(case.bases) + (not isinstance(case.retriever, Cached))
    assert all(len(stage.hits) == len(case.queries) for stage in trace.stages)


def plainly_fused(rule: ReciprocalRank | WeightedSum, rows: list[Pairs]) -> Pairs:
    """Fusion as its formula says it, with dictionaries."""
    totals: dict[int, float] = {}
    for weight, row in zip(rule.weights, rows, strict=True):
        if weight:
            totals |= dict.fromkeys((position for position, _ in row), 0.0)
    for weight, row in zip(rule.weights, rows, strict=True):
        scores = np.array([score for _, score in row], np.float64)
        adds, missing = {}, 0.0
        for rank, (position, score) in enumerate(row, 1):
            if isinstance(rule, ReciprocalRank):
                adds[position] = 1 / (rule.k + rank)
            elif len(set(scores.tolist())) == 1:
                adds[position] = 1.0 if rule.norm == "minmax" else 0.0
            elif rule.norm == "minmax":
                adds[position] = (score - scores.min()) / (scores.max() - scores.min())
            else:
                adds[position] = (score - scores.mean()) / scores.std()
        if isinstance(rule, WeightedSum) and rule.norm == "zscore" and adds:
            missing = min(adds.values())
        for position in totals:
            totals[position] += weight * adds.get(position, missing)
    ranked = [(position, float(np.float32(total))) for position, total in totals.items()]
    return sorted(ranked, key=lambda pair: (-pair[1], pair[0]))


@settings(max_examples=300, deadline=None)
@given(FUSED, st.integers(1, 15), BITMAPS)
def test_fusion_is_its_formula(case: Case, k: int, allowed: npt.NDArray[np.bool_] | None) -> None:
    assert isinstance(case.retriever, Fused)
    hits = case.retriever.search(case.queries, k, allowed)
    found = [base.search(case.queries, max(k, DEPTH), allowed) for base in case.bases]
    for row in range(len(case.queries)):
        assert isinstance(case.retriever.rule, ReciprocalRank | WeightedSum)
        wanted = plainly_fused(case.retriever.rule, [listed(base, row) for base in found])
        assert listed(hits, row) == wanted[:k]


@settings(max_examples=200, deadline=None)
@given(RERANKED, st.integers(1, 15))
def test_reranking_moves_the_first_and_keeps_the_rest(case: Case, k: int) -> None:
    made = case.retriever
    assert isinstance(made, Reranked)
    assert isinstance(made.reranker, Scorer)
    hits, base = made.search(case.queries, k), case.bases[0].search(case.queries, SIZE)
    for row in range(len(case.queries)):
        before = [position for position, _ in listed(base, row)]
        judged = [(position, float(made.reranker.scores[row, position])) for position in before[: made.depth]]
        judged.sort(key=lambda pair: (-pair[1], pair[0]))
        rest = before[made.depth :] if made.tail == "keep" else []
        found = listed(hits, row)
        assert found[: len(judged)] == judged[:k]
        assert [position for position, _ in found] == [*(position for position, _ in judged), *rest][:k]
        assert all(low < high for (_, high), (_, low) in pairwise(found[max(0, len(judged) - 1) :]))


@settings(max_examples=200, deadline=None)
@given(AGGREGATED, st.integers(1, 15))
def test_parents_are_the_groups_of_the_whole_ranking(case: Case, k: int) -> None:
    made = case.retriever
    assert isinstance(made, Aggregated)
    hits = made.search(case.queries, k)
    depth = SIZE if made.how == "max" else max(k, DEPTH)
    base = case.bases[0].search(case.queries, depth)
    for row in range(len(case.queries)):
        groups: dict[tuple[int, int], Pairs] = {}
        for position, score in listed(base, row):
            parent = int(made.parents[position])
            groups.setdefault((parent, -1) if parent >= 0 else (-1, position), []).append((position, score))
        wanted = [
            (pairs[0][0], float(np.float32(sum(score for _, score in pairs))) if made.how == "sum" else pairs[0][1])
            for pairs in groups.values()
        ]
        assert listed(hits, row) == sorted(wanted, key=lambda pair: (-pair[1], pair[0]))[:k]


@settings(max_examples=100, deadline=None)
@given(QUERIES, st.integers(1, 6), st.booleans(), st.data())
def test_a_cache_changes_no_answer(scores: Block, size: int, exact: bool, data: st.DataObject) -> None:  # noqa: FBT001
    base = Table(scores)
    cached = Cached(Table(scores), size, exact=exact)
    for _ in range(data.draw(st.integers(1, 12))):
        queries = data.draw(st.lists(st.integers(0, len(scores) - 1).map(str), max_size=4))
        k, allowed = data.draw(st.integers(1, 15)), data.draw(BITMAPS)
        same(cached.search(queries, k, allowed), base.search(queries, k, allowed))
        assert cached.counts.held <= size


class SlowScorer:
    """Each pair takes what the clock is moved on by."""

    def __init__(self, ticks: list[int]) -> None:
        self.ticks, self.now, self.read = ticks, 0, 0

    def perf_counter(self) -> float:
        return float(self.now)

    def score(self, pairs: Sequence[tuple[str, Text]]) -> Block:
        self.now += sum(self.ticks[self.read : self.read + len(pairs)])
        self.read += len(pairs)
        return np.arange(len(pairs), dtype=np.float32)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(8, 16), min_size=SIZE, max_size=SIZE), st.integers(1, 300), st.integers(1, SIZE))
def test_a_budget_holds_where_no_pair_takes_twice_as_long_as_another(ticks: list[int], budget: int, depth: int) -> None:
    slow = SlowScorer(ticks)
    base = Table(block([[float(SIZE - place) for place in range(SIZE)]]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reranked, "time", SimpleNamespace(perf_counter=slow.perf_counter))
        trace = Reranked(base, slow, Texts(), depth, budget * 1e3).trace(["0"], SIZE)
    assert trace.stages[-1].note == f"{slow.read} of {depth} fitted the budget"
    assert slow.read == 1 or slow.now <= budget
    assert slow.read == depth or slow.now + 2 * max(ticks) > budget - max(ticks) or slow.read == 1
    found = [position for position, _ in listed(trace.hits)]
    assert set(found[: slow.read]) == set(range(slow.read))
    assert found[slow.read :] == list(range(slow.read, SIZE))


NAMES = st.sampled_from(["bm25", "dense", "bge-small", "维兹拉", "my stage", 'a"b\\', *RESERVED, "3d"]) | st.text(
    min_size=1, max_size=9
).filter(str.isprintable)
NUMBERS = st.floats(-1e9, 1e9) | st.sampled_from([0.1, 1e-12, 1e300, -0.0, 100.0])
ANY_WEIGHTS = st.floats(0, 1e9).filter(bool) | st.sampled_from([0.3, 1.0, 2.0])
SOME = st.integers(1, 100_000)
STEP = st.one_of(
    st.builds(Rerank, NAMES, SOME, st.none() | st.floats(1e-3, 1e6), st.sampled_from(["keep", "cut"])),
    st.builds(Top, SOME),
    st.builds(MinScore, NUMBERS),
    st.builds(Parents, st.sampled_from(["max", "sum"]), SOME),
)


@st.composite
def pipelines(draw: st.DrawFn, nested: int = 2) -> Pipeline:
    source: str | ReciprocalRanks | WeightedScores = draw(NAMES)
    if nested and draw(st.booleans()):
        bases = tuple(draw(st.lists(pipelines(nested - 1), min_size=1, max_size=3)))
        weights = tuple(draw(st.lists(ANY_WEIGHTS, min_size=len(bases), max_size=len(bases))))
        if draw(st.booleans()):
            source = ReciprocalRanks(bases, weights, draw(st.integers(0, 99)), draw(SOME))
        else:
            source = WeightedScores(bases, weights, draw(st.sampled_from(NORMS)), draw(SOME))
    steps = draw(st.lists(STEP, max_size=3))
    try:
        return Pipeline(source, tuple(steps))
    except SettingsError:  # a least score after a reranker that keeps its tail
        return Pipeline(source, tuple(step for step in steps if not isinstance(step, MinScore)))


@settings(max_examples=300, deadline=None)
@given(pipelines())
def test_a_pipeline_is_read_back_as_it_was_written(pipeline: Pipeline) -> None:
    text = str(pipeline)
    assert parse(text) == pipeline
    assert str(parse(text)) == text
    assert from_toml(to_toml(pipeline)) == pipeline


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["rrf", "weighted", "rerank", "top", "a", "b", "(", ")", ",", "=", ">>", "3", "0.5", '"', " ", "维"]
        ),
        max_size=14,
    ).map(" ".join)
    | st.text(max_size=20)
)
def test_any_text_is_a_pipeline_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except SettingsError as refused:
        said = str(refused)
    else:
        said = ""
        assert parse(str(found)) == found
    assert not said or re.search(r"found .*wanted .*\n.*\n *\^+ ", said)
