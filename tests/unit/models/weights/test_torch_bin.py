"""torch's zip, made by hand: what is in it is read as views, and what does not fit is refused."""

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError
from vizsla.models.weights import torch_bin


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(key: str, kind: str, count: int, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0) -> bytes:
    storage = b"(" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + number(count) + b"tQ"
    body = storage + number(offset) + numbers(size) + numbers(stride) + b"\x89ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + body + b"tR"


def state(**tensors: bytes) -> bytes:
    items = b"".join(text(key) + made for key, made in tensors.items())
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u}(" + text("_metadata") + b"}ub."


def written(folder: Path, pickled: bytes, storages: dict[str, Any], **how: Any) -> Path:
    path = folder / "pytorch_model.bin"
    with zipfile.ZipFile(path, "w", how.get("compression", zipfile.ZIP_STORED)) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", array if isinstance(array, bytes) else array.tobytes())
        for name, content in how.get("more", {}).items():
            archive.writestr(name, content)
    return path


NUMBERS = np.arange(12, dtype="f4") / 4
PLAIN = tensor("0", "FloatStorage", 12, (3, 4), (4, 1))


def test_tensors_are_views_of_their_storages(tmp_path: Path) -> None:
    made = {
        "plain": PLAIN,
        "turned": tensor("0", "FloatStorage", 12, (4, 3), (1, 4)),
        "cut": tensor("0", "FloatStorage", 12, (2, 2), (4, 2), offset=1),
        "one": tensor("0", "FloatStorage", 12, (), (), offset=5),
        "none": tensor("0", "FloatStorage", 12, (0, 4), (4, 1), offset=12),
        "half": tensor("1", "HalfStorage", 2, (2,), (1,)),
        "brain": tensor("2", "BFloat16Storage", 2, (2,), (1,)),
        "whole": tensor("3", "LongStorage", 2, (2,), (1,)),
    }
    storages = {"0": NUMBERS, "1": np.array([1.5, -2], dtype="f2"), "2": np.array([0x3FC0, 0xC000], dtype="u2")}
    found = torch_bin.read(written(tmp_path, state(**made), storages | {"3": np.array([7, 8])}))
    block = NUMBERS.reshape(3, 4)
    wanted = {"plain": block, "turned": block.T, "cut": block[:2, 1::2], "one": np.float32(1.25), "none": block[:0]}
    wanted |= {"half": np.array([1.5, -2]), "brain": np.array([1.5, -2]), "whole": np.array([7, 8])}
    assert found.keys() == wanted.keys()
    for key, array in wanted.items():
        np.testing.assert_array_equal(found[key], array)
    assert {found[key].dtype for key in ("plain", "half", "brain")} == {np.dtype("f4")}
    assert np.shares_memory(found["plain"], found["turned"])


def test_a_big_endian_file_is_read(tmp_path: Path) -> None:
    more = {"archive/byteorder": "big"}
    found = torch_bin.read(written(tmp_path, state(a=PLAIN), {"0": NUMBERS.astype(">f4")}, more=more))
    np.testing.assert_array_equal(found["a"], NUMBERS.reshape(3, 4))


@pytest.mark.parametrize(
    "made",
    [
        tensor("0", "FloatStorage", 12, (4, 4), (4, 1)),
        tensor("0", "FloatStorage", 12, (3, 4), (4, 1), offset=1),
        tensor("0", "FloatStorage", 12, (2**31 - 1,), (0,)),
        tensor("0", "FloatStorage", 12, (2, 2), (-1, 1), offset=3),
        tensor("0", "FloatStorage", 12, (2,), (1,), offset=-1),
        tensor("0", "FloatStorage", 12, (3, 4), (4,)),
        tensor("0", "FloatStorage", 13, (3, 4), (4, 1)),
        tensor("0", "DoubleStorage", 12, (3, 4), (4, 1)),
        tensor("9", "FloatStorage", 12, (3, 4), (4, 1)),
        tensor("../data.pkl", "FloatStorage", 12, (3, 4), (4, 1)),
    ],
)
def test_tensors_that_their_storage_does_not_hold_are_refused(tmp_path: Path, made: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"pytorch_model\.bin: found"):
        torch_bin.read(written(tmp_path, state(a=made), {"0": NUMBERS}))


@pytest.mark.parametrize("name", ["builtins\neval", "torch\nload", "torch._utils\n_rebuild_tensor", "os\nsystem"])
def test_other_globals_are_refused_by_name(tmp_path: Path, name: str) -> None:
    evil = b"\x80\x02c" + name.encode() + b"\n(" + text("1") + b"tR."
    with pytest.raises(ArtifactError, match=rf"the global '{name}'".replace("\n", r"\.")):
        torch_bin.read(written(tmp_path, evil, {}))


def test_a_compressed_file_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    made = tensor("0", "FloatStorage", 1 << 22, (1 << 22,), (1,))
    path = written(tmp_path, state(a=made), {"0": bytes(1 << 24)}, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 17
    with pytest.raises(ArtifactError, match=r"compressed.*wanted it stored"):
        torch_bin.read(path)


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, state(a=PLAIN), {"0": NUMBERS})
    whole = path.read_bytes()
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        with pytest.raises(ArtifactError, match=r"pytorch_model\.bin"):
            torch_bin.read(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<html>", "no whole zip"),
    ],
)
def test_what_is_no_zip_is_told_apart(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=said):
        torch_bin.read(path)


def test_a_program_of_torch_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, state(a=PLAIN), {"0": NUMBERS}, more={"archive/constants.pkl": b"\x80\x02)."})
    with pytest.raises(ArtifactError, match=r"without one data\.pkl"):
        torch_bin.read(path)
