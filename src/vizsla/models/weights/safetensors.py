"""Safetensors files: 8 bytes of the header's size, a header of JSON, then the arrays.

The header is checked wholly before any array is touched; arrays are views of the mapped file. Written after the
format's own specification, whose every MUST is checked; the `safetensors` package has no bfloat16 for numpy.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from vizsla.core.errors import ArtifactError
from vizsla.models.weights.numbers import Array, widened
from vizsla.models.weights.places import mapped

_LARGEST_HEADER = 100_000_000
_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}


def read(path: str | Path) -> dict[str, Array]:
    """Every array of a file by its key.

    Raises:
        ArtifactError: not this format, cut short, or a header that does not fit the file.
    """
    path = Path(path)
    content = mapped(path)
    header, start = _header(content, path)
    entries = {key: entry for key, entry in header.items() if key != "__metadata__"}
    _check_places(entries, len(content) - start, path)
    return {key: _array(content[start:], entry, f"{path}: {key[:200]!r}") for key, entry in entries.items()}


def _header(content: memoryview, path: Path) -> tuple[dict[str, Any], int]:
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or size > min(_LARGEST_HEADER, len(content) - 8):
        found = f"a header of {size} bytes in a file of {len(content)}"
        raise ArtifactError(f"{path}: found {found}; wanted a whole safetensors file: fetch it again")
    try:
        header = json.loads(bytes(content[8 : 8 + size]), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: found a header that is no JSON ({error}); wanted a safetensors file") from error
    if not isinstance(header, dict):
        raise ArtifactError(f"{path}: found a header that is no object; wanted a safetensors file")
    return header, 8 + size


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _check_places(entries: dict[str, Any], size: int, path: Path) -> None:
    """The arrays fill the file without gaps or overlaps, and each is as large as it says."""
    spans = sorted(_span(entry, f"{path}: {key[:200]!r}") for key, entry in entries.items())
    at = 0
    for begin, end in spans:
        if begin != at:
            raise ArtifactError(f"{path}: found an array at byte {begin}; wanted {at}: fetch it again")
        at = end
    if at != size:
        raise ArtifactError(f"{path}: found {size} bytes of arrays; wanted {at}: cut short or altered, fetch it again")


def _span(entry: Any, where: str) -> tuple[int, int]:
    try:
        kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (TypeError, KeyError, ValueError) as error:
        raise ArtifactError(f"{where}: found {str(entry)[:200]}; wanted dtype, shape and data_offsets") from error
    whole = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in [*shape, begin, end])
    if not whole or not isinstance(kind, str) or kind not in _TYPES:
        wanted = f"whole numbers and one of {', '.join(_TYPES)}"
        raise ArtifactError(f"{where}: found shape {shape}, offsets {begin}, {end} and type {kind!r}; wanted {wanted}")
    size = math.prod(shape) * np.dtype(_TYPES[kind]).itemsize
    if end - begin != size:
        raise ArtifactError(f"{where}: found {end - begin} bytes; wanted {size} for {kind} of shape {shape}")
    return begin, end


def _array(content: memoryview, entry: dict[str, Any], where: str) -> Array:
    begin, end = entry["data_offsets"]
    try:
        array = np.frombuffer(content[begin:end], dtype=_TYPES[entry["dtype"]]).reshape(entry["shape"])
    except ValueError as error:
        raise ArtifactError(f"{where}: found shape {entry['shape']} ({error}); wanted one that numpy holds") from error
    return widened(array, brain=entry["dtype"] == "BF16")
