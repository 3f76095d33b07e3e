"""Results hold what the outside knows of a hit, and its place in every stage."""

import tracemalloc
from pathlib import Path

import numpy as np

from vizsla.collections.explaining import Question, explain
from vizsla.collections.results import Result, collect, search
from vizsla.core.hits import Hits
from vizsla.core.protocols import Passage, Stage, Trace

from .changing import Changing, changing


def test_results_say_what_every_stage_thought(tmp_path: Path) -> None:
    made = changing(tmp_path, ["birds fly", "run run", "birds run", "far birds run run"], batch=2)
    made.delete(["p0"])
    snapshot = made.snapshot()
    (row,) = search(snapshot, ["run birds"], 2, pipeline="rrf(bm25, mini, depth=3) >> rerank(lengths, depth=3)")
    assert [one.id for one in row] == ["p1", "p2"]
    first = row[0]
    assert first.text == "run run"
    assert first.score == -7.0
    lexical = snapshot.stage("bm25").search(["run birds"], 3)
    position = int(snapshot.positions(["p1"])[0])
    rank = lexical.positions[0].tolist().index(position)
    assert first.stages["bm25"] == (rank + 1, lexical.scores[0, rank])
    assert list(first.stages) == ["bm25", "mini", "rrf(bm25, mini, depth=3)", "rerank(lengths, depth=3)"]
    assert first.stages["rerank(lengths, depth=3)"] == (1, -7.0)


def test_a_stage_that_did_not_find_a_passage_says_nothing_of_it(tmp_path: Path) -> None:
    snapshot = changing(tmp_path, ["birds", "far away"]).snapshot()
    (row,) = search(snapshot, ["birds"], 5, pipeline="rrf(bm25, mini)")
    assert {one.id: "bm25" in one.stages for one in row} == {"p0": True, "p1": False}


def test_more_hits_than_there_are_passages_take_no_room(tmp_path: Path) -> None:
    snapshot = changing(tmp_path, ["birds", "run", "birds run"]).snapshot()
    few = search(snapshot, ["birds"], 3)
    tracemalloc.start()
    try:
        many = search(snapshot, ["birds"], 5_000_000)
        told = explain(snapshot, Question("birds", "p1", 5_000_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert many == few
    assert told.rank == len(few[0])
    assert peak < 5_000_000


def test_every_query_has_its_own_row(tmp_path: Path) -> None:
    snapshot = changing(tmp_path, ["birds", "run", "birds run"]).snapshot()
    rows = search(snapshot, ["birds", "nothing of it", "run"], 1, pipeline="bm25")
    assert [[one.id for one in row] for row in rows] == [["p0"], [], ["p1"]]
    assert search(snapshot, [], 3) == []


def test_whole_passages_come_back_and_conditions_hold(tmp_path: Path) -> None:
    made = Changing(tmp_path)
    made.put([Passage("a", "birds", "title", {"year": 2020}, "whole"), Passage("b", "birds birds")])
    (row,) = search(made.snapshot(), ["birds"], 3, where="year = 2020", pipeline="bm25")
    (one,) = row
    assert one == Result("a", one.score, "birds", "title", {"year": 2020}, "whole", {"bm25": (1, one.score)})


def test_of_two_stages_of_one_name_the_later_counts(tmp_path: Path) -> None:
    snapshot = changing(tmp_path, ["birds", "run", "birds run"]).snapshot()
    positions, scores = np.array([[2, 0]]), np.array([[2, 1]], np.float32)
    both, one = Hits(positions, scores), Hits(positions[:, 1:], scores[:, 1:])
    (row,) = collect(snapshot, Trace(both, (Stage("a", both, 0.0), Stage("b", both, 0.0), Stage("a", one, 0.0))))
    assert [(result.id, list(result.stages.items())) for result in row] == [
        ("p2", [("b", (1, 2.0))]),
        ("p0", [("a", (1, 1.0)), ("b", (2, 1.0))]),
    ]
