from pathlib import Path

import numpy as np
import pytest

from vizsla.core.errors import DataError
from vizsla.data import wire
from vizsla.data.formats import ciff
from vizsla.data.formats.ciff import Header, Postings, Record
from vizsla.data.problems import Problems
from vizsla.data.records import TermWeights

STRICT = Problems(strict=True)


def ints(*values: int) -> "np.typing.NDArray[np.int64]":
    return np.array(values, dtype=np.int64)


def sized(*messages: bytes) -> bytes:
    return b"".join(wire.varint(len(one)) + one for one in messages)


def posting(gap: int, weight: int) -> bytes:
    return wire.bytes_field(4, wire.number_field(1, gap) + wire.number_field(2, weight))


def header(lists: int, passages: int) -> bytes:
    return b"".join(wire.number_field(place, value) for place, value in enumerate((1, lists, passages), 1))


def put(path: Path, lists: list[bytes], records: list[bytes]) -> Path:
    path.write_bytes(sized(header(len(lists), len(records)), *lists, *records))
    return path


def record(position: int, id_: str = "a") -> bytes:
    return wire.number_field(1, position) + wire.bytes_field(2, id_.encode())


def test_the_bytes_are_those_of_the_format(tmp_path: Path) -> None:
    path = tmp_path / "x.ciff"
    postings = Postings("ab", ints(0, 300), ints(1, 2))
    ciff.write(path, Header(1, 1, 1, 301, 3, 0.5, "d"), [postings], [Record(300, "id", 3)])
    head = b"\x08\x01\x10\x01\x18\x01\x20\x01\x28\xad\x02\x30\x03\x39\x00\x00\x00\x00\x00\x00\xe0\x3f\x42\x01d"
    list_ = b"\x0a\x02ab\x10\x02\x18\x03\x22\x04\x08\x00\x10\x01\x22\x05\x08\xac\x02\x10\x02"
    assert path.read_bytes() == sized(head, list_, b"\x08\xac\x02\x12\x02id\x18\x03")
    assert ciff.read_header(path) == Header(1, 1, 1, 301, 3, 0.5, "d")
    found, last = ciff.read(path, problems=STRICT)
    assert isinstance(found, Postings)
    assert (found.term, found.positions.tolist(), found.weights.tolist()) == ("ab", [0, 300], [1, 2])
    assert last == Record(300, "id", 3)


@pytest.mark.parametrize("count", [3, 500])
def test_lists_are_read_whatever_the_order_of_their_fields(tmp_path: Path, count: int) -> None:
    usual = [posting(0 if row == 0 else 2, row % 3 + 1) for row in range(count)]
    turned = wire.bytes_field(4, wire.number_field(2, 7) + wire.number_field(1, 1))
    unknown = wire.bytes_field(9, b"more") + wire.number_field(10, 5)
    lists = [
        wire.bytes_field(1, b"usual") + wire.number_field(2, 34) + wire.number_field(3, 34) + b"".join(usual),
        b"".join(usual) + wire.bytes_field(1, b"last"),
        wire.bytes_field(1, b"turned") + b"".join(usual) + turned,
        wire.bytes_field(1, b"unknown") + unknown + b"".join(usual) + unknown,
        wire.bytes_field(1, b"nothing"),
    ]
    path = put(tmp_path / "x.ciff", lists, [record(row, f"p{row}") for row in range(2 * count)])
    found = [one for one in ciff.read(path, problems=STRICT) if isinstance(one, Postings)]
    assert [one.term for one in found] == ["usual", "last", "turned", "unknown", "nothing"]
    for one in found[:4]:
        assert one.positions[:count].tolist() == list(range(0, 2 * count, 2))
        assert one.weights[:count].tolist() == [row % 3 + 1 for row in range(count)]
    assert (found[2].positions[-1], found[2].weights[-1]) == (2 * count - 1, 7)
    assert len(found[4].positions) == 0


