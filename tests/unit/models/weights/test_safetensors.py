"""The header is believed only where it fits the file."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError
from vizsla.models.weights import safetensors

BLOCK = np.arange(6, dtype="f4").reshape(2, 3)


def entry(begin: int, end: int, shape: Any = (2, 3), kind: str = "F32") -> dict[str, Any]:
    return {"dtype": kind, "shape": list(shape), "data_offsets": [begin, end]}


def written(folder: Path, header: Any, content: bytes, *, size: int | None = None) -> Path:
    said = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(said) if size is None else size) + said + content)
    return path


def test_arrays_are_views_and_half_floats_become_whole(tmp_path: Path) -> None:
    header = {
        "__metadata__": {"format": "pt"},
        "b": entry(24, 28, (2,), "F16"),
        "a": entry(0, 24),
        "c": entry(28, 32, (2, 1), "BF16"),
        "d": entry(32, 48, (2,), "I64"),
        "e": entry(48, 48, (0, 5)),
        "f": entry(48, 52, (), "F32"),
    }
    content = BLOCK.tobytes() + np.array([1.5, -2], dtype="f2").tobytes() + np.array([0x3FC0, 0], dtype="u2").tobytes()
    content += np.array([3, -1]).tobytes() + np.float32(9).tobytes()
    found = safetensors.read(written(tmp_path, header, content))
    wanted: dict[str, Any] = {
        "a": BLOCK,
        "b": [1.5, -2],
        "c": [[1.5], [0]],
        "d": [3, -1],
        "e": np.zeros((0, 5)),
        "f": 9.0,
    }
    assert found.keys() == wanted.keys()
    for key, array in wanted.items():
        np.testing.assert_array_equal(found[key], array)
    assert not found["a"].flags.writeable


@pytest.mark.parametrize("size", [10 * 2**30, 2**64 - 1, 200_000_000, 1_000])
def test_a_header_longer_than_the_file_is_refused(tmp_path: Path, size: int) -> None:
    with pytest.raises(ArtifactError, match=rf"model\.safetensors: found a header of {size} bytes"):
        safetensors.read(written(tmp_path, {"a": entry(0, 24)}, BLOCK.tobytes(), size=size))


@pytest.mark.parametrize(
    "header",
    [
        {"a": entry(0, 20, (2, 3))},
        {"a": entry(0, 24, (2, 2))},
        {"a": entry(0, 24), "b": entry(0, 24)},
        {"a": entry(0, 8, (2,)), "b": entry(12, 24, (3,))},
        {"a": entry(4, 24, (5,))},
        {"a": entry(0, 48, (3, 4))},
        {"a": entry(0, 20, (5,))},
        {"a": entry(0, -24)},
        {"a": entry(0, 24, (-2, -3))},
        {"a": entry(0, 24, (True, 6))},
        {"a": entry(0, 24, (2.0, 3))},
        {"a": entry(0, 24, (6,), "F33")},
        {"a": entry(0, 24, (24,), "F8_E4M3")},
        {"a": {"dtype": "F32", "shape": [6]}},
        {"a": [1]},
        {"a": {"dtype": "F32", "shape": 6, "data_offsets": [0, 24]}},
        [1],
        b"{",
        b'{"a": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}, "a": {}}',
        b"[" * 100_000,
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path: Path, header: Any) -> None:
    with pytest.raises(ArtifactError, match=r"model\.safetensors"):
        safetensors.read(written(tmp_path, header, BLOCK.tobytes()))


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, {"a": entry(0, 24)}, BLOCK.tobytes())
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(ArtifactError, match=r"model\.safetensors"):
            safetensors.read(path)
    path.write_bytes(whole + b"x")
    with pytest.raises(ArtifactError, match="cut short or altered"):
        safetensors.read(path)
