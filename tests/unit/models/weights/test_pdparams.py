"""Everything that Paddle's savers write is read, and nothing that they would not."""

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError
from vizsla.models.weights import pdparams

DRAWN = np.random.default_rng(0)
ARRAYS: dict[str, Any] = {
    "a.weight": DRAWN.normal(size=(3, 4)).astype("f4"),
    "b": DRAWN.normal(size=5).astype("f2"),
    "turned": np.asfortranarray(DRAWN.normal(size=(2, 3)).astype("f4")),
    "double": DRAWN.normal(size=(1, 2, 2)),
    "big end": DRAWN.normal(size=3).astype(">f4"),
    "whole": np.arange(3),
}


class Pair:
    """A tensor that Paddle pickles as a call of tuple."""

    def __init__(self, name: str, array: Any) -> None:
        self.pair = (name, array)

    def __reduce__(self) -> Any:
        return tuple, (self.pair,)


class Eval:
    def __reduce__(self) -> Any:
        return eval, ("1 + 1",)


def written(folder: Path, value: object, protocol: int = 4) -> Path:
    path = folder / "model_state.pdparams"
    path.write_bytes(pickle.dumps(value, protocol))
    return path


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() == wanted.keys()
    for key, array in wanted.items():
        kept = array.astype("f4") if array.dtype.kind == "f" else array
        np.testing.assert_array_equal(found[key], kept)
        assert found[key].dtype == kept.dtype.newbyteorder("=")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("pairs", ["plain", "tuples", "calls"])
def test_every_protocol_holds_the_same_arrays(tmp_path: Path, protocol: int, pairs: str) -> None:
    make: dict[str, Any] = {"plain": lambda _, a: a, "tuples": lambda k, a: (k, a), "calls": Pair}
    saved = {key: make[pairs](f"x_{key}", array) for key, array in ARRAYS.items()}
    saved["StructuredToParameterName@@"] = {key: f"x_{key}" for key in ARRAYS}
    same(pdparams.read(written(tmp_path, saved, protocol)), ARRAYS)
    same(pdparams.read(written(tmp_path, OrderedDict(saved), protocol)), ARRAYS)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_the_old_and_the_new_names_of_numpy_are_one(tmp_path: Path, protocol: int) -> None:
    content = pickle.dumps(ARRAYS, protocol)
    old, new = b"numpy.core.", b"numpy._core."
    assert new in content or old in content
    for one, other in ((old, new), (new, old)):
        if protocol == 2:  # names of lines may change their length
            path = tmp_path / "a.pdparams"
            path.write_bytes(content.replace(one, other))
            same(pdparams.read(path), ARRAYS)
    if protocol > 2:
        renamed = content.replace(b"\x8c\x16numpy._core.multiarray", b"\x8c\x15numpy.core.multiarray")
        renamed = renamed.replace(b"\x8c\x13numpy._core.numeric", b"\x8c\x12numpy.core.numeric")
        assert renamed != content
        body = renamed[11:]  # behind the protocol and the frame, whose size is not needed
        (tmp_path / "b.pdparams").write_bytes(content[:2] + body)
        same(pdparams.read(tmp_path / "b.pdparams"), ARRAYS)


def test_slices_are_joined(tmp_path: Path) -> None:
    whole = ARRAYS["a.weight"]
    parts = {"a.weight@@.0": whole.reshape(-1)[:5], "a.weight@@.1": whole.reshape(-1)[5:], "b": ARRAYS["b"]}
    how = {"a.weight": {"OriginShape": (3, 4), "slices": ["a.weight@@.0", "a.weight@@.1"]}}
    saved = parts | {"UnpackBigParamInfor@@": how}
    same(pdparams.read(written(tmp_path, saved, 2)), {"a.weight": whole, "b": ARRAYS["b"]})
    for broken in ({"OriginShape": (3, 5)}, {"slices": ["a.weight@@.0"] * 2}, {"slices": ["no"]}, {"slices": None}):
        with pytest.raises(ArtifactError, match=r"slices of 'a\.weight'"):
            pdparams.read(
                written(tmp_path, saved | {"UnpackBigParamInfor@@": {"a.weight": how["a.weight"] | broken}}, 2)
            )


def test_brain_floats_stand_in_uint16(tmp_path: Path) -> None:
    brain = np.array([0x3F80, 0xC040, 0x0000], dtype=np.uint16)
    found = pdparams.read(written(tmp_path, {"a": brain}))["a"]
    assert found.tolist() == [1.0, -3.0, 0.0]


def test_a_nested_dict_is_read_once_and_must_not_repeat_a_name(tmp_path: Path) -> None:
    inner = {"a": ARRAYS["b"]}
    same(pdparams.read(written(tmp_path, {"model": inner, "again": inner, "epoch": 3})), inner)
    with pytest.raises(ArtifactError, match="the key 'a' twice"):
        pdparams.read(written(tmp_path, {"model": inner, "a": ARRAYS["b"]}))


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(
    "value", [{"a": Eval()}, Eval(), {"a": ("n", Eval())}, {"StructuredToParameterName@@": Eval()}]
)
def test_an_eval_anywhere_is_refused_by_name(tmp_path: Path, value: object, protocol: int) -> None:
    with pytest.raises(ArtifactError, match=r"model_state\.pdparams: found the global '(builtins|__builtin__)\.eval'"):
        pdparams.read(written(tmp_path, value, protocol))


@pytest.mark.parametrize("value", [np.array([{}, None], dtype=object), np.array(["a"]), np.array([1 + 2j])])
def test_arrays_of_anything_but_numbers_are_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ArtifactError):
        pdparams.read(written(tmp_path, {"a": value}))


def test_texts_are_encoded_only_as_often_as_they_stand_in_the_file(tmp_path: Path) -> None:
    text = b"\x8c\xff" + b"a" * 255 + b"\x94"
    bomb = b"\x80\x04]" + text + b"0(" + b"\x8c\x07_codecs\x8c\x06encode\x93h\x00\x8c\x06latin1\x86R" * 50 + b"e."
    path = tmp_path / "a.pdparams"
    path.write_bytes(bomb)
    with pytest.raises(ArtifactError, match="letters to encode"):
        pdparams.read(path)


def test_an_array_of_a_huge_shape_takes_no_memory(tmp_path: Path) -> None:
    content = pickle.dumps({"a": np.zeros(3, dtype="f4")}, 4)
    path = tmp_path / "a.pdparams"
    path.write_bytes(content.replace(b"K\x03\x85", b"\x8a\x06\x00\x00\x00\x00\x00\x10\x85", 1))
    with pytest.raises(ArtifactError):
        pdparams.read(path)


@pytest.mark.parametrize("value", [[1], 3, "text"])
def test_a_file_of_anything_but_a_dict_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(ArtifactError, match="wanted a dict"):
        pdparams.read(written(tmp_path, value))