@pytest.mark.parametrize(
    ("list_", "message"),
    [
        (posting(0, 0), "weights of 1 or more"),
        (posting(3, 1), "rising positions inside"),
        (posting(1, 1) + posting(0, 1), "rising positions inside"),
        (posting(1, 2**31), "a number from 0 to"),
        (posting(-1, 1), "a number from 0 to"),
        (posting(1, -5), "a number from 0 to"),
        (b"\x22\x04\x08\x01\x10", "whole message"),
        (b"\x0b", "whole message"),
    ],
)
@pytest.mark.parametrize("more", [0, 200])
def test_other_lists_are_refused(tmp_path: Path, list_: bytes, message: str, more: int) -> None:
    size = more + 3
    before = b"".join(posting(int(row > 0), 1) for row in range(more))
    path = put(tmp_path / "x.ciff", [wire.bytes_field(1, b"t") + before + list_], [record(row) for row in range(size)])
    if more and message.startswith("rising") and list_ == posting(3, 1):
        list_ = posting(size, 1)
        path = put(tmp_path / "x.ciff", [before + list_], [record(row) for row in range(size)])
    with pytest.raises(DataError, match=rf"x\.ciff: list 1: .*{message}|x\.ciff: list 1: found .*wanted"):
        list(ciff.read(path, problems=STRICT))


def test_a_term_that_is_not_utf8_is_noted(tmp_path: Path) -> None:
    lists = [wire.bytes_field(1, b"\xff") + posting(0, 1), wire.bytes_field(1, b"b") + posting(0, 1)]
    problems = Problems()
    found = list(ciff.read_weights(put(tmp_path / "x.ciff", lists, [record(0)]), problems=problems))
    assert [one for one, _ in found] == [TermWeights("a", {"b": 1.0})]
    assert problems.counts == {"broken_utf8": 1}


@pytest.mark.parametrize("kept", [0, 1, 5, 20, -1])
def test_a_file_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    path = put(tmp_path / "x.ciff", [wire.bytes_field(1, b"term") + posting(0, 1)], [record(0)])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"x\.ciff: .*found .*; wanted"):
        list(ciff.read(path, problems=STRICT))


def test_more_bytes_than_messages_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path / "x.ciff", [], [record(0)])
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DataError, match="bytes after the last record"):
        list(ciff.read(path, problems=STRICT))


def test_records_and_postings_must_fit(tmp_path: Path) -> None:
    list_ = wire.bytes_field(1, b"t") + posting(1, 1)
    for records in ([record(0), record(0)], [record(0), record(2)]):
        path = put(tmp_path / "x.ciff", [list_], records)
        with pytest.raises(DataError, match="found "):
            list(ciff.read_weights(path, problems=STRICT))
    path = put(tmp_path / "x.ciff", [list_], [record(0, ""), record(1)])
    with pytest.raises(DataError, match="empty id"):
        list(ciff.read_weights(path, problems=STRICT))


@pytest.mark.parametrize("version", [0, 2])
def test_another_version_is_refused(tmp_path: Path, version: int) -> None:
    (tmp_path / "x.ciff").write_bytes(sized(wire.number_field(1, version) + wire.number_field(2, 0)))
    with pytest.raises(DataError, match=f"found version {version}"):
        ciff.read_header(tmp_path / "x.ciff")


@pytest.mark.parametrize(
    ("postings", "records"),
    [
        ([], [Record(0, "a", 0)]),
        ([Postings("t", ints(0), ints(1))], []),
        ([Postings("t", ints(1, 1), ints(1, 1))], [Record(0, "a", 0)]),
        ([Postings("t", ints(0), ints(0))], [Record(0, "a", 0)]),
        ([Postings("t", ints(0), ints(1))], [Record(0, "", 0)]),
        ([Postings("t", ints(0), ints(1))], [Record(0, "a", 2**31)]),
    ],
)
def test_what_the_format_cannot_hold_is_not_written(
    tmp_path: Path, postings: list[Postings], records: list[Record]
) -> None:
    with pytest.raises(DataError, match="found "):
        ciff.write(tmp_path / "x.ciff", Header(1, 1), postings, records)
    assert not list(tmp_path.iterdir())


def test_weights_are_scaled_and_terms_sorted(tmp_path: Path) -> None:
    rows = [TermWeights("1", {"b": 0.5, "a": 0.25}), TermWeights("2", {"b": 0.001})]
    assert ciff.write_weights(tmp_path / "x.ciff.gz", rows, scale=100) == 2
    found = list(ciff.read(tmp_path / "x.ciff.gz", problems=STRICT))
    assert [one.term for one in found if isinstance(one, Postings)] == ["a", "b"]
    assert found[2:] == [Record(0, "1", 75), Record(1, "2", 0)]
    head = ciff.read_header(tmp_path / "x.ciff.gz")
    assert (head.lists, head.passages, head.total_weight, head.average_length) == (2, 2, 75, 37.5)
