"""What a collection says of other writers, of damage and of newer releases; nothing is lost by it."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from vizsla.collections import segment_files
from vizsla.collections.collection import Collection
from vizsla.collections.locking import locked
from vizsla.collections.log import FORMAT
from vizsla.collections.packs import Pack
from vizsla.core.errors import ArtifactError, IncompatibleError, OverloadedError
from vizsla.core.protocols import Passage

A, B = Passage("a", "vizslas point"), Passage("b", "维兹拉犬", "title", {"year": 2020}, "book")
C = Passage("c", "dogs run")


def held(collection: Collection) -> list[Passage]:
    return list(collection.export())


def names(collection: Collection) -> list[str]:
    return sorted(path.name for path in (collection.folder / "segments").iterdir())


def test_a_second_writer_is_told_who_writes(collection: Collection, folder: Path) -> None:
    program = "import sys, time; from pathlib import Path; from vizsla.collections.locking import locked\n"
    program += f"with locked(Path({str(folder)!r})): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        try:
            for change in (lambda: collection.add([A]), lambda: collection.delete(["a"]), collection.compact):
                with pytest.raises(OverloadedError, match=f"process {other.pid} on .* is writing to it; try again"):
                    change()
            assert held(Collection.open(folder)) == [A, B]
        finally:
            other.kill()
    assert collection.delete(["a"]).deleted == 1, "the system gives the lock of a dead process back"


def test_a_second_writer_of_one_process_is_refused_too(collection: Collection, folder: Path) -> None:
    with locked(folder), pytest.raises(OverloadedError, match=f"process {os.getpid()}"):
        collection.delete(["a"])


def test_a_disk_without_locks_is_said(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refused)
    with pytest.raises(
        ArtifactError, match=r"writer\.lock: cannot be locked \(No locks available\); put the collection"
    ):
        collection.delete(["a"])


def test_what_killed_writers_left_is_removed_by_the_next_one(collection: Collection, folder: Path) -> None:
    shutil.copytree(folder / "segments/00000001", folder / "segments/00000002")
    (folder / "segments/.00000003.unfinished-1-x").mkdir()
    assert held(Collection.open(folder)) == [A, B]
    collection.delete(["none"])
    assert names(collection) == ["00000001"]


def test_what_else_stands_among_segments_stays(collection: Collection, folder: Path, tmp_path: Path) -> None:
    (folder / "segments").rename(tmp_path / "disk")
    (folder / "segments").symlink_to(tmp_path / "disk")
    (tmp_path / "disk/lost+found").mkdir()
    (tmp_path / "disk/photos").mkdir()
    collection.add([C])
    assert names(collection) == ["00000002", "lost+found", "photos"]
    assert held(Collection.open(folder)) == [A, B, C]


def test_a_copy_restored_and_changed_while_it_is_open_is_what_counts(
    collection: Collection, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "backup")
    collection.add([C, Passage("f", "vizslas sleep")])
    assert collection.search("vizslas sleep", pipeline="bm25")[0].id == "f"
    shutil.rmtree(folder / "segments")
    shutil.copytree(tmp_path / "backup", folder, dirs_exist_ok=True)
    other = Collection.open(folder)
    other.add([Passage("c", "vizslas dream"), Passage("d", "vizslas swim")])
    other.delete(["a"])  # one commit more: SQLite itself takes a file of as many changes for the same
    kept = held(other)
    assert held(collection) == kept
    asked = ["vizslas", "sleep", "dream"]
    assert collection.search(asked, pipeline="bm25") == other.search(asked, pipeline="bm25")
    collection.add([Passage("g", "later")])
    assert held(Collection.open(folder)) == [*kept, Passage("g", "later")]


def test_a_lock_that_is_a_link_leads_nowhere(collection: Collection, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    (folder / "writer.lock").unlink()
    (folder / "writer.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(ArtifactError, match=r"writer\.lock: cannot be written to"):
        collection.delete(["a"])
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.fixture
def unpacked(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> Collection:
    """As if it were large: its one segment is a folder of arrays."""
    monkeypatch.setattr(segment_files, "PACKED_BYTES", -1)
    collection.add([C])
    assert names(collection) == ["00000002"]
    return collection


def alter(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("place", [0, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_an_altered_byte_is_found(collection: Collection, folder: Path, place: float) -> None:
    path = folder / "segments/00000001/segment.pack"
    alter(path, int(place * path.stat().st_size))
    with pytest.raises(ArtifactError, match=r"00000001/segment\.pack"):
        Collection.open(folder).verify()


STORED = ["corpus/bytes.npy", "parts/bm25/index/row_values.npy", "parts/toy/vectors.npy", "metadata.npy"]


@pytest.mark.parametrize("name", STORED)
def test_an_altered_byte_of_a_large_segment_is_found(unpacked: Collection, name: str) -> None:
    alter(unpacked.folder / "segments/00000002" / name, -1)
    with pytest.raises(ArtifactError, match=f"{name}.*altered"):
        Collection.open(unpacked.folder).verify()


@pytest.mark.parametrize("size", [0, 7, 64, 1000])
def test_a_truncated_file_is_named(collection: Collection, folder: Path, size: int) -> None:
    os.truncate(folder / "segments/00000001/segment.pack", size)
    with pytest.raises(ArtifactError, match=rf"segment\.pack: found {size} bytes; wanted \d+: truncated"):
        Collection.open(folder)


def lose(folder: Path, name: str) -> None:
    path = folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("name", ["segment.pack", "manifest.json", "."])
def test_a_segment_file_that_is_gone_is_said(collection: Collection, folder: Path, name: str) -> None:
    assert held(collection) == [A, B], "opened before"
    lose(folder / "segments/00000001", name)
    with pytest.raises(ArtifactError, match="00000001"):
        Collection.open(folder)
    assert held(collection) == [A, B], "who has it open goes on"
    with pytest.raises(ArtifactError, match="00000001"):
        collection.verify()


@pytest.mark.parametrize("name", ["corpus/bytes.npy", "manifest.json", "parts/bm25/index/row_values.npy", "."])
def test_a_file_of_a_large_segment_that_is_gone_is_said(unpacked: Collection, name: str) -> None:
    assert held(unpacked) == [A, B, C], "opened before"
    lose(unpacked.folder / "segments/00000002", name)
    with pytest.raises(ArtifactError, match="00000002"):
        Collection.open(unpacked.folder)
    assert held(unpacked) == [A, B, C], "who has it open goes on"


def test_a_segment_of_a_newer_format_is_refused(collection: Collection, folder: Path) -> None:
    path = folder / "segments/00000001/manifest.json"
    path.write_text(path.read_text().replace('"format": 2', '"format": 3'))
    with pytest.raises(IncompatibleError, match=r"found format 3 of 'segment'; this release reads 2"):
        Collection.open(folder)


def test_other_sizes_than_the_log_says_are_refused(collection: Collection, folder: Path) -> None:
    with sqlite3.connect(folder / "log.sqlite") as connection:
        connection.execute("UPDATE segments SET size = 3")
    connection.close()
    with pytest.raises(ArtifactError, match="found 2 rows; wanted 3"):
        Collection.open(folder)


def test_a_next_segment_that_is_there_is_never_written_over(collection: Collection, folder: Path) -> None:
    with sqlite3.connect(folder / "log.sqlite") as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'next_segment'")
    connection.close()
    again, before = Collection.open(folder), (folder / "segments/00000001/manifest.json").read_bytes()
    with pytest.raises(ArtifactError, match="the next segment is '00000001', which is there"):
        again.add([Passage(f"n{number}", "t") for number in range(20)])
    assert (folder / "segments/00000001/manifest.json").read_bytes() == before


def test_an_id_that_lives_twice_does_not_verify(collection: Collection, folder: Path) -> None:
    shutil.copytree(folder / "segments/00000001", folder / "segments/00000009")
    with sqlite3.connect(folder / "log.sqlite") as connection:
        connection.execute("INSERT INTO segments VALUES (1, '00000009', 2, NULL)")
    connection.close()
    with pytest.raises(ArtifactError, match="found the id 'a' alive twice"):
        Collection.open(folder).verify()


def test_a_newer_format_is_refused_by_readers_and_writers(collection: Collection, folder: Path) -> None:
    with sqlite3.connect(folder / "log.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    with pytest.raises(IncompatibleError, match="this release reads"):
        Collection.open(folder)
    with pytest.raises(IncompatibleError, match="this release reads"):
        collection.add([Passage("c", "t")])
    assert names(collection) == ["00000001"]


@pytest.mark.parametrize(("where", "name"), [(Pack, "write"), (os, "fsync"), (os, "rename")])
def test_a_full_disk_changes_nothing(
    collection: Collection, folder: Path, where: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(where, name, full)
        with pytest.raises(ArtifactError, match=r"No space left on device.*what was committed is whole"):
            collection.add([Passage("c", "t")])
    assert held(collection) == held(Collection.open(folder)) == [A, B]
    assert names(collection) == ["00000001"]
    assert collection.add([Passage("c", "t")]).added == 1
