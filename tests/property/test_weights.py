"""Weights files bent at random: whatever the bytes, arrays of no more than the file come, or the one error."""

import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from vizsla.core.errors import ArtifactError
from vizsla.models.weights import pdparams, safetensors, torch_bin, variables

BLOCK = np.arange(6, dtype="f4")
HEADER = json.dumps({"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
SAFE = struct.pack("<Q", len(HEADER)) + HEADER + BLOCK.tobytes()
STORED = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ"
STATE = (
    b"\x80\x02}X\x01\x00\x00\x00actorch._utils\n_rebuild_tensor_v2\n("
    + STORED
    + b"K\x00K\x02K\x03\x86K\x03K\x01\x86\x89}tRs."
)
VARIABLE = struct.pack("<IQIi", 0, 0, 0, 6) + b"\x08\x05\x10\x02\x10\x03" + BLOCK.tobytes()
small = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("zip") / "a.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", STATE)
        archive.writestr("a/data/0", BLOCK.tobytes())
    return path.read_bytes()


def bent(whole: bytes, data: st.DataObject) -> bytes:
    changes = data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=4))
    made = bytearray(whole)
    for place, value in changes:
        made[place] = value
    return bytes(made[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else made)


def survives(read: Callable[[Path], dict[str, Any]], path: Path, content: bytes) -> None:
    path.write_bytes(content)
    found: dict[str, Any] = {}
    with suppress(ArtifactError):
        found = read(path)
    assert sum(array.nbytes for array in found.values()) <= 8 * len(content)


@small
@given(data=st.data())
def test_bent_safetensors(tmp_path: Path, data: st.DataObject) -> None:
    survives(safetensors.read, tmp_path / "a.safetensors", bent(SAFE, data))


@small
@given(data=st.data())
def test_bent_torch_files(tmp_path: Path, zipped: bytes, data: st.DataObject) -> None:
    survives(torch_bin.read, tmp_path / "a.bin", bent(zipped, data))


@small
@given(data=st.data(), protocol=st.integers(2, 5))
def test_bent_pickles(tmp_path: Path, data: st.DataObject, protocol: int) -> None:
    whole = pickle.dumps({"a": BLOCK, "b": ("n", BLOCK[:2]), "c": {"d": BLOCK}}, protocol)
    survives(pdparams.read, tmp_path / "a.pdparams", bent(whole, data))


@small
@given(content=st.binary(max_size=60))
def test_any_bytes_for_a_pickle(tmp_path: Path, content: bytes) -> None:
    survives(pdparams.read, tmp_path / "a.pdparams", b"\x80\x04" + content)


@small
@given(data=st.data())
def test_bent_variables(tmp_path: Path, data: st.DataObject) -> None:
    (tmp_path / "v").mkdir(exist_ok=True)
    survives(lambda path: variables.read(path.parent), tmp_path / "v/fc", bent(VARIABLE, data))


def test_the_bent_files_are_whole_before(tmp_path: Path, zipped: bytes) -> None:
    for name, whole, read in (("a.safetensors", SAFE, safetensors.read), ("a.bin", zipped, torch_bin.read)):
        (tmp_path / name).write_bytes(whole)
        assert np.array_equal(read(tmp_path / name)["a"], BLOCK.reshape(2, 3))
    (tmp_path / "v").mkdir()
    (tmp_path / "v/fc").write_bytes(VARIABLE)
    assert np.array_equal(variables.read(tmp_path / "v")["fc"], BLOCK.reshape(2, 3))


@small
@given(
    state=st.dictionaries(
        st.text(max_size=8).filter(lambda key: not key.endswith("@@")),
        arrays_of.arrays(st.sampled_from(["f4", ">f4", "i8", "u1", "?"]), arrays_of.array_shapes(min_dims=0)),
    ),
    protocol=st.integers(2, 5),
)
def test_what_numpy_pickles_is_read_again(tmp_path: Path, state: dict[str, Any], protocol: int) -> None:
    path = tmp_path / "a.pdparams"
    path.write_bytes(pickle.dumps(state, protocol))
    found = pdparams.read(path)
    assert found.keys() == state.keys()
    for key, array in state.items():
        np.testing.assert_array_equal(found[key], array)
