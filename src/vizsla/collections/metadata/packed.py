"""Packed: the columns of a segment in one file, for every file costs a flush at a commit.

`metadata.npy` is an array of bytes: the columns' arrays one after another, each at a multiple of 8, then
a directory as JSON and its length in 8 bytes (docs/formats/metadata.md). Knows this layout, writes it
a column at a time and maps it. Refuses to know what the values mean.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from vizsla.collections.metadata.column import Column, build_values
from vizsla.collections.metadata.dictionary import Dictionary
from vizsla.collections.metadata.stored_values import Arrays, Lists, Scalars, StoredValues, Texts
from vizsla.collections.metadata.values import Kind
from vizsla.core.artifacts import Artifact, Draft
from vizsla.core.errors import ArtifactError
from vizsla.data.growing import GrowingArray

NAME = "metadata"
_ALIGNED = 8
_BYTES = npt.NDArray[np.uint8]
_NUMBER: Mapping[str, npt.DTypeLike] = {"values": np.float64, "forms": np.uint8}
_TEXT: Mapping[str, npt.DTypeLike] = {"codes": np.int32, "bytes": np.uint8, "starts": np.int64}
_OWNERS: Mapping[str, npt.DTypeLike] = {"owners": np.int32}
_DTYPES: Mapping[Kind, Mapping[str, npt.DTypeLike]] = {
    "number": _NUMBER,
    "date": {"values": np.int64, "forms": np.uint8},
    "boolean": {"values": np.bool_, "forms": np.uint8},
    "text": _TEXT,
    "texts": {**_OWNERS, **_TEXT},
    "numbers": {**_OWNERS, **_NUMBER},
    "list": {**_OWNERS, **_TEXT},
}
"""The arrays of each kind; `rows` comes before them where the field is absent somewhere."""


def write(draft: Draft, size: int, columns: Mapping[str, Column]) -> None:
    """Store columns; each is asked for when its turn comes."""
    with draft.open(NAME) as file:
        packed = GrowingArray(file, np.uint8)
        fields = {}
        for name in columns:
            column = columns[name]
            places = {part: _append(packed, array) for part, array in column.arrays().items()}
            fields[name] = {"kind": column.values.kind, "size": len(column.values), "arrays": places}
        directory = json.dumps({"size": size, "fields": fields}).encode()
        packed.append(directory + len(directory).to_bytes(_ALIGNED, "little"))
        packed.close()


def read(artifact: Artifact) -> tuple[int, dict[str, Column]]:
    """Map stored columns: how many rows there are, and the columns by field.

    Raises:
        ArtifactError: a file whose directory does not fit what it holds.
    """
    data = artifact.array(NAME, np.uint8).view(np.ndarray)
    where = f"{artifact.folder / NAME}.npy"
    try:
        length = int.from_bytes(data[-_ALIGNED:].tobytes(), "little")
        if len(data) < _ALIGNED or length > len(data) - _ALIGNED:
            raise ValueError(f"a directory of {length} bytes in {len(data)}")
        end = len(data) - _ALIGNED - length
        directory = json.loads(data[end:-_ALIGNED].tobytes())
        size = _whole(directory["size"])
        fields = directory["fields"].items()
        return size, {name: _column(data[:end], size, entry, f"{where}: {name}") for name, entry in fields}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        found = f"a directory that does not fit the file ({type(error).__name__}: {error})"
        raise ArtifactError(f"{where}: found {found}; altered since it was written: build it again") from error


def _append(packed: GrowingArray, array: npt.NDArray[Any]) -> tuple[int, int]:
    """Where an array begins, and how many entries it has."""
    begin = len(packed)
    packed.append(np.ascontiguousarray(array).view(np.uint8))
    packed.append(bytes(-len(packed) % _ALIGNED))
    return begin, len(array)


def _column(data: _BYTES, size: int, entry: Mapping[str, Any], name: str) -> Column:
    kind, count = entry["kind"], _whole(entry["size"])
    arrays = {part: _view(data, part, place, kind) for part, place in entry["arrays"].items()}
    rows = arrays.pop("rows", None)
    if count != (size if rows is None else len(rows)):
        raise ValueError(f"{count} values for {size} passages")
    return Column(size, rows, _values(kind, count, arrays, name))


def _view(data: _BYTES, part: str, place: tuple[int, int], kind: Kind) -> npt.NDArray[Any]:
    begin, count = map(_whole, place)
    dtype = np.dtype(np.int32 if part == "rows" else _DTYPES[kind][part])
    end = begin + count * dtype.itemsize
    if begin % _ALIGNED or end > len(data):
        raise ValueError(f"'{part}' from {begin} to {end} of {len(data)} bytes")
    return data[begin:end].view(dtype)


def _values(kind: Kind, count: int, arrays: Arrays, name: str) -> StoredValues:
    if kind in ("texts", "numbers", "list"):
        owners = arrays.pop("owners")
        members = _members("number" if kind == "numbers" else "text", len(owners), arrays, name)
        return Lists(kind, count, owners, members)
    return _members(kind, count, arrays, name)


def _members(kind: Kind, count: int, arrays: Arrays, name: str) -> Scalars | Texts:
    if kind == "text":
        values: Scalars | Texts = Texts(arrays["codes"], Dictionary(arrays["bytes"], arrays["starts"], name))
    else:
        values = Scalars(kind, arrays["values"], arrays["forms"])
    forms = 0 if kind == "boolean" else count
    if len(values) != count or (kind != "text" and len(arrays["forms"]) != forms):
        raise ValueError(f"{len(values)} values where {count} would be")
    return values


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**48:
        raise ValueError(f"{value!r} where a size would be")
    return value


def decided(column: Column, kind: Kind) -> Column:
    """The column of a list of which only empty ones are stored, as one of the kind it has become."""
    if column.values.kind != "list" or kind not in ("texts", "numbers"):
        return column
    empty = build_values(kind, [[]] * len(column.values))
    return Column(column.size, column.stored_rows, empty)
