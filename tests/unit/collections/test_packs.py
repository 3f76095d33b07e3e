from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vizsla.collections.packs import Pack, Packed
from vizsla.core.artifacts import draft, open_artifact, read_manifest
from vizsla.core.errors import ArtifactError, IncompatibleError
from vizsla.data.growing import GrowingArray


def filled(path: Path) -> Pack:
    pack = Pack(path)
    made: dict[str, object] = {}
    with draft(pack.root, kind="house", version=1, settings=made) as house:
        house.array("flags", np.array([True, False]))
        with draft(house.inner("rooms/one"), kind="room", version=3, settings={}) as room:
            room.array("table", np.arange(6, dtype=np.float32).reshape(2, 3))
            room.array("nothing", np.zeros((0, 3), np.float32))
            with room.open("grown") as file:
                grown = GrowingArray(file, np.int64)
                grown.append(np.array([1, 2]))
                grown.append(np.array([3]))
                grown.close()
        made["rooms"] = 1
    return pack


def stored(tmp_path: Path) -> Packed:
    filled(tmp_path / "p").write(tmp_path / "p")
    return Pack.read(tmp_path / "p").root


@pytest.mark.parametrize("where", ["memory", "disk"])
def test_what_is_filled_is_opened(tmp_path: Path, where: str) -> None:
    root = stored(tmp_path) if where == "disk" else filled(tmp_path / "p").root
    house = open_artifact(root, kind="house", version=1)
    assert house.settings == read_manifest(root)["settings"] == {"rooms": 1}, "read when the block ended"
    assert house.array("flags", np.bool_).tolist() == [True, False]
    room = open_artifact(house.inner("rooms/one"), kind="room", version=3)
    assert room.array("table", np.float32, 2).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert room.array("nothing", np.float32, 2).shape == (0, 3)
    assert room.array("grown", np.int64).tolist() == [1, 2, 3]
    for array in root.pack.arrays.values():
        assert not array.flags.writeable
        assert array.flags.aligned
        assert type(array) is np.ndarray


def test_what_is_filled_otherwise_is_the_same_file(tmp_path: Path) -> None:
    pack = filled(tmp_path / "p")
    other = Pack(tmp_path / "p", dict(reversed(pack.made.items())), dict(reversed(pack.arrays.items())))
    pack.write(tmp_path / "one")
    other.write(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    root = stored(tmp_path)
    house = open_artifact(root, kind="house", version=1)
    with pytest.raises(ArtifactError, match=r"p/rooms/two: missing in the pack"):
        open_artifact(house.inner("rooms/two"), kind="room", version=3)
    with pytest.raises(ArtifactError, match=r"p: found no array 'doors'"):
        house.array("doors", np.bool_)
    with pytest.raises(ArtifactError, match=r"p/flags.npy: found bool with 1 dimensions; wanted int64 with 1"):
        house.array("flags", np.int64)
    with pytest.raises(IncompatibleError, match="kind 'house'; wanted 'room'"):
        open_artifact(root, kind="room", version=1)
    with pytest.raises(IncompatibleError, match="found format 1 of 'house'; this release reads 2"):
        open_artifact(root, kind="house", version=2)


def broken_off(pack: Pack) -> None:
    with draft(pack.root, kind="k", version=1, settings={}) as made:
        with made.open("never"):
            pass
        with made.open("grown") as file:
            GrowingArray(file, np.int64).append(np.array([1]))
            raise RuntimeError("no more")


def test_an_array_that_was_not_written_whole_leaves_its_error(tmp_path: Path) -> None:
    pack = Pack(tmp_path / "p")
    with pytest.raises(RuntimeError, match="no more"):
        broken_off(pack)
    assert not pack.made, "what failed is no artifact"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_leads_outside_the_file(tmp_path: Path, data: st.DataObject) -> None:
    filled(tmp_path / "p").write(tmp_path / "p")
    content = bytearray((tmp_path / "p").read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "q").write_bytes(content)
    try:
        pack = Pack.read(tmp_path / "q")
    except ArtifactError as error:
        assert str(tmp_path / "q") in str(error)  # noqa: PT017 - which of both it is, is open
    else:
        for array in pack.arrays.values():
            assert array.tobytes() in bytes(content)
            assert array.dtype.kind in "biuf"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"|b1", [2]', b'"|O8", [2]'),
        (b'"<f4", [2, 3], 128', b'"<f4", [9, 9], 128'),
        (b'"<f4", [2, 3], 128', b'"<f4", [2, 3], 129'),
        (b'"<f4", [2, 3], 128', b'"<f4", [2, -3],128'),
        (b'"format": 3', b'"format":"3'),
        (b'"arrays"', b'"arrows"'),
    ],
)
def test_a_directory_that_does_not_fit_is_refused(tmp_path: Path, before: bytes, after: bytes) -> None:
    filled(tmp_path / "p").write(tmp_path / "p")
    content = (tmp_path / "p").read_bytes()
    assert content.count(before) == 1, content
    (tmp_path / "p").write_bytes(content.replace(before, after))
    with pytest.raises(ArtifactError, match="/p: found a directory that does not fit the file"):
        Pack.read(tmp_path / "p")
