from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from vizsla.collections.metadata.columns import MetadataColumns
from vizsla.collections.metadata.expressions import Comparison
from vizsla.collections.snapshot import Snapshot
from vizsla.core.errors import SettingsError, ShapeError
from vizsla.core.protocols import Passage
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.pipeline import parse

from .changing import MODELS, Changing, changing

TEXTS = ["run birds run", "birds fly", "a field", "run", "fly far", "jump", "far birds"]


@pytest.fixture
def made(tmp_path: Path) -> Changing:
    return changing(tmp_path, TEXTS, batch=3)


def test_positions_count_dead_rows_and_passages_do_not(made: Changing) -> None:
    made.delete(["p1", "p3"])
    snapshot = made.snapshot()
    assert (len(snapshot), snapshot.placed.size) == (5, 7)
    assert snapshot.placed.live.tolist() == [True, False, True, False, True, True, True]
    assert snapshot.positions(["p4", "p1", "none", "p0"]).tolist() == [4, -1, -1, 0]
    assert snapshot.ids([6, 0, 4, 0]) == ["p6", "p0", "p4", "p0"]
    assert snapshot.texts(np.array([5, 2])) == ["jump", "a field"]
    assert snapshot.texts([]) == []
    with pytest.raises(ShapeError, match="positions 7 to 7; wanted 0 to 6"):
        snapshot.texts([7])


def test_passages_are_as_they_were_added(tmp_path: Path) -> None:
    made = Changing(tmp_path)
    one = Passage("a", "text", "a title", {"day": date(2024, 5, 1), "tags": ["x", "y"]}, parent="whole")
    made.put([one, Passage("b", "other")])
    made.put([Passage("b", "newer")])
    snapshot = made.snapshot()
    assert snapshot.passages(snapshot.positions(["b", "a"])) == [Passage("b", "newer"), one]


def test_an_opened_snapshot_stays_as_it_was(made: Changing) -> None:
    before = made.snapshot()
    found = before.retriever("bm25").search(["birds"], 9)
    made.delete(["p0"])
    made.put([Passage("p9", "birds")])
    after = made.snapshot(before)
    assert before.retriever("bm25").search(["birds"], 9).positions.tolist() == found.positions.tolist()
    assert sorted(after.ids(after.retriever("bm25").search(["birds"], 9).row(0)[0])) == ["p1", "p6", "p9"]


def test_what_did_not_change_is_taken_over(made: Changing) -> None:
    before = made.snapshot()
    made.delete(["p0"])
    after = made.snapshot(before)
    assert [one is other for one, other in zip(before.placed.segments, after.placed.segments, strict=True)] == [
        False,
        True,
        True,
    ]


def test_a_condition_keeps_what_meets_it_and_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Changing(tmp_path)
    made.put([Passage("a", "birds", metadata={"year": 2019}), Passage("b", "birds", metadata={"year": 2021})])
    made.put([Passage("c", "birds", metadata={"year": 2022}), Passage("d", "birds")])
    made.delete(["c"])
    snapshot = made.snapshot()
    assert snapshot.bitmap().tolist() == [True, True, False, True]
    assert snapshot.bitmap("year > 2020").tolist() == [False, True, False, False]
    calls: list[Comparison] = []
    evaluate = Comparison.evaluate

    def counted(self: Comparison, columns: MetadataColumns) -> Bitmap:
        calls.append(self)
        return evaluate(self, columns)

    monkeypatch.setattr(Comparison, "evaluate", counted)
    assert snapshot.bitmap("year > 2020").tolist() == [False, True, False, False]
    assert not calls
    for year in range(20):
        snapshot.bitmap(f"year > {year}")
    assert len(calls) == 20 * 2
    snapshot.bitmap("year > 2020")
    assert len(calls) == 21 * 2  # the oldest was forgotten
    with pytest.raises(SettingsError, match="yaer"):
        snapshot.bitmap("yaer > 2020")
    with pytest.raises(ValueError, match="read-only"):
        snapshot.bitmap()[0] = False


def test_pipelines_by_name_by_expression_and_by_default(made: Changing) -> None:
    assert str(made.snapshot().pipeline()) == "weighted(bm25, splade, mini)"
    made.pipelines["quick"] = parse("bm25 >> top(2)")
    snapshot = made.snapshot()
    assert str(snapshot.pipeline("quick")) == "bm25 >> top(2)"
    assert str(snapshot.pipeline("mini")) == "mini"
    assert str(snapshot.pipeline()) == "weighted(bm25, splade, mini)"
    made.pipelines["default"] = parse("mini")
    assert str(made.snapshot().pipeline()) == "mini"
    with pytest.raises(SettingsError):
        snapshot.retriever(["bm25"])  # type: ignore[arg-type]
    assert snapshot.retriever("quick") is snapshot.retriever("bm25 >> top(2)")
    with pytest.raises(SettingsError, match="bm52"):
        snapshot.retriever("bm52")
    with pytest.raises(SettingsError, match="no encoder 'bm52'"):
        snapshot.stage("bm52")


def test_models_are_loaded_when_they_are_first_asked(made: Changing) -> None:
    asked: list[str] = []
    setup = made.snapshot().setup

    def load(name: str) -> object:
        asked.append(name)
        return MODELS[name]

    setup = replace(setup, encoder=load)
    snapshot = Snapshot([one for one, _ in made.segments], [None] * len(made.segments), setup)
    retriever = snapshot.retriever("rrf(bm25, mini)")
    assert not asked
    retriever.search(["birds"], 3)
    assert asked == ["mini"]


def test_parents_are_numbered_over_all_segments(tmp_path: Path) -> None:
    made = Changing(tmp_path)
    made.put([Passage("a1", "birds run", parent="a"), Passage("b1", "birds", parent="b")])
    made.put([Passage("c", "birds fly far"), Passage("a2", "birds birds", parent="a")])
    snapshot = made.snapshot()
    passages = snapshot.ids(snapshot.retriever("bm25").search(["birds"], 9).row(0)[0])
    wholes = snapshot.ids(snapshot.retriever("bm25 >> parents(max)").search(["birds"], 9).row(0)[0])
    assert passages == ["a2", "b1", "a1", "c"]
    assert wholes == ["a2", "b1", "c"]
    with pytest.raises(SettingsError, match="parent"):
        changing(tmp_path / "none", TEXTS).snapshot().retriever("bm25 >> parents(max)")
