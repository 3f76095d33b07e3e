"""Paddle's tensor files, made by hand."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError
from vizsla.data.wire import bytes_field, number_field, varint
from vizsla.models.weights import variables

BLOCK = np.arange(6, dtype="f4").reshape(2, 3)


def variable(
    array: Any, *, kind: int = 5, shape: tuple[int, ...] | None = None, levels: bytes = b"", packed: bool = False
) -> bytes:
    dims = array.shape if shape is None else shape
    described = bytes([8]) + varint(kind)
    if packed:
        described += bytes_field(2, b"".join(map(varint, dims)))
    else:
        described += b"".join(bytes([16]) + varint(size) for size in dims)
    head = struct.pack("<IQ", 0, 1 if levels else 0)
    head += struct.pack("<Q", len(levels)) + levels if levels else b""
    return head + struct.pack("<Ii", 0, len(described)) + described + bytes(array.tobytes())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("levels", [b"", struct.pack("<QQ", 0, 2)])
def test_variables_are_read_by_their_names(tmp_path: Path, levels: bytes, *, packed: bool) -> None:
    (tmp_path / "fc.w_0").write_bytes(variable(BLOCK, levels=levels, packed=packed))
    (tmp_path / "half").write_bytes(variable(np.array([1.5], dtype="f2"), kind=4))
    (tmp_path / "brain").write_bytes(variable(np.array([0x3FC0], dtype="u2"), kind=22))
    (tmp_path / "step").write_bytes(variable(np.array([7]), kind=3))
    found = variables.read(tmp_path)
    assert found.keys() == {"fc.w_0", "half", "brain", "step"}
    np.testing.assert_array_equal(found["fc.w_0"], BLOCK)
    assert (found["half"].tolist(), found["brain"].tolist(), found["step"].tolist()) == ([1.5], [1.5], [7])


@pytest.mark.parametrize(
    "content",
    [
        variable(BLOCK, shape=(2, 4)),
        variable(BLOCK, shape=(2, 2)),
        variable(BLOCK, shape=(2**40, 2**40)),
        variable(BLOCK, shape=(-2, -3)),
        variable(BLOCK, kind=7),
        variable(BLOCK, kind=6),
        b"\x01" + variable(BLOCK)[1:],
        variable(BLOCK)[:4] + b"\xff" * 8 + variable(BLOCK)[12:],
        variable(BLOCK)[:16] + b"\xff\xff\xff\x7f" + variable(BLOCK)[20:],
        variable(BLOCK).replace(b"\x08\x05", b"\x0b\x05", 1),
        struct.pack("<IQI", 0, 0, 0) + struct.pack("<i", 2) + number_field(3, 1) + BLOCK.tobytes(),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "fc.w_0").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"fc\.w_0"):
        variables.read(tmp_path)


def test_every_cut_is_refused(tmp_path: Path) -> None:
    whole = variable(BLOCK)
    for end in range(len(whole)):
        (tmp_path / "fc.w_0").write_bytes(whole[:end])
        with pytest.raises(ArtifactError, match=r"fc\.w_0"):
            variables.read(tmp_path)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="found no folder"):
        variables.read(tmp_path / "no")
