"""A folder that people edit, and a collection that follows: edits, moves, renames and removals."""

from pathlib import Path
from typing import Any

import pytest
from tests.integration.collection_model import ENCODERS

from vizsla.collections.changes import Counts
from vizsla.collections.collection import Collection
from vizsla.collections.syncing import FIELD, Synced, SyncSettings, sync
from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.sources import read_passages


@pytest.fixture
def followed(folder: Path) -> Collection:
    return Collection.create(folder, ENCODERS)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "notes/deep").mkdir(parents=True)
    write(tmp_path / "notes/dogs.md", "Vizslas", "Poodles", "Pugs")
    (tmp_path / "notes/deep/my cats.txt").write_text("Cats sleep.\n", encoding="utf-8")
    return tmp_path / "notes"


def write(path: Path, *headings: str) -> None:
    """A file of a passage a heading."""
    text = "".join(f"# {one}\n\nWhat is said of {one}.\n\n" for one in headings)
    path.write_text(text, encoding="utf-8")


def titles(collection: Collection) -> dict[str, str]:
    return {one.id: one.title for one in collection.export()}


def encoded(collection: Collection) -> int:
    model: Any = collection.encoders["toy"]
    return int(model.encoded)


def test_the_first_sync_adds_everything(followed: Collection, notes: Path) -> None:
    assert sync(followed, notes) == Synced("notes", 2, Counts(added=4))
    assert titles(followed) == {
        "deep/my%20cats.txt#0": "my cats",
        "dogs.md#0": "Vizslas",
        "dogs.md#1": "Poodles",
        "dogs.md#2": "Pugs",
    }
    one = followed.get("dogs.md#1")
    assert one == Passage("dogs.md#1", "What is said of Poodles.", "Poodles", {FIELD: "notes"}, "dogs.md")


def test_nothing_changed_is_nothing_done(followed: Collection, notes: Path) -> None:
    sync(followed, notes)
    commit, before = followed.info().commit, encoded(followed)
    assert sync(followed, notes).counts == Counts(unchanged=4)
    assert (followed.info().commit, encoded(followed)) == (commit, before)


def test_an_edit_keeps_the_id_and_encodes_that_passage_alone(followed: Collection, notes: Path) -> None:
    sync(followed, notes)
    before = encoded(followed)
    write(notes / "dogs.md", "Vizslas", "Terriers", "Pugs")
    assert sync(followed, notes).counts == Counts(replaced=1, unchanged=3)
    assert titles(followed)["dogs.md#1"] == "Terriers"
    assert encoded(followed) - before == 1


def test_what_comes_between_leaves_the_ids_of_what_follows(followed: Collection, notes: Path) -> None:
    sync(followed, notes)
    before = encoded(followed)
    write(notes / "dogs.md", "Boxers", "Vizslas", "Pugs", "Poodles")
    assert sync(followed, notes).counts == Counts(added=1, unchanged=4)
    held = titles(followed)
    assert [held[f"dogs.md#{n}"] for n in range(4)] == ["Vizslas", "Poodles", "Pugs", "Boxers"]
    assert encoded(followed) - before == 1


def test_what_is_gone_is_removed_and_its_number_given_again(followed: Collection, notes: Path) -> None:
    sync(followed, notes)
    write(notes / "dogs.md", "Vizslas", "Pugs")
    assert sync(followed, notes).counts == Counts(unchanged=3, deleted=1)
    assert "dogs.md#1" not in followed
    write(notes / "dogs.md", "Vizslas", "Pugs", "Boxers")
    assert sync(followed, notes).counts == Counts(added=1, unchanged=3)
    assert titles(followed)["dogs.md#3"] == "Boxers", "higher than any that is held"


def test_a_renamed_file_is_not_encoded_again(followed: Collection, notes: Path) -> None:
    sync(followed, notes)
    before = encoded(followed)
    vectors = exported(followed)
    (notes / "dogs.md").rename(notes / "hounds.md")
    assert sync(followed, notes).counts == Counts(added=3, unchanged=1, deleted=3)
    assert encoded(followed) == before
    assert {id_ for id_ in titles(followed) if "dogs" in id_} == set()
    assert exported(followed) == vectors
    followed.verify()


