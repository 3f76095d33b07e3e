"""After any order of additions, updates, deletions and merges, a snapshot finds what a fresh one does, bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.collections.results import search
from vizsla.collections.snapshot import Snapshot
from vizsla.core.protocols import Passage

from ..unit.collections.changing import Changing  # noqa: TID252

WORDS = ["run", "jump", "swim", "hunt", "point", "birds", "field", "维", "兹", "拉犬", "x1"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)
PASSAGES = st.builds(
    lambda number, text, year: Passage(f"p{number}", text, metadata={"year": year} if year else {}),
    st.integers(0, 11),
    TEXTS,
    st.sampled_from([0, 2019, 2020, 2021]),
)
PUT = st.lists(PASSAGES, min_size=1, max_size=6)
CHANGES = st.one_of(
    PUT.map(lambda passages: ("put", passages)),
    st.lists(st.integers(0, 11).map("p{}".format), max_size=5).map(lambda ids: ("delete", ids)),
    st.tuples(st.integers(0, 3), st.integers(2, 4)).map(lambda span: ("merge", span)),
)
QUERIES = st.lists(TEXTS, min_size=1, max_size=3)
PIPELINES = ["bm25", "splade", "mini", "rrf(bm25, splade, mini)", "rrf(bm25, mini) >> rerank(lengths, depth=5)"]


def change(made: Changing, what: str, how: Any) -> None:
    if what == "put":
        made.put(how)
    elif what == "delete":
        made.delete(how)
    elif how[0] < len(made.segments):
        made.merge(how[0], sum(how))


def answers(snapshot: Snapshot, queries: list[str], k: int, where: str | None) -> list[list[list[object]]]:
    found = [search(snapshot, queries, k, where=where, pipeline=pipeline) for pipeline in PIPELINES]
    return [[[(one.id, one.score, one.text, one.stages) for one in row] for row in rows] for rows in found]


@settings(max_examples=25, deadline=None)
@given(st.lists(CHANGES, min_size=1, max_size=7), QUERIES, st.integers(1, 14), st.booleans())
def test_a_changed_collection_answers_as_a_fresh_one(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[tuple[str, Any]],
    queries: list[str],
    k: int,
    chained: bool,  # noqa: FBT001
) -> None:
    folder = tmp_path_factory.mktemp("changing")
    made, before = Changing(folder), None
    for what, how in changes:
        change(made, what, how)
        now = made.snapshot(before)
        if chained:
            search(now, queries, k, pipeline="bm25")  # so that what is counted is counted on, from one to the next
            before = now
    _compare(now, made.fresh(folder / "fresh"), queries, k)


def _compare(now: Snapshot, fresh: Snapshot, queries: list[str], k: int) -> None:
    wheres = [None, "year >= 2020", "year IS NULL"] if "year" in now.setup.schema.fields else [None]
    for where in wheres:
        assert answers(now, queries, k, where) == answers(fresh, queries, k, where)
    assert len(now) == len(fresh)
    live = np.flatnonzero(now.placed.live)
    assert now.ids(live) == fresh.ids(range(len(fresh)))


def test_a_changed_collection_of_many_terms_and_segments(tmp_path: Path) -> None:
    draws = np.random.default_rng(3)
    made = Changing(tmp_path)
    before = None
    for _ in range(12):
        numbers = draws.integers(0, 400, draws.integers(1, 60)).tolist()
        texts = [" ".join(f"w{int(word)}" for word in draws.zipf(1.4, 12) % 300) for _ in numbers]
        made.put([Passage(f"p{number}", text) for number, text in zip(numbers, texts, strict=True)])
        made.delete([f"p{number}" for number in draws.integers(0, 400, 30).tolist()])
        before = made.snapshot(before)
        before.stage("bm25").search(["w1 w2 w3"], 3)
    made.merge(2, 6)
    queries = [" ".join(f"w{int(word)}" for word in draws.zipf(1.3, 5) % 300) for _ in range(20)]
    for k in (1, 10, 500):
        _compare(made.snapshot(before), made.fresh(tmp_path / f"fresh{k}"), queries, k)
