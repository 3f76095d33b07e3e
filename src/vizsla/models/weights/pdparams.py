"""Paddle's `.pdparams`: a pickle of names to numpy arrays, read as data (`unpickling`).

Knows what Paddle's and PaddleNLP's own savers write: arrays, `(name, array)` pairs, one level of nested dicts, big
arrays in slices, bfloat16 as uint16. Refuses every global that none of these needs.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vizsla.core.errors import ArtifactError
from vizsla.models.weights.numbers import Array, widened
from vizsla.models.weights.places import mapped
from vizsla.models.weights.unpickling import Call, Named, Pending, Table
from vizsla.models.weights.unpickling import read as unpickled

_NAMES = "StructuredToParameterName@@"
_SLICES = "UnpackBigParamInfor@@"
_TYPES = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)} | {"f2", "f4", "f8", "b1"}


def read(path: str | Path) -> dict[str, Array]:
    """Every array of a file by its key.

    Raises:
        ArtifactError: not this format, cut short, or a global that no saver of Paddle writes.
    """
    path = Path(path)
    content = mapped(path)
    root = unpickled(content, path, Table(_globals(len(content), path)))
    if not isinstance(root, dict):
        raise ArtifactError(f"{path}: found a {type(root).__name__}; wanted a dict of names to arrays")
    found = _arrays(root, path)
    nested = {id(value): value for value in root.values() if isinstance(value, dict)}
    for key, value in root.items():
        if key in (_NAMES, _SLICES) or nested.pop(id(value), None) is None:
            continue
        inner = _arrays(value, path)
        if twice := inner.keys() & found.keys():
            raise ArtifactError(f"{path}: found the key '{min(twice)}' twice; wanted one weight a name")
        found |= inner
    return {key: widened(array, brain=array.dtype == np.uint16) for key, array in found.items()}


def _arrays(saved: Mapping[Any, Any], path: Path) -> dict[str, Array]:
    """The arrays of one dict, slices joined."""
    plain = {str(key): _plain(value) for key, value in saved.items()}
    found = {key: value for key, value in plain.items() if isinstance(value, np.ndarray)}
    slices = plain.get(_SLICES)
    return _joined(found, slices, path) if isinstance(slices, dict) else found


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        value = value[1]
    return value.value if isinstance(value, Pending) else value


def _joined(found: dict[str, Array], slices: Mapping[Any, Any], path: Path) -> dict[str, Array]:
    for key, entry in slices.items():
        try:
            names, shape = list(entry["slices"]), tuple(_plain(entry["OriginShape"]))
            parts = [found.pop(name).reshape(-1) for name in names]
            found[str(key)] = _whole(parts, shape)
        except (KeyError, TypeError, ValueError) as error:
            found_there = f"slices of '{str(key)[:200]}' that do not fit ({error})"
            raise ArtifactError(f"{path}: found {found_there}; wanted parts of its shape: fetch it again") from error
    return found


def _whole(parts: list[Array], shape: tuple[int, ...]) -> Array:
    if sum(len(part) for part in parts) != math.prod(shape):
        raise ValueError(f"{sum(len(part) for part in parts)} numbers for the shape {shape}")
    return np.concatenate(parts).reshape(shape)


def _globals(size: int, path: Path) -> dict[str, Call | Named]:
    """What Paddle's savers name, each as a function of ours."""
    table: dict[str, Call | Named] = {
        "numpy ndarray": Named("numpy.ndarray"),
        "numpy dtype": _dtype,
        "builtins tuple": _tuple,
        "__builtin__ tuple": _tuple,  # as protocol 2 names it
        "_codecs encode": _encoder(size, path),
        "collections OrderedDict": ordered,
    }
    for core in ("numpy.core", "numpy._core"):
        table[f"{core}.multiarray _reconstruct"] = _reconstruct
        table[f"{core}.multiarray scalar"] = _scalar
        table[f"{core}.numeric _frombuffer"] = _frombuffer
    return table


def ordered(pairs: Any = ()) -> dict[str, Any]:
    """An OrderedDict as a dict; its keys are names."""
    made = {key: value for key, value in pairs if isinstance(key, str)}
    if len(made) != len(pairs):
        raise ValueError("keys that are no names, or stand twice")
    return made


def _tuple(items: Any) -> tuple[Any, ...]:
    if not isinstance(items, tuple | list):
        raise TypeError(f"a tuple of a {type(items).__name__}")
    return tuple(items)


def _encoder(size: int, path: Path) -> Callable[[str, str], bytes]:
    """Text that stands for bytes (protocol 2); all of it together is no longer than the file."""
    left = size

    def encode(text: str, encoding: str) -> bytes:
        nonlocal left
        left -= len(text)
        if encoding != "latin1" or left < 0:
            found = f"{len(text)} letters to encode as '{encoding[:20]}'"
            raise ArtifactError(f"{path}: found {found}; wanted latin1, once a text: nothing of it was run")
        return text.encode("latin1")

    return encode


def _dtype(code: str, *_: object) -> Pending:
    if code not in _TYPES:
        raise ValueError(f"the type '{str(code)[:50]}'; wanted numbers")
    kind = np.dtype(code)
    return Pending(lambda state: kind.newbyteorder(state[1]), kind)


def _kind(dtype: Any) -> np.dtype[Any]:
    kind = dtype.value if isinstance(dtype, Pending) else None
    if not isinstance(kind, np.dtype):
        raise TypeError("an array without a type")
    return kind


def _reconstruct(_kind: object, _shape: object, _code: object) -> Pending:
    return Pending(lambda state: _frombuffer(state[4], state[2], state[1], "F" if state[3] else "C"))


def _frombuffer(raw: Any, dtype: Any, shape: Any, order: Any) -> Array:
    raw = raw.encode("latin1") if isinstance(raw, str) else raw
    return np.frombuffer(raw, dtype=_kind(dtype)).reshape(shape, order="F" if order == "F" else "C")


def _scalar(dtype: Any, raw: Any) -> Any:
    return _frombuffer(raw, dtype, (-1,), "C")[0]
