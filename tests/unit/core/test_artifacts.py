import os
from pathlib import Path

import numpy as np
import pytest

from vizsla.core import artifacts
from vizsla.core.artifacts import Artifact, draft, open_artifact, read_manifest
from vizsla.core.errors import ArtifactError, IncompatibleError

DEAD = 2**22 + 1  # above the highest process number that Linux gives


def write(folder: Path, value: int = 1, kind: str = "box") -> Path:
    with draft(folder, kind=kind, version=3, settings={"value": value}, made_from={"corpus": "abc"}) as made:
        made.array("numbers", np.full(5, value, dtype=np.int64))
        made.path("words.txt").write_text("été\n", encoding="utf-8")
    return folder


def opened(folder: Path) -> Artifact:
    return open_artifact(folder, kind="box", version=3)


def value(folder: Path) -> int:
    artifact = opened(folder)
    artifact.verify()
    numbers = artifact.array("numbers", np.int64)
    assert (numbers == artifact.settings["value"]).all()
    return int(numbers[0])


def beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir() if path != folder)


def fail(folder: Path, error: type[BaseException] = RuntimeError) -> None:
    with draft(folder, kind="box", version=3, settings={}) as made:
        made.array("numbers", np.zeros(3))
        raise error


def write_a_thesis(folder: Path) -> None:
    folder.mkdir()
    (folder / "chapter").write_text("years of work")


def test_what_is_written_is_opened(tmp_path: Path) -> None:
    artifact = opened(write(tmp_path / "deep" / "a", 7))
    assert artifact.settings == {"value": 7}
    assert artifact.manifest["made_from"] == {"corpus": "abc"}
    assert artifact.path("words.txt").read_text(encoding="utf-8") == "été\n"
    numbers = artifact.array("numbers", np.int64)
    assert numbers.tolist() == [7] * 5
    assert not numbers.flags.writeable
    assert isinstance(numbers, np.memmap)
    assert artifact.verify() == sum(entry["size_bytes"] for entry in artifact.manifest["files"].values())
    assert beside(tmp_path / "deep" / "a") == []


def test_settings_may_be_filled_while_writing(tmp_path: Path) -> None:
    settings: dict[str, int] = {}
    with draft(tmp_path / "a", kind="box", version=3, settings=settings):
        settings["late"] = 1
    assert opened(tmp_path / "a").settings == {"late": 1}


def test_nothing_stands_there_before_the_end(tmp_path: Path) -> None:
    with draft(tmp_path / "a", kind="box", version=3, settings={}):
        assert not (tmp_path / "a").exists()
    assert opened(tmp_path / "a")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error):
        fail(tmp_path / "a", error)
    assert not list(tmp_path.iterdir())


def test_an_error_leaves_the_old_one(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", 1)
    with pytest.raises(RuntimeError):
        fail(folder)
    assert value(folder) == 1
    assert beside(folder) == []


def test_a_new_one_takes_the_old_ones_place(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", 1)
    reader = opened(folder).array("numbers", np.int64)
    write(folder, 2)
    assert value(folder) == 2
    assert reader.tolist() == [1] * 5, "an open reader keeps what it opened"
    assert beside(folder) == []


def test_without_the_systems_exchange_the_place_is_taken_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "_swap_names", lambda *_: False)
    folder = write(write(tmp_path / "a", 1), 2)
    assert value(folder) == 2
    assert beside(folder) == []


def test_a_failed_commit_without_the_exchange_puts_the_old_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "a", 1)
    rename, calls = os.rename, iter([False, True])

    def once(source: Path, target: Path) -> None:
        if next(calls, False):
            raise OSError(28, "no space left")
        rename(source, target)

    monkeypatch.setattr(artifacts, "_swap_names", lambda *_: False)
    monkeypatch.setattr(os, "rename", once)
    with pytest.raises((OSError, ArtifactError)):
        write(folder, 2)
    assert value(folder) == 1


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    # What stands on the disk when the writer dies where the system has no exchange of names.
    folder = write(tmp_path / "a", 1)
    folder.rename(tmp_path / f".a.unfinished-{DEAD}-00000000-old")
    write(tmp_path / f".a.unfinished-{DEAD}-00000000", 2)
    with pytest.raises(RuntimeError):
        fail(folder)
    assert value(folder) in {1, 2}


