"""torch's files from before its zip, made by hand: read as views, refused where they do not fit."""

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError
from vizsla.models.weights import torch_bin

from .test_torch_bin import number, numbers, state, tensor, text

MAGIC = b"\x80\x02" + b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
NUMBERS = np.arange(12, dtype="f4") / 4
PLAIN = tensor("7", "FloatStorage", 12, (3, 4), (4, 1))


def old(pickled: bytes) -> bytes:
    """The pickle of a state dict with a storage's view, None, behind its number of numbers."""
    return pickled.replace(b"tQ", b"NtQ")


def written(folder: Path, pickled: bytes, storages: dict[str, Any], **how: Any) -> Path:
    path = folder / "pytorch_model.bin"
    parts = [MAGIC, pickle.dumps(how.get("version", 1001), 2), pickle.dumps(how.get("system", SYSTEM), 2), old(pickled)]
    parts.append(pickle.dumps(how.get("keys", list(storages)), 2))
    for array in storages.values():
        parts += [struct.pack("<q", how.get("count", array.size)), array.tobytes()]
    path.write_bytes(b"".join(parts) + how.get("more", b""))
    return path


def test_tensors_are_views_of_their_storages(tmp_path: Path) -> None:
    made = {
        "plain": PLAIN,
        "turned": tensor("7", "FloatStorage", 12, (4, 3), (1, 4)),
        "cut": tensor("7", "FloatStorage", 12, (2, 2), (4, 2), offset=1),
        "brain": tensor("3", "BFloat16Storage", 2, (2,), (1,)),
        "half": tensor("5", "HalfStorage", 3, (3,), (1,)),
    }
    half, brain = np.array([1, -2, 0.5], "f2"), np.array([0x3FC0, 0x4000], "u2")
    found = torch_bin.read(written(tmp_path, state(**made), {"5": half, "7": NUMBERS, "3": brain}))
    whole = NUMBERS.reshape(3, 4)
    wanted = {"plain": whole, "turned": whole.T, "cut": whole[:2, 1::2], "brain": [1.5, 2], "half": half}
    assert found.keys() == wanted.keys()
    for key, array in found.items():
        np.testing.assert_array_equal(array, wanted[key])
        assert array.dtype == np.float32


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"version": 1000}, "version 1000"),
        ({"system": SYSTEM | {"little_endian": False}}, "little-endian"),
        ({"system": []}, "little-endian"),
        ({"keys": ["8"]}, "other storages"),
        ({"keys": ["7", "7"]}, "other storages"),
        ({"keys": 3}, "other storages"),
        ({"count": 11}, "of another size"),
        ({"count": -1}, "of another size"),
        ({"more": b"\0"}, "1 bytes behind"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, how: dict[str, Any], said: str) -> None:
    with pytest.raises(ArtifactError, match=said):
        torch_bin.read(written(tmp_path, state(a=PLAIN), {"7": NUMBERS}, **how))


@pytest.mark.parametrize("size", [0, 3, 16, 40, 150, -1, -40])
def test_files_cut_short(tmp_path: Path, size: int) -> None:
    path = written(tmp_path, state(a=PLAIN), {"7": NUMBERS})
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ArtifactError, match=r"pytorch_model\.bin"):
        torch_bin.read(path)


@pytest.mark.parametrize(
    ("pickled", "said"),
    [
        (b"\x80\x02cbuiltins\neval\n" + text("1") + b"\x85R.", r"builtins\.eval"),
        (b"\x80\x02cposix\nsystem\n" + text("true") + b"\x85R.", r"posix\.system"),
        (state(a=tensor("7", "FloatStorage", 12, (4, 4), (4, 1))), "a tensor of size"),
        (state(a=tensor("7", "FloatStorage", 12, (3, 4), (4, 1), offset=1)), "a tensor of size"),
        (state(a=PLAIN, b=tensor("7", "FloatStorage", 11, (1,), (1,))), "in two sizes"),
        (state(a=PLAIN, b=tensor("7", "HalfStorage", 12, (1,), (1,))), "in two sizes"),
        (state(a=tensor("7", "FloatStorage", -1, (0,), (1,))), "in two sizes|of another size"),
        (state(a=tensor("7", "FloatStorage", 1 << 30, (0,), (1,))), "cut short or of another size"),
        (b"\x80\x02" + number(5) + b".", "other storages"),
        (b"\x80\x02(" + numbers((1,)) + b"Q.", "no value|TypeError|ValueError"),
    ],
)
def test_hostile_pickles(tmp_path: Path, pickled: bytes, said: str) -> None:
    with pytest.raises(ArtifactError, match=said):
        torch_bin.read(written(tmp_path, pickled, {"7": NUMBERS}))


def test_a_view_of_a_storage_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, state(a=PLAIN), {"7": NUMBERS})
    viewed = path.read_bytes().replace(b"NtQ", text("9") + number(0) + number(3) + b"\x87tQ")
    path.write_bytes(viewed)
    with pytest.raises(ArtifactError, match="no storage"):
        torch_bin.read(path)
