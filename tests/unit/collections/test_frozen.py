"""A frozen collection: what it is made with, and what it refuses."""

import shutil
from pathlib import Path

import pytest

from vizsla.collections.frozen import FrozenCollection, IndexSettings
from vizsla.core.errors import ArtifactError, DataError, IncompatibleError
from vizsla.core.protocols import Passage
from vizsla.encoders.bm25 import BM25
from vizsla.retrievers.calibration import Calibration, Curve
from vizsla.text.settings import AnalyzerSettings

PASSAGES = [Passage("a", "the cat sat on the mat"), Passage("b", "and it was there", "A title")]


def test_no_passages_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no passages at all"):
        FrozenCollection.build([], tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_holds_the_effective_settings(tmp_path: Path) -> None:
    chosen = IndexSettings(AnalyzerSettings(ideographs="words"), BM25("atire", 1.5, 0.7), "store", 3)
    made = FrozenCollection.build(PASSAGES, tmp_path / "c", chosen, made_from={"data": "sha"})
    settings = made.manifest["settings"]
    assert settings["analyzer"]["language"] == "english"
    assert settings["analyzer"]["ideographs"] == "words"
    assert settings["analyzer"]["chosen"]
    assert settings["bm25"] == {"variant": "atire", "k1": 1.5, "b": 0.7, "delta": 0.5}
    assert (settings["titles"], settings["memory_mib"], settings["passages"]) == ("store", 3, 2)
    assert made.manifest["made_from"] == {"data": "sha"}
    assert (len(made), made.encoder.bm25) == (2, BM25("atire", 1.5, 0.7))


def test_progress_is_told_to_its_end(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    passages = (Passage(str(i), f"text {i} " * 500) for i in range(1200))
    FrozenCollection.build(passages, tmp_path / "c", progress=lambda *one: told.append(one))
    assert told[:2] == [("reading", 1000, 0), ("reading", 1200, 1200)]
    indexing = [done for what, done, total in told if what == "indexing" and total == 1200]
    assert indexing == sorted(set(indexing))
    assert len(indexing) > 10
    assert indexing[-1] == 1200


def test_what_a_passage_matched_can_be_looked_up(tmp_path: Path) -> None:
    made = FrozenCollection.build(PASSAGES, tmp_path / "c")
    assert made.searched([1, 0]) == ["A title\nand it was there", "the cat sat on the mat"]
    assert made.holding("cats on the mat").tolist() == [0]
    assert made.holding("title").tolist() == [1]
    assert made.holding("cat title").tolist() == []
    assert made.holding("cat xyzzy").tolist() == []
    assert made.holding("the").tolist() == []


@pytest.mark.parametrize("part", ["corpus", "encoder", "index"])
def test_parts_of_another_collection_are_refused(tmp_path: Path, part: str) -> None:
    one = FrozenCollection.build(PASSAGES, tmp_path / "one").folder
    other = FrozenCollection.build([*PASSAGES, Passage("c", "more")], tmp_path / "other").folder
    shutil.rmtree(one / part)
    shutil.copytree(other / part, one / part)
    with pytest.raises(ArtifactError, match=part):
        FrozenCollection.load(one)
    shutil.copy(other / "manifest.json", one / "manifest.json")
    with pytest.raises(ArtifactError):
        FrozenCollection.load(one)


def test_an_older_collection_is_replaced_and_another_thing_is_not(tmp_path: Path) -> None:
    FrozenCollection.build(PASSAGES, tmp_path / "c")
    assert len(FrozenCollection.build(PASSAGES[:1], tmp_path / "c")) == 1
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="not an artifact"):
        FrozenCollection.build(PASSAGES, tmp_path / "notes")
    assert (tmp_path / "notes" / "a.txt").read_text() == "mine"


def test_titles_that_are_only_stored_are_shown_and_not_searched(tmp_path: Path) -> None:
    passages = [
        Passage("a", "about a dog", "vizsla"),
        Passage("b", "a vizsla points"),
        Passage("c", "", "only a vizsla"),
    ]
    stored = FrozenCollection.build(passages, tmp_path / "stored", IndexSettings(titles="store"))
    indexed = FrozenCollection.build(passages, tmp_path / "indexed")
    query = "vizsla"
    assert stored.retriever.search([query], 3).row(0)[0].tolist() == [1]
    assert sorted(indexed.retriever.search([query], 3).row(0)[0].tolist()) == [0, 1, 2]
    assert stored.searcher.search(['+"vizsla" dog points'], 3).row(0)[0].tolist() == [1]
    assert stored.corpus.texts([0]) == [("vizsla", "about a dog")]


def test_a_calibrated_collection_gives_probabilities_in_the_same_order(tmp_path: Path) -> None:
    made = FrozenCollection.build([Passage(f"p{i}", "run " * i + "swim") for i in range(1, 30)], tmp_path / "c")
    curve = Curve("log", slope=2.0, rival=1.0, level=0.5, bias=0.0, floor=-3.0)
    calibrated = made.calibrated(Calibration(curve, made.scorers))
    queries = ["run", "swim", "run swim", "none"]
    for plain, said in ((made.retriever, calibrated.retriever), (made.searcher, calibrated.searcher)):
        hits = said.search(queries, 20)
        assert hits.positions.tolist() == plain.search(queries, 20).positions.tolist()
        real = hits.positions >= 0
        assert ((hits.scores[real] > 0) & (hits.scores[real] <= 1)).all()
    whole = calibrated.searcher.search(["run"], 29)
    some = calibrated.searcher.search(['run -"run run"'], 29)
    place = whole.positions[0].tolist().index(int(some.positions[0, 0]))
    assert some.scores[0, 0] == pytest.approx(whole.scores[0, place], rel=1e-5)


def test_a_calibration_of_another_index_is_refused(tmp_path: Path) -> None:
    passages = [Passage("a", "run swim"), Passage("b", "run")]
    one = FrozenCollection.build(passages, tmp_path / "one")
    same = FrozenCollection.build(passages, tmp_path / "same")
    other = FrozenCollection.build([*passages, Passage("c", "swim")], tmp_path / "other")
    calibration = Calibration(Curve("log", 1.0, 0.0, 0.0, 0.0, 0.0), one.scorers)
    assert same.calibrated(calibration).calibration == calibration
    with pytest.raises(IncompatibleError, match="another encoder and another index"):
        other.calibrated(calibration)
    with pytest.raises(IncompatibleError, match="another encoder and another index"):
        one.calibrated(Calibration(calibration.curve))