def exported(collection: Collection) -> dict[str, Any]:
    """Vectors by text."""
    segments = collection.snapshot().placed.segments
    found = {}
    for held in segments:
        part: Any = held.segment.parts["toy"]
        for row in range(len(held.segment)):
            passage = held.segment.passage(row)
            if collection.get(passage.id) is not None:
                found[passage.text] = part.index.vectors[row].tolist()
    return found


def test_a_removed_file_is_removed_and_what_came_otherwise_stays(followed: Collection, notes: Path) -> None:
    followed.add([Passage("own", "by hand"), Passage("dogs.md", "no number")])
    sync(followed, notes)
    (notes / "dogs.md").unlink()
    assert sync(followed, notes).counts == Counts(unchanged=1, deleted=3)
    assert set(titles(followed)) == {"own", "dogs.md", "deep/my%20cats.txt#0"}


def test_a_text_twice_is_two_passages(followed: Collection, notes: Path) -> None:
    for _ in range(2):
        write(notes / "dogs.md", "Pugs", "Pugs")
        sync(followed, notes)
        assert [title for id_, title in titles(followed).items() if "dogs" in id_] == ["Pugs", "Pugs"]


def test_it_takes_charge_of_what_was_added_from_these_files(followed: Collection, notes: Path) -> None:
    followed.add(read_passages(notes))
    before = encoded(followed)
    write(notes / "dogs.md", "Vizslas", "Pugs")
    assert sync(followed, notes).counts == Counts(replaced=3, deleted=1)
    assert encoded(followed) == before
    assert set(titles(followed)) == {"dogs.md#0", "dogs.md#2", "deep/my%20cats.txt#0"}
    assert sync(followed, notes).counts == Counts(unchanged=3)


def test_two_folders_do_not_touch_each_other(followed: Collection, notes: Path, tmp_path: Path) -> None:
    sync(followed, notes)
    (tmp_path / "work").mkdir()
    write(tmp_path / "work/plans.md", "Now", "Then")
    assert sync(followed, tmp_path / "work").counts == Counts(added=2)
    assert sync(followed, notes).counts == Counts(unchanged=4)
    write(tmp_path / "work/dogs.md", "Other")
    with pytest.raises(DataError, match=r"'dogs\.md#0' in use for the folder 'notes'; wanted it free for 'work'"):
        sync(followed, tmp_path / "work")


def test_a_moved_folder_goes_by_its_old_name(followed: Collection, notes: Path, tmp_path: Path) -> None:
    sync(followed, notes)
    notes.rename(tmp_path / "it's new")
    assert sync(followed, tmp_path / "it's new", SyncSettings("notes")).counts == Counts(unchanged=4)
    assert sync(followed, tmp_path / "it's new", SyncSettings("notes")).name == "notes"


def test_a_folder_that_lost_everything_is_refused(followed: Collection, notes: Path, tmp_path: Path) -> None:
    sync(followed, notes)
    (tmp_path / "other/notes").mkdir(parents=True)
    with pytest.raises(DataError, match="found no texts, while the collection holds those of 2 files"):
        sync(followed, tmp_path / "other/notes")
    with pytest.raises(DataError, match="is no folder; wanted one"):
        sync(followed, tmp_path / "absent")
    assert len(followed) == 4


def test_a_name_with_a_quotation_mark_is_a_name(followed: Collection, notes: Path) -> None:
    settings = SyncSettings("it's")
    assert sync(followed, notes, settings).counts == Counts(added=4)
    assert sync(followed, notes, settings).counts == Counts(unchanged=4)


def test_titles_over_two_lines_are_no_change(followed: Collection, notes: Path) -> None:
    (notes / "page.html").write_text("<h1>Two\nlines</h1><p>Text.</p>", encoding="utf-8")
    sync(followed, notes)
    assert sync(followed, notes).counts == Counts(unchanged=5)
