"""A folder of Paddle's tensor files, one a variable: the original rocketqa checkpoints.

Each file: uint32 0, uint64 levels of detail with their tables, uint32 0, int32 size of the description,
`TensorDesc {1: type, 2: dims}` as Protocol Buffers, then the raw numbers to the end. Source: Paddle's
`SerializeToStream` of LoDTensor and Tensor.
"""

import math
from pathlib import Path

import numpy as np

from vizsla.core.errors import ArtifactError, DataError
from vizsla.data.wire import fields, signed, varints
from vizsla.models.weights.numbers import Array, widened
from vizsla.models.weights.places import mapped

_TYPES = {0: "?", 1: "<i2", 2: "<i4", 3: "<i8", 4: "<f2", 5: "<f4", 6: "<f8", 20: "u1", 21: "i1", 22: "<u2"}
_BRAIN = 22


def read(folder: str | Path) -> dict[str, Array]:
    """Every variable of a folder by its file's name.

    Raises:
        ArtifactError: no folder, or a file that is none of Paddle's tensors.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ArtifactError(f"{folder}: found no folder; wanted one with a file a variable")
    return {path.name: _variable(path) for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".md"}


def _variable(path: Path) -> Array:
    content = mapped(path)
    _zero(content, 0, path)
    at = 12
    for _ in range(min(_number(content, 4, 8, path), len(content))):
        at += 8 + _number(content, at, 8, path)
    _zero(content, at, path)
    size = _number(content, at + 4, 4, path)
    start = at + 8 + size
    if start > len(content):
        raise ArtifactError(f"{path}: found a description of {size} bytes; wanted one inside the file: fetch it again")
    kind, shape = _description(bytes(content[at + 8 : start]), path)
    dtype = np.dtype(_TYPES[kind])
    if len(content) - start != math.prod(shape) * dtype.itemsize:
        found = f"{len(content) - start} bytes of numbers"
        raise ArtifactError(f"{path}: found {found}; wanted {dtype} of shape {shape}: cut short, fetch it again")
    return widened(np.frombuffer(content[start:], dtype=dtype).reshape(shape), brain=kind == _BRAIN)


def _number(content: memoryview, at: int, size: int, path: Path) -> int:
    if at + size > len(content):
        raise ArtifactError(f"{path}: found {len(content)} bytes; wanted a tensor of Paddle: fetch it again")
    return int.from_bytes(content[at : at + size], "little")


def _zero(content: memoryview, at: int, path: Path) -> None:
    version = _number(content, at, 4, path)
    if version:
        raise ArtifactError(f"{path}: found version {version} at byte {at}; wanted 0, a tensor of Paddle")


def _description(message: bytes, path: Path) -> tuple[int, tuple[int, ...]]:
    kind, dims = -1, []
    try:
        for number, value in fields(message, str(path)):
            if number == 1 and isinstance(value, int):
                kind = value
            elif number == 2:
                dims += [value] if isinstance(value, int) else [int(n) for n in varints(value, str(path))[0]]
    except DataError as error:
        raise ArtifactError(str(error)) from error
    shape = tuple(signed(n) for n in dims)
    if kind not in _TYPES or any(n < 0 for n in shape):
        wanted = f"a type of {', '.join(map(str, _TYPES))} and sizes from 0"
        raise ArtifactError(f"{path}: found a tensor of type {kind} and shape {shape}; wanted {wanted}")
    return kind, shape