def test_an_empty_folder_is_a_free_place(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert value(write(tmp_path / "a")) == 1


def test_what_is_not_an_artifact_is_never_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    write_a_thesis(folder)
    with pytest.raises(ArtifactError, match=r"thesis: something that is not an artifact .* nothing was changed"):
        write(folder)
    (tmp_path / "notes").write_text("more work")
    with pytest.raises(ArtifactError, match="notes: something that is not an artifact"):
        write(tmp_path / "notes")
    assert (folder / "chapter").read_text() == "years of work"
    assert (tmp_path / "notes").read_text() == "more work"


def test_what_came_while_writing_is_not_replaced_either(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    with pytest.raises(ArtifactError, match="not an artifact"), draft(folder, kind="box", version=3, settings={}):
        write_a_thesis(folder)
    assert (folder / "chapter").read_text() == "years of work"


def test_an_artifact_of_another_kind_is_not_replaced(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", kind="crate")
    with pytest.raises(ArtifactError, match="kind 'crate' where a 'box' would go"):
        write(folder)
    assert read_manifest(folder)["kind"] == "crate"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArtifactError, match="file"):
        write(tmp_path / "file" / "a")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real", 1)
    (tmp_path / "a").symlink_to(tmp_path / "real")
    write(tmp_path / "a", 2)
    assert value(tmp_path / "a") == value(tmp_path / "real") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "real"]


@pytest.mark.parametrize("name", ["a", "a[1]", "a*", "été"])
def test_what_dead_writers_left_is_swept(tmp_path: Path, name: str) -> None:
    left = tmp_path / f".{name}.unfinished-{DEAD}-0123abcd"
    alive = tmp_path / f".{name}.unfinished-{os.getppid()}-0123abcd"
    other = tmp_path / f".other.unfinished-{DEAD}-0123abcd"
    for folder in (left, alive, other):
        folder.mkdir()
        (folder / "half").write_bytes(b"x")
    write(tmp_path / name)
    assert beside(tmp_path / name) == sorted([alive.name, other.name])


def test_artifacts_stand_inside_artifacts(tmp_path: Path) -> None:
    with draft(tmp_path / "outer", kind="shelf", version=1, settings={}) as made:
        write(made.path("inner"), 4)
    outer = open_artifact(tmp_path / "outer", kind="shelf", version=1)
    assert value(outer.path("inner")) == 4
    assert sorted(outer.manifest["files"]) == ["inner/manifest.json", "inner/numbers.npy", "inner/words.txt"]
    (tmp_path / "outer/inner/words.txt").write_text("ete!!\n")
    with pytest.raises(ArtifactError, match=r"inner/words\.txt: altered"):
        outer.verify()


def test_an_artifact_of_another_kind_or_format_is_incompatible(tmp_path: Path) -> None:
    folder = write(tmp_path / "a")
    with pytest.raises(IncompatibleError, match="kind 'box'; wanted 'crate'"):
        open_artifact(folder, kind="crate", version=3)
    with pytest.raises(IncompatibleError, match="format 3 of 'box'; this release reads 2"):
        open_artifact(folder, kind="box", version=2)


def test_what_the_manifest_does_not_name_is_not_there(tmp_path: Path) -> None:
    artifact = opened(write(tmp_path / "a"))
    (tmp_path / "a" / "stranger").write_text("x")
    for name in ("stranger", "../a", "", "words"):
        with pytest.raises(ArtifactError, match=f"names no '{name}'"):
            artifact.path(name)


def test_an_array_is_what_the_reader_expects(tmp_path: Path) -> None:
    artifact = opened(write(tmp_path / "a"))
    with pytest.raises(ArtifactError, match=r"numbers.npy: found int64 with 1 dimensions; wanted int32 with 1"):
        artifact.array("numbers", np.int32)
    with pytest.raises(ArtifactError, match=r"wanted int64 with 2"):
        artifact.array("numbers", np.int64, ndim=2)


def test_an_empty_array_is_an_array(tmp_path: Path) -> None:
    with draft(tmp_path / "a", kind="box", version=3, settings={}) as made:
        made.array("none", np.zeros((0, 4), dtype=np.float32))
    assert opened(tmp_path / "a").array("none", np.float32, ndim=2).shape == (0, 4)
