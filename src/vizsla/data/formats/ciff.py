"""CIFF, the Common Index File Format: a header, the postings of each term, and a record of each passage.

Every message is one of Protocol Buffers with its size before it. Positions in postings are gaps from
the one before; the first is itself. Weights are whole numbers. Knows these messages, both ways.
Refuses to know analyzers. Source: ciff.proto of the OSIRRC working group.
"""

import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import DataError
from vizsla.data import wire
from vizsla.data.impacts import LARGEST, impacts
from vizsla.data.opening import blocks, writing
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedWeights, TermWeights, decoded, encoded, make_id

VERSION = 1
_POSTING, _POSITION, _WEIGHT = 4 << 3 | wire.BYTES, 1 << 3, 2 << 3
_WEIGHT_TAG = bytes([_WEIGHT])
_LARGEST_POSTING = 22  # bytes: two tags and two numbers of 64 bits
_SHORT = 120  # bytes: below, a loop is quicker than arrays
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of itself.

    Attributes:
        lists: how many terms' postings follow.
        passages: how many passages' records follow.
        total_lists: terms of the whole index, where the file holds a part.
        total_passages: passages of the whole index.
        total_weight: the sum of all passages' lengths.
        average_length: of a passage.
        description: for people.
    """

    lists: int
    passages: int
    total_lists: int = 0
    total_passages: int = 0
    total_weight: int = 0
    average_length: float = 0.0
    description: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Postings:
    """The passages of one term: positions (n,) rising, and weights (n,) of 1 or more, both int64."""

    term: str
    positions: _Ints
    weights: _Ints


class Record(NamedTuple):
    """A passage: its position, its outside id, and its length."""

    position: int
    id: str
    length: int


def read_header(path: str | Path) -> Header:
    """The header of a file.

    Raises:
        DataError: the file does not begin with one.
    """
    return _header(wire.Messages(blocks(path), str(path)).read(), f"{path}: header")


def read(path: str | Path, *, problems: Problems) -> Iterator[Postings | Record]:
    """The postings of every term, then the record of every passage, in the file's order; memory: one term's.

    A term that is not UTF-8 is noted and passed over; a record whose id is not is an error, for its
    position would be lost.

    Raises:
        DataError: bytes that are not CIFF, a file cut short, positions that do not rise or leave the
            header's bounds, or a weight below 1.
    """
    messages = wire.Messages(blocks(path), str(path))
    header = _header(messages.read(), f"{path}: header")
    size = max(header.passages, header.total_passages)
    for number in range(header.lists):
        postings = _postings(messages.read(), size, f"{path}: list {number + 1}", problems)
        if postings is not None:
            yield postings
    for number in range(header.passages):
        yield _record(messages.read(), size, f"{path}: record {number + 1}")
    if not messages.is_done():
        raise DataError(f"{path}: found bytes after the last record, at byte {messages.place}; wanted nothing more")


def read_weights(path: str | Path, *, problems: Problems) -> Iterator[PlacedWeights]:
    """Every passage with its terms, in the order of the records; memory: 16 bytes a posting.

    Raises:
        DataError: as `read`; a position twice in the records, or one in the postings without a record.
    """
    terms: list[str] = []
    columns, positions, weights = array("i"), array("i"), array("i")
    records: list[Record] = []
    for one in read(path, problems=problems):
        if isinstance(one, Record):
            records.append(one)
            continue
        columns.frombytes(np.full(len(one.positions), len(terms), dtype=np.int32).tobytes())
        positions.frombytes(one.positions.astype(np.int32).tobytes())
        weights.frombytes(one.weights.astype(np.int32).tobytes())
        terms.append(one.term)
    at = np.frombuffer(positions, dtype=np.int32)
    order = np.argsort(at, kind="stable")
    sorted_at, seen = at[order], {record.position for record in records}
    if len(seen) != len(records) or not np.isin(at, np.fromiter(seen, dtype=np.int64)).all():
        raise DataError(f"{path}: found postings and records of other positions; wanted one record for each position")
    places = np.fromiter((record.position for record in records), dtype=np.int32)
    starts = np.searchsorted(sorted_at, places).tolist()
    stops = np.searchsorted(sorted_at, places, side="right").tolist()
    for record, start, stop in zip(records, starts, stops, strict=True):
        found = {terms[columns[row]]: float(weights[row]) for row in order[start:stop].tolist()}
        yield TermWeights(record.id, found), f"{path}: position {record.position}"


def write(path: str | Path, header: Header, postings: Iterable[Postings], records: Iterable[Record]) -> None:
    """Write an index in the order given, compressed as the file is named.

    Raises:
        DataError: other numbers of postings and records than the header says, or values the format cannot hold.
    """
    written = [0, 0]
    with writing(path) as file:
        file.write(_sized(_header_bytes(header)))
        for written[0], one in enumerate(postings, 1):
            file.write(_sized(_postings_bytes(one, str(path))))
        for written[1], record in enumerate(records, 1):
            file.write(_sized(_record_bytes(record)))
        if written != [header.lists, header.passages]:
            wanted = f"{header.lists} and {header.passages}, as the header says"
            raise DataError(f"{path}: found {written[0]} terms and {written[1]} passages; wanted {wanted}")


def write_weights(
    path: str | Path, passages: Iterable[TermWeights], *, scale: float | None = None, description: str = "vizsla"
) -> int:
    """Write passages as an index, terms sorted; returns how many passages. Memory: 16 bytes a posting.

    Args:
        path: where to, compressed as it is named.
        passages: terms and weights, in the order of their positions.
        scale: what weights are multiplied by before they are rounded.
        description: for people, in the header.

    Raises:
        DataError: a weight that is no whole number where there is no scale, or one below 0.
    """
    numbers: dict[str, int] = {}
    columns, weights, starts = array("i"), array("i"), array("q", [0])
    ids: list[str] = []
    for one in passages:
        for term, weight in impacts(one.weights, one.id, scale=scale).items():
            columns.append(numbers.setdefault(term, len(numbers)))
            weights.append(weight)
        starts.append(len(columns))
        ids.append(one.id)
    terms = list(numbers)
    rows = np.frombuffer(starts, dtype=np.int64)
    lengths = np.diff(np.concatenate([[0], np.cumsum(np.frombuffer(weights, dtype=np.int32), dtype=np.int64)])[rows])
    total = int(lengths.sum())
    header = Header(len(terms), len(ids), len(terms), len(ids), total, total / max(len(ids), 1), description)
    records = (Record(position, id_, int(lengths[position])) for position, id_ in enumerate(ids))
    write(path, header, _inverted(terms, columns, weights, rows), records)
    return len(ids)


def _inverted(terms: Sequence[str], columns: "array[int]", weights: "array[int]", rows: _Ints) -> Iterator[Postings]:
    order = np.argsort(np.frombuffer(columns, dtype=np.int32), kind="stable")
    positions = np.repeat(np.arange(len(rows) - 1, dtype=np.int32), np.diff(rows))
    ends = np.concatenate([[0], np.cumsum(np.bincount(np.frombuffer(columns, dtype=np.int32), minlength=len(terms)))])
    values = np.frombuffer(weights, dtype=np.int32)
    for column in sorted(range(len(terms)), key=terms.__getitem__):
        chosen = order[ends[column] : ends[column + 1]]
        yield Postings(terms[column], positions[chosen].astype(np.int64), values[chosen].astype(np.int64))


def _header(message: bytes, where: str) -> Header:
    values = dict(wire.fields(message, where))
    numbers = [values.get(number, 0) for number in range(1, 7)]
    average, text = values.get(7, bytes(8)), values.get(8, b"")
    if not all(isinstance(one, int) for one in numbers) or not isinstance(average, bytes) or len(average) != 8:
        raise DataError(f"{where}: found {shown(message)}; wanted six numbers and an average: is this CIFF?")
    version, *sizes = (wire.signed(int(one)) for one in numbers)
    if version != VERSION or min(sizes) < 0 or max(sizes[:4]) > LARGEST or not isinstance(text, bytes):
        raise DataError(
            f"{where}: found version {version} and the sizes {sizes}; wanted version {VERSION} and sizes from 0"
        )
    description = text.decode("utf-8", "replace")
    lists, passages, total_lists, total_passages, total_weight = sizes
    (length,) = struct.unpack("<d", average)
    return Header(lists, passages, total_lists, total_passages, total_weight, length, description)


def _postings(message: bytes, size: int, where: str, problems: Problems) -> Postings | None:
    term, gaps, weights = _quick(message, where) or _slow(message, where)
    positions = np.cumsum(gaps)
    if len(gaps) and ((gaps[1:] < 1).any() or positions[-1] >= size or weights.min() < 1):
        found = f"positions up to {positions[-1]} of {size} and weights from {weights.min()}"
        raise DataError(f"{where}: found {found}; wanted rising positions inside, and weights of 1 or more")
    name = decoded(term, where, problems)
    return None if name is None else Postings(name, positions, weights)


def _quick(message: bytes, where: str) -> tuple[bytes, _Ints, _Ints] | None:
    """A list whose fields stand in the order in which all writers put them; None where they do not."""
    if message[:1] != b"\x0a":
        return None
    size, at = wire.varint_at(message, 1, where)
    term, at = message[at : at + size], at + size
    while message[at : at + 1] in (b"\x10", b"\x18"):  # how many postings, and the sum of their weights
        _, at = wire.varint_at(message, at + 1, where)
    if message[at : at + 1] != b"\x22":
        return None
    if len(message) - at <= _SHORT:
        short = _short(message, at, where)
        return short and (term, *short)
    values, sizes = wire.varints(message[at:], where)
    if len(values) >= 4 and values[2] == _WEIGHT:  # a first gap of 0 is not written
        values, sizes = np.insert(values, 2, [_POSITION, 0]), np.insert(sizes, 2, [0, 0])
    if len(values) % 6:
        return None
    table, widths = values.reshape(-1, 6), sizes.reshape(-1, 6)
    tags = (table[:, 0] == _POSTING) & (table[:, 2] == _POSITION) & (table[:, 4] == _WEIGHT)
    if not (tags & (table[:, 1] == widths[:, 2:].sum(axis=1).astype(np.uint64))).all():
        return None
    if table[:, [3, 5]].max() > LARGEST:
        raise DataError(f"{where}: found a number above {LARGEST}; wanted positions and weights of 31 bits")
    return term, table[:, 3].astype(np.int64), table[:, 5].astype(np.int64)


def _short(message: bytes, at: int, where: str) -> tuple[_Ints, _Ints] | None:
    """A few postings; None where their fields stand in another order."""
    gaps, weights = [], []
    while at < len(message):
        end = at + 2 + message[at + 1] if at + 1 < len(message) else at
        if message[at] != _POSTING or not at + 2 < end <= len(message) or message[at + 1] > _LARGEST_POSTING:
            return None
        at, gap = at + 2, 0
        if message[at] == _POSITION:
            gap, at = wire.varint_at(message, at + 1, where)
        if message[at : at + 1] != _WEIGHT_TAG:
            return None
        weight, at = wire.varint_at(message, at + 1, where)
        if at != end or max(gap, weight) > LARGEST:
            return None
        gaps.append(gap)
        weights.append(weight)
    return np.array(gaps, dtype=np.int64), np.array(weights, dtype=np.int64)


def _slow(message: bytes, where: str) -> tuple[bytes, _Ints, _Ints]:
    """A list whose fields stand in any order."""
    term, gaps, weights = b"", [], []
    for number, value in wire.fields(message, where):
        if number == 1 and isinstance(value, bytes):
            term = value
        elif number == 4 and isinstance(value, bytes):
            posting = dict(wire.fields(value, where))
            gap, weight = (_int32(posting.get(key, 0), where) for key in (1, 2))
            gaps.append(gap)
            weights.append(weight)
    return term, np.array(gaps, dtype=np.int64), np.array(weights, dtype=np.int64)


def _record(message: bytes, size: int, where: str) -> Record:
    values = dict(wire.fields(message, where))
    position, length = (_int32(values.get(key, 0), where) for key in (1, 3))
    name = values.get(2, b"")
    if not 0 <= position < size or not isinstance(name, bytes):
        raise DataError(f"{where}: found position {position} of {size}; wanted one inside")
    return Record(position, make_id(decoded(name, where, Problems(strict=True)), where), length)


def _int32(value: int | bytes, where: str) -> int:
    number = wire.signed(value) if isinstance(value, int) else -1
    if not 0 <= number <= LARGEST:
        raise DataError(f"{where}: found {shown(value)}; wanted a number from 0 to {LARGEST}")
    return number


def _sized(message: bytes) -> bytes:
    return wire.varint(len(message)) + message


def _header_bytes(header: Header) -> bytes:
    numbers = (
        VERSION, header.lists, header.passages, header.total_lists, header.total_passages, header.total_weight
    )  # fmt: skip
    content = b"".join(wire.number_field(number, value) for number, value in enumerate(numbers, 1))
    average = wire.varint(7 << 3 | wire.FIXED64) + struct.pack("<d", header.average_length)
    return content + average + wire.bytes_field(8, encoded(header.description, "the header's description"))


def _postings_bytes(one: Postings, where: str) -> bytes:
    gaps = np.diff(one.positions, prepend=0)
    valid = len(one.positions) == len(one.weights) and (gaps[1:] > 0).all() and (gaps[:1] >= 0).all()
    if not valid or (len(gaps) and (one.weights.min() < 1 or max(one.positions[-1], one.weights.max()) > LARGEST)):
        raise DataError(
            f"{where}: found postings of {shown(one.term)} that do not rise, or weights below 1; wanted both"
        )
    parts = np.empty((len(gaps), 6), dtype=np.uint64)
    parts[:, [0, 2, 4]] = _POSTING, _POSITION, _WEIGHT
    parts[:, 3], parts[:, 5] = gaps, one.weights
    parts[:, 1] = 2 + wire.varint_sizes(parts[:, 3]) + wire.varint_sizes(parts[:, 5])
    term = wire.bytes_field(1, encoded(one.term, where))
    counts = wire.number_field(2, len(gaps)) + wire.number_field(3, int(one.weights.sum()))
    return term + counts + wire.varint_bytes(parts.reshape(-1))


def _record_bytes(record: Record) -> bytes:
    if not record.id or not 0 <= record.position <= LARGEST or not 0 <= record.length <= LARGEST:
        wanted = f"an id, and a position and a length from 0 to {LARGEST}: a smaller scale makes shorter passages"
        raise DataError(f"found the record {shown(record)}; wanted {wanted}")
    id_ = wire.bytes_field(2, encoded(record.id, "a passage's id"))
    return wire.number_field(1, record.position) + id_ + wire.number_field(3, record.length)
