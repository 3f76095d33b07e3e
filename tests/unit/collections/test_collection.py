"""A collection: what its changes come to, who may change it, and what is said where one cannot be made."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.collection_model import ENCODERS, DenseToy, SparseToy, check

from vizsla.collections import intake
from vizsla.collections.changes import Counts
from vizsla.collections.collection import Collection
from vizsla.collections.log import State
from vizsla.core.errors import ArtifactError, DataError, IncompatibleError, SettingsError
from vizsla.core.protocols import Passage

A, B = Passage("a", "vizslas point"), Passage("b", "维兹拉犬", "title", {"year": 2020}, "book")


def held(collection: Collection) -> list[Passage]:
    return list(collection.export())


def encoded(collection: Collection) -> int:
    model: Any = collection.encoders["toy"]
    return int(model.encoded)


def names(collection: Collection) -> list[str]:
    return sorted(path.name for path in (collection.folder / "segments").iterdir())


def test_what_was_added_is_there_in_order(collection: Collection) -> None:
    assert held(collection) == [A, B]
    assert collection.get("b") == B
    assert collection.get("none") is None
    assert ("a" in collection, "none" in collection, 7 in collection, len(collection)) == (True, False, False, 2)


def test_dicts_are_passages(collection: Collection) -> None:
    counts = collection.add(
        [{"id": "c", "text": "t"}, {"id": "d", "text": "", "title": "two\nlines", "metadata": {"year": 1}}]
    )
    assert counts == Counts(added=2)
    assert held(collection)[2:] == [Passage("c", "t"), Passage("d", "", "two lines", {"year": 1})]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"id": "c"}, "passage 1: found no text"),
        ({"id": "c", "txt": "t"}, "found the key 'txt'; did you mean 'text'"),
        ({"id": 7, "text": "t"}, "passage 1: found id = '7' .int.; wanted a text"),
        ({"id": "", "text": "t"}, "passage 1: found an empty id"),
        ({"id": "c", "text": "t", "metadata": [1]}, "found metadata of type list"),
        ({"id": "c", "text": "t", "metadata": {"parent": "p"}}, "found the field 'parent'"),
        ({"id": "c", "text": "t", "metadata": {"year": "late"}}, "'year' is of the kind number"),
        ({"id": "c", "text": "\ud800"}, "half a surrogate pair"),
        ("text", "found str; wanted a Passage"),
    ],
)
def test_what_is_no_passage_is_refused_and_nothing_is_added(collection: Collection, given: Any, said: str) -> None:
    before = collection.views.latest()
    with pytest.raises(DataError, match=said):
        collection.add([{"id": "fine", "text": "t"}, given])
    assert collection.views.latest() is before
    assert held(collection) == [A, B]


def test_adding_the_same_again_does_nothing(collection: Collection) -> None:
    before, model = collection.views.latest(), encoded(collection)
    assert collection.add([B, A, A]) == Counts(unchanged=3)
    assert collection.update([B]) == Counts(unchanged=1)
    assert collection.views.latest() is before
    assert encoded(collection) == model


OTHERS = [
    Passage("a", "other"),
    Passage("a", A.text, "t"),
    Passage("a", A.text, "", {"year": 1}),
    Passage("a", A.text, "", {}, "p"),
]


@pytest.mark.parametrize("other", OTHERS)
def test_another_content_under_an_id_is_an_error_of_add(collection: Collection, other: Passage) -> None:
    with pytest.raises(DataError, match=r"found the id 'a'.*the collection holds 'vizslas point'.*`update`"):
        collection.add([Passage("c", "new"), other])
    with pytest.raises(DataError, match=r"found the id 'n' for 'two', while the same call holds 'one'"):
        collection.add([Passage("n", "one"), Passage("n", "two")])
    assert held(collection) == [A, B]


def test_an_update_replaces_moves_to_the_end_and_the_last_counts(collection: Collection) -> None:
    last = Passage("a", "third")
    counts = collection.update([Passage("a", "first"), Passage("c", "new"), last, B])
    assert counts == Counts(added=1, replaced=1, unchanged=2)
    assert held(collection) == [B, Passage("c", "new"), last]
    check(collection, {one.id: one for one in held(collection)})


def test_metadata_alone_is_not_encoded_again(collection: Collection) -> None:
    before = encoded(collection)
    collection.update([Passage(B.id, B.text, B.title, {"year": 2021}), Passage("a", "other text")])
    assert encoded(collection) == before + 1
    check(collection, {"b": Passage(B.id, B.text, B.title, {"year": 2021}), "a": Passage("a", "other text")})


def test_deletions_are_counted(collection: Collection) -> None:
    assert collection.delete(["a", "x", "a", "y"]) == Counts(deleted=1, absent=2)
    assert collection.delete(["a"]) == Counts(absent=1)
    assert held(collection) == [B]
    assert collection.add([Passage("a", "again")]) == Counts(added=1)
    assert held(collection) == [B, Passage("a", "again")]


@pytest.mark.parametrize("ids", ["a", [1], [None]])
def test_what_is_no_id_is_refused(collection: Collection, ids: Any) -> None:
    with pytest.raises(DataError, match="wanted"):
        collection.delete(ids)
    assert len(collection) == 2


def test_all_deleted_leaves_no_segment(collection: Collection) -> None:
    collection.delete(["a", "b"])
    assert (held(collection), names(collection), len(collection)) == ([], [], 0)
    collection.compact()
    collection.add([A])
    assert held(collection) == [A]


def test_compacting_leaves_one_segment_without_dead_rows(collection: Collection) -> None:
    collection.add([Passage(str(number), "t") for number in range(40)])
    collection.add([Passage("one more", "t")])
    collection.delete(["3"])
    assert len(names(collection)) == 2
    collection.compact()
    assert len(names(collection)) == 1
    assert collection.info().dead == 0
    before = collection.views.latest()
    collection.compact()
    assert collection.views.latest() is before, "nothing was left to do"


def test_batches_are_commits_and_what_was_committed_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "BATCH_PASSAGES", 10)
    collection = Collection.create(folder, ENCODERS)
    given = [Passage(str(number), f"text {number}") for number in range(95)]
    told: list[tuple[str, int, int]] = []

    def broken() -> Iterator[Passage]:
        yield from given[:50]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collection.add(broken())
    there = len(collection)
    assert 30 <= there <= 50
    before = encoded(collection)
    counts = collection.add(given, progress=lambda *said: told.append(said))
    assert counts == Counts(added=95 - there, unchanged=there)
    assert encoded(collection) - before == 95 - there, "what was there is not encoded again"
    assert told == [("adding", min(done, 95), 95) for done in range(10, 105, 10)]
    assert held(collection) == given
    assert len(collection.info().segments) <= 4
    check(collection, {one.id: one for one in given})


def test_ids_that_come_again_in_the_next_batch_are_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "BATCH_PASSAGES", 1)
    collection = Collection.create(folder, ENCODERS)
    assert collection.add([A, A, B]) == Counts(added=2, unchanged=1)
    new = Passage("a", "new")
    assert collection.update([Passage("a", "old"), new, new, B]) == Counts(replaced=2, unchanged=2)
    assert held(collection) == [B, new]
    with pytest.raises(DataError, match="while the collection holds 'new'"):
        collection.add([new, Passage("a", "other")])
    check(collection, {"b": B, "a": new})


def test_a_list_learns_its_kind_later(collection: Collection) -> None:
    collection.add([Passage("c", "t", metadata={"tags": []})])
    collection.add([Passage("d", "t", metadata={"tags": ["x"]})])
    collection.compact()
    assert [one.metadata for one in held(collection)[2:]] == [{"tags": []}, {"tags": ["x"]}]
    assert collection.info().fields == {"year": "number", "parent": "text", "tags": "texts"}


def test_a_reader_keeps_what_it_opened(collection: Collection, folder: Path) -> None:
    reader = Collection.open(folder)
    snapshot, old = reader.snapshot(), reader.views.latest()
    kept = reader.export()
    assert next(kept) == A
    collection.update([Passage("a", "other")])
    collection.delete(["b"])
    collection.compact()
    assert list(kept) == [B], "an export that was begun goes on as it began"
    assert [segment.passage(row) for segment in old.segments for row in range(len(segment))] == [A, B]
    assert snapshot.texts([0, 1]) == [A.text, (B.title, B.text)]
    assert reader.snapshot() is not snapshot
    assert held(reader) == [Passage("a", "other")]
    assert reader.snapshot() is reader.snapshot()


def test_a_reader_looks_again_where_a_segment_was_merged_away(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Collection.open(folder)
    collection.add([Passage("c", "t")])
    read, looks = reader.views.log.read, 0

    def late() -> State:
        nonlocal looks
        state, looks = read(), looks + 1
        if looks == 1:
            collection.compact()
            collection.add([Passage("d", "t")])
            collection.compact()
        return state

    monkeypatch.setattr(reader.views.log, "read", late)
    assert [one.id for one in held(reader)] == ["a", "b", "c", "d"]
    assert looks == 2


def test_a_reader_goes_on_with_the_collection_that_stands_in_its_place(
    collection: Collection, folder: Path, tmp_path: Path
) -> None:
    collection.delete(["a"])
    reader = Collection.open(folder)
    assert [one.id for one in reader.search("维兹拉犬", pipeline="bm25")] == ["b"]
    other = Collection.create(tmp_path / "other", ENCODERS)
    other.add([Passage("c", "vizslas point"), Passage("d", "vizslas run")])
    other.delete(["d"])
    wanted = other.search("vizslas", pipeline="bm25")
    shutil.rmtree(folder)
    (tmp_path / "other").rename(folder)
    assert reader.info().commit == Collection.open(folder).info().commit == 3
    assert reader.search("vizslas", pipeline="bm25") == wanted, "by its own counts"
    assert [one.id for one in held(reader)] == ["c"]


def test_a_collection_of_other_settings_in_its_place_is_to_be_opened_again(
    collection: Collection, folder: Path, tmp_path: Path
) -> None:
    Collection.create(tmp_path / "other", language="en").add([Passage("a", "dogs")])
    shutil.rmtree(folder)
    (tmp_path / "other").rename(folder)
    for _ in range(2):
        with pytest.raises(ArtifactError, match="made with other settings; open it again"):
            collection.search("dogs")
    assert [one.id for one in Collection.open(folder).search("dog")] == ["a"]


def test_a_look_opens_nothing(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    found = collection.search("point", pipeline="bm25")
    monkeypatch.setattr("sqlite3.connect", None)
    assert collection.search("point", pipeline="bm25") == found


def test_another_model_under_the_name_is_refused(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "vizsla.assembly.load", lambda model: DenseToy("other") if model == "dense-toy" else SparseToy()
    )
    reader = Collection.open(folder)
    assert held(reader) == [A, B], "reading needs no model"
    with pytest.raises(IncompatibleError, match="differ in toy: 'toy' against 'other'"):
        reader.add([Passage("c", "t")])
    assert held(reader) == [A, B]


def test_a_model_that_moved_is_named_when_opening(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def load(model: str) -> Any:
        asked.append(model)
        return DenseToy() if "dense" in model else SparseToy()

    monkeypatch.setattr("vizsla.assembly.load", load)
    Collection.open(folder, models={"toy": "moved/dense"}).add([Passage("c", "t")])
    assert asked == ["moved/dense", "sparse-toy"]
    with pytest.raises(SettingsError, match="found a model for 'bm25'"):
        Collection.open(folder, models={"bm25": "x"})


@pytest.mark.parametrize(
    ("encoders", "said"),
    [
        ([], "wanted at least one"),
        (["bm25", "bm25"], "each under its own name"),
        (["bm25=x"], "wanted 'bm25', or NAME=MODEL"),
        (["toy"], "wanted 'bm25', or NAME=MODEL"),
        (["../x=toy"], "wanted 'bm25', or NAME=MODEL"),
        ("bm25", r"wanted a list of encoders"),
    ],
)
def test_encoders_that_cannot_be_are_refused(folder: Path, encoders: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Collection.create(folder, encoders)
    assert not folder.exists()


def test_a_model_that_makes_no_vectors_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vizsla.assembly.load", lambda model: object())
    with pytest.raises(IncompatibleError, match="wanted a model that makes vectors"):
        Collection.create(folder, ["x=model"])


def test_a_place_that_is_taken_is_refused(collection: Collection, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="a collection stands there"):
        Collection.create(folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/notes.txt").touch()
    with pytest.raises(ArtifactError, match=r"found 'notes.txt' there"):
        Collection.create(tmp_path / "other")
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match="cannot be written"):
        Collection.create(tmp_path / "file")
    assert held(Collection.open(folder)) == [A, B]


def test_what_is_no_collection_gets_no_lock(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no collection"):
        Collection.open(tmp_path)
    assert not list(tmp_path.iterdir())


def test_info_says_what_there_is(collection: Collection) -> None:
    collection.delete(["a"])
    collection.keep_pipeline("best", "rrf(bm25, toy)")
    collection.keep_reranker("judge", "some/model")
    info = collection.info()
    assert (info.passages, info.dead, info.segments, info.commit) == (1, 1, (2,), 5)
    assert info.encoders == {"bm25": "lexical", "toy": "dense", "terms": "sparse"}
    assert info.models == {"toy": "dense-toy", "terms": "sparse-toy"}
    assert info.fields == {"year": "number", "parent": "text"}
    assert info.pipelines == {"best": "rrf(bm25, toy)"}
    assert info.rerankers == {"judge": "some/model"}
    assert info.size_bytes == collection.verify()
    collection.keep_pipeline("best", None)
    collection.keep_reranker("judge", None)
    assert (collection.info().pipelines, collection.info().rerankers) == ({}, {})


def test_a_pipeline_of_what_is_not_there_is_refused(collection: Collection) -> None:
    with pytest.raises(SettingsError, match="found no encoder 'dense'"):
        collection.keep_pipeline("best", "rrf(bm25, dense)")
    assert not collection.info().pipelines
