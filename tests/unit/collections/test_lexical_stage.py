from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from vizsla.collections import live
from vizsla.collections.lexical_stage import LexicalStage
from vizsla.collections.snapshot import Snapshot
from vizsla.core.errors import ArtifactError, DataError, ShapeError
from vizsla.core.protocols import Passage
from vizsla.indexes.inverted import InvertedIndex

from .changing import Changing, changing

TEXTS = ["run birds run", "birds fly", "a field of birds", "run", "维兹拉犬", "jump jump jump", "run far", "far birds"]


@pytest.fixture
def made(tmp_path: Path) -> Changing:
    return changing(tmp_path, TEXTS, batch=3)


def stage(snapshot: Snapshot) -> LexicalStage:
    found = snapshot.stage("bm25")
    assert isinstance(found, LexicalStage)
    return found


def test_a_term_weighs_by_the_live_passages_of_all_segments(made: Changing) -> None:
    made.delete(["p1"])
    parts = stage(made.snapshot()).contributions("birds run unknown", 0)
    assert [(one.term, one.passages, one.value) for one in parts] == [
        ("run", 3, 2.0),
        ("bird", 3, 1.0),
        ("unknown", 0, 0.0),
    ]
    # 7 passages are alive, 3 of which hold each; they have 17 terms, 3 of them in this one.
    idf = np.log1p((7 - 3 + 0.5) / (3 + 0.5))
    lengths = [len(made.making.analyzer.terms(one.text)) for one in made.passages]
    norm = 0.9 * (1 - 0.4 + 0.4 * 3 / (sum(lengths) / 7))
    assert parts[0].weight == pytest.approx(idf, rel=1e-6)
    assert parts[0].part == pytest.approx(idf * 2 / (2 + norm), rel=1e-6)
    assert parts[2].part == parts[2].weight == 0


def test_contributions_add_up_to_the_score(made: Changing) -> None:
    found = stage(made.snapshot())
    positions, scores = found.search(["run run birds far"], 10).row(0)
    for position, score in zip(positions.tolist(), scores.tolist(), strict=True):
        assert sum(one.part for one in found.contributions("run run birds far", position)) == pytest.approx(score)


def test_counting_goes_on_where_the_last_snapshot_stopped(made: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made.snapshot()
    stage(before).search(["birds"], 1)
    made.delete(["p2"])
    now = made.snapshot(before)
    read: list[list[int]] = []
    columns = live._columns

    def counted(index: InvertedIndex, rows: live.Int64s) -> Iterator[npt.NDArray[np.int32]]:
        read.append(rows.tolist())
        return columns(index, rows)

    monkeypatch.setattr(live, "_columns", counted)
    assert [one.passages for one in stage(now).contributions("birds", 0)] == [3]
    assert read == [[2]]
    made.delete(["p0"])
    assert [one.passages for one in stage(made.snapshot(now)).contributions("birds", 1)] == [2]
    assert read == [[2], [0]]


def test_queries_beside_each_other_do_not_meet(made: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = ["run birds", "", "维兹", "jump far far", "run"] * 3
    found = stage(made.snapshot())
    together = found.search(queries, 5)
    for workers in ("1", "3"):
        monkeypatch.setenv("VIZSLA_THREADS", workers)
        for row, query in enumerate(queries):
            alone = found.search([query], 5)
            assert alone.positions.tolist() == [together.positions[row].tolist()]
            assert alone.scores.tolist() == [together.scores[row].tolist()]
        assert found.search(queries, 5).positions.tolist() == together.positions.tolist()


def test_a_small_segment_is_passed_over_only_where_it_holds_nothing_better(tmp_path: Path) -> None:
    made = Changing(tmp_path)
    made.put([Passage(f"p{i}", "birds run " * (1 + i % 3) + f"w{i}") for i in range(50)])
    made.put([Passage("q", "birds run")])
    made.put([Passage("r", "w3 birds")])
    for k in (1, 3, 52):
        many = made.snapshot().stage("bm25").search(["birds run", "w3 birds", "birds"], k)
        one = made.fresh(tmp_path / f"k{k}").stage("bm25").search(["birds run", "w3 birds", "birds"], k)
        assert many.positions.tolist() == one.positions.tolist()
        assert many.scores.tolist() == one.scores.tolist()


def test_many_terms_outgrow_a_table_of_them(made: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vizsla.collections.lexical_stage._REMEMBERED", 100)
    found = stage(made.snapshot())
    first = found.search(["birds run"], 5)
    for begin in range(0, 400, 50):
        found.search([" ".join(f"x{number}" for number in range(begin, begin + 50))], 1)
        assert found.search(["birds run"], 5).scores.tolist() == first.scores.tolist()


def test_one_string_is_not_queries(made: Changing) -> None:
    with pytest.raises(ShapeError, match="found the string 'birds'; wanted a sequence"):
        stage(made.snapshot()).search("birds", 3)
    with pytest.raises(DataError, match="found int 7 as query 2; wanted text"):
        stage(made.snapshot()).search(["birds", 7], 3)  # type: ignore[list-item]
    assert stage(made.snapshot()).search(("birds", "run"), 3).counts().tolist() == [3, 3]


def test_nothing_alive_and_nothing_at_all(made: Changing, tmp_path: Path) -> None:
    made.delete([f"p{i}" for i in range(len(TEXTS))])
    for snapshot in (made.snapshot(), Changing(tmp_path / "none").snapshot()):
        hits = stage(snapshot).search(["birds", "run"], 3)
        assert hits.counts().tolist() == [0, 0]
        assert len(snapshot) == 0


def test_frequencies_that_cannot_be_are_said(made: Changing) -> None:
    snapshot = made.snapshot()
    part = snapshot.placed.segments[0].segment.parts["bm25"]
    part.vocabulary.frequencies = np.full(len(part.vocabulary), 99)  # type: ignore[union-attr]
    with pytest.raises(ArtifactError, match="frequencies that cannot be"):
        stage(snapshot).search(["birds"], 1)
    part.vocabulary.frequencies = np.zeros(len(part.vocabulary), np.int64)  # type: ignore[union-attr]
    made.delete(["p0"])
    with pytest.raises(ArtifactError, match="fewer passages of a term"):
        stage(made.snapshot()).search(["birds"], 1)


def test_a_trace_names_the_stage(made: Changing) -> None:
    trace = stage(made.snapshot()).trace(["birds"], 2)
    assert [one.name for one in trace.stages] == ["bm25"]
    assert trace.stages[0].note.startswith("analyzing ")
    assert trace.hits.positions.tolist() == stage(made.snapshot()).search(["birds"], 2).positions.tolist()
