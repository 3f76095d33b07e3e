"""Tensors in torch's pickles: views of storages, never larger than these.

Knows what torch names in the state dicts that it saves, in every format. Refuses to know where storages stand.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from vizsla.core.errors import ArtifactError
from vizsla.models.weights.numbers import Array, widened
from vizsla.models.weights.pdparams import ordered
from vizsla.models.weights.unpickling import Call, Named, Table

Storage: TypeAlias = tuple[Array, bool]
"""Numbers, and whether they are bfloat16."""
_TYPES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": "u2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "UntypedStorage": "u1",
    "BoolStorage": "?",
}
_BRAIN = "BFloat16Storage"


def table(find: Callable[[str, str, int], Storage | None]) -> Table:
    """What a pickle of torch may name.

    Args:
        find: the storage under a key, of a kind and so many numbers.
    """

    def persistent(reference: Any) -> Storage | None:
        word, kind, key, _, count, *view = reference
        known = word == "storage" and isinstance(kind, Named) and isinstance(key, str) and type(count) is int
        if not known or any(part is not None for part in view):
            raise TypeError("a reference to no storage")
        return find(key, kind.name, count)

    return Table(_globals(), persistent)


def kept(root: Any, path: Path) -> dict[str, Array]:
    """The tensors of what a file holds: a state dict, alone or under that name.

    Raises:
        ArtifactError: it holds something else.
    """
    if isinstance(root, dict) and isinstance(root.get("state_dict"), dict):
        root = root["state_dict"]
    if not isinstance(root, dict):
        raise ArtifactError(f"{path}: found a {type(root).__name__}; wanted a dict of names to tensors")
    return {key: value for key, value in root.items() if isinstance(key, str) and isinstance(value, np.ndarray)}


def numbers(raw: memoryview, kind: str, order: str = "<") -> Storage:
    """A storage's bytes as numbers."""
    return np.frombuffer(raw, dtype=dtype(kind, order)), kind == _BRAIN


def dtype(kind: str, order: str = "<") -> np.dtype[Any]:
    """The type of a kind of storage."""
    return np.dtype(order + _TYPES[kind])


def _globals() -> dict[str, Call | Named]:
    table: dict[str, Call | Named] = {
        "collections OrderedDict": ordered,
        "torch._utils _rebuild_tensor_v2": _tensor,
        "torch._utils _rebuild_parameter": _parameter,
        "torch._utils _rebuild_parameter_with_state": _parameter,
    }
    for name in _TYPES:
        table |= {f"torch {name}": Named(name), f"torch.storage {name}": Named(name)}
    return table


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: object) -> Array:
    """A tensor as a view of its storage; never larger than it."""
    numbers, brain = storage
    whole = [offset, *size, *stride]
    if len(size) != len(stride) or not all(type(n) is int and n >= 0 for n in whole):
        raise ValueError(f"a tensor of size {size} and strides {stride}")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if math.prod(size) > len(numbers) or (math.prod(size) and last >= len(numbers)):
        raise ValueError(f"a tensor of size {size} in a storage of {len(numbers)}")
    steps = [step * numbers.itemsize for step in stride]
    start = numbers[offset if math.prod(size) else 0 :]
    return widened(np.lib.stride_tricks.as_strided(start, size, steps, writeable=False), brain=brain)


def _parameter(data: Any, *_: object) -> Array:
    if not isinstance(data, np.ndarray):
        raise TypeError("a parameter without a tensor")
    return data
