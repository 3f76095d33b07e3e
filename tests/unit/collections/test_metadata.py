"""Columns of metadata: what goes in comes back, joined is written at once, damage is named."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.collections.metadata import where
from vizsla.collections.metadata.columns import MetadataColumns
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.metadata.values import Kind, Row
from vizsla.core.artifacts import draft, open_artifact
from vizsla.core.errors import ArtifactError, ShapeError
from vizsla.core.protocols import Passage

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
MOMENTS = st.datetimes(timezones=st.sampled_from([None, UTC])).map(lambda one: one.replace(fold=0))
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "number": NUMBERS,
    "boolean": st.booleans(),
    "date": st.one_of(st.dates(), MOMENTS),
    "texts": st.lists(TEXTS, max_size=3),
    "numbers": st.lists(NUMBERS, max_size=3),
    "list": st.just([]),
}
SCHEMA = Schema({kind: kind for kind in VALUES})
ROWS = st.lists(st.fixed_dictionaries({}, optional={str(kind): VALUES[kind] for kind in VALUES}), max_size=6)
SOME: list[Any] = [
    {"text": "zh", "number": 1, "boolean": True, "date": date(2024, 5, 1), "texts": ["a", "b"], "numbers": [1, 2.5]},
    {"text": "en", "number": 0.5, "date": datetime(2024, 5, 1, 10, tzinfo=UTC), "texts": [], "list": []},
    {},
    {"text": "zh", "texts": ["b", "b", "c"], "numbers": [-1]},
]
CONDITIONS = [
    *(
        "text = 'zh'",
        "text < 'zh'",
        "text IN ('en', 'fr')",
        "text LIKE '%h'",
        "number > 0",
        "number IN (1, 2)",
        "boolean",
    ),
    *("date >= '2024-05-01'", "'b' IN texts", "2.5 IN numbers", "texts IS NULL", "'a' NOT IN list"),
]


def stored(columns: MetadataColumns, folder: Path, schema: Schema = SCHEMA) -> MetadataColumns:
    with draft(folder, kind="segment", version=1, settings={}) as target:
        columns.write(target)
    return MetadataColumns.load(open_artifact(folder, kind="segment", version=1), schema)


def rows_of(columns: MetadataColumns) -> list[Row]:
    every = columns.many(range(len(columns)))
    assert exactly(every) == exactly([columns.row(row) for row in range(len(columns))])
    return every


def arrays_of(columns: MetadataColumns) -> dict[str, dict[str, Any]]:
    return {
        name: {"kind": column.values.kind} | {part: array.tolist() for part, array in column.arrays().items()}
        for name, column in sorted(columns.columns.items())
    }


def exactly(rows: list[Row]) -> str:
    """Rows with the type of every value: 1 is not 1.0 and not True, 0.0 is not -0.0."""
    return repr([sorted(row.items()) for row in rows])


@settings(deadline=None)
@given(ROWS)
def test_rows_come_back_exactly(tmp_path_factory: pytest.TempPathFactory, given_rows: list[dict[str, Any]]) -> None:
    schema, rows = SCHEMA.read(Passage("", "", metadata=row) for row in given_rows)
    assert exactly(rows) == exactly(given_rows)
    columns = MetadataColumns.build(rows, schema)
    assert exactly(rows_of(columns)) == exactly(rows)
    loaded = stored(columns, tmp_path_factory.mktemp("segments") / "one")
    assert exactly(rows_of(loaded)) == exactly(rows)
    assert arrays_of(loaded) == arrays_of(columns)


@settings(deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=4), st.data())
def test_joined_is_written_at_once(parts: list[list[Row]], data: st.DataObject) -> None:
    kept = [np.array(data.draw(st.lists(st.booleans(), min_size=len(p), max_size=len(p))), np.bool_) for p in parts]
    left = [row for part, mask in zip(parts, kept, strict=True) for row, keep in zip(part, mask, strict=True) if keep]
    joined = MetadataColumns.joined([MetadataColumns.build(part, SCHEMA) for part in parts], kept)
    at_once = MetadataColumns.build(left, SCHEMA)
    assert len(joined) == len(at_once)
    assert arrays_of(joined) == arrays_of(at_once)
    assert exactly(rows_of(joined)) == exactly(left)


def test_joined_segments_are_the_same_file(tmp_path: Path) -> None:
    parts = [stored(MetadataColumns.build(SOME[:1], SCHEMA), tmp_path / "a")]
    parts.append(stored(MetadataColumns.build(SOME[1:], SCHEMA), tmp_path / "b"))
    kept = [np.array([True]), np.array([True, False, True])]
    stored(MetadataColumns.joined(parts, kept), tmp_path / "joined")
    stored(MetadataColumns.build([SOME[0], SOME[1], SOME[3]], SCHEMA), tmp_path / "at_once")
    assert (tmp_path / "joined/metadata.npy").read_bytes() == (tmp_path / "at_once/metadata.npy").read_bytes()


@pytest.mark.parametrize(("kind", "held", "said"), [("texts", ["a"], "'a'"), ("numbers", [1], "1")])
def test_empty_lists_follow_the_schema(tmp_path: Path, kind: Kind, held: Any, said: str) -> None:
    early, late, every = Schema({"x": "list"}), Schema({"x": kind}), np.ones(2, np.bool_)
    loaded = stored(MetadataColumns.build([{"x": []}, {}], early), tmp_path / kind, late)
    joined = MetadataColumns.joined([loaded, MetadataColumns.build([{"x": held}], late)], [every, every[:1]])
    assert rows_of(joined) == [{"x": []}, {}, {"x": held}]
    assert where.parse(f"{said} NOT IN x", late).evaluate(joined).tolist() == [True, False, False]
    undecided = MetadataColumns.joined([MetadataColumns.build([{"x": []}], early), loaded], [every[:1], every])
    assert rows_of(undecided) == [{"x": []}, {"x": []}, {}]


def test_an_absent_field_takes_nothing(tmp_path: Path) -> None:
    columns = MetadataColumns.build([{}] * 1000, SCHEMA)
    assert not columns.columns
    loaded = stored(columns, tmp_path / "none")
    assert len(loaded) == 1000
    assert loaded.row(999) == {}
    assert (tmp_path / "none/metadata.npy").stat().st_size < 200
    one: list[Row] = [{}] * 999
    stored(MetadataColumns.build([*one, {"text": "a"}], SCHEMA), tmp_path / "one")
    assert (tmp_path / "one/metadata.npy").stat().st_size < 500


def test_dropping_every_row_with_a_field_drops_the_field() -> None:
    part = MetadataColumns.build([{"text": "a"}, {}], SCHEMA)
    joined = MetadataColumns.joined([part], [np.array([False, True])])
    assert len(joined) == 1
    assert dict(joined.columns) == {}
    with pytest.raises(ShapeError):
        MetadataColumns.joined([part], [np.array([True])])


@pytest.mark.parametrize("row", [-1, 4])
def test_a_row_that_is_not_there(row: int) -> None:
    columns = MetadataColumns.build(SOME, SCHEMA)
    with pytest.raises(ShapeError, match=f"rows {row} to {row}; wanted 0 to 3"):
        columns.row(row)
    with pytest.raises(ShapeError, match=f"rows {min(row, 0)} to {max(row, 0)}; wanted 0 to 3"):
        columns.many([0, row])


def test_rows_are_read_in_the_order_they_are_asked_for_and_as_often(tmp_path: Path) -> None:
    columns = stored(MetadataColumns.build(SOME, SCHEMA), tmp_path / "one")
    assert columns.many(np.array([3, 1, 1, 2, 0])) == [SOME[3], SOME[1], SOME[1], {}, SOME[0]]
    assert columns.many([]) == []
    first, again = columns.many([1, 1])
    first["texts"] = ["other"]
    assert again == SOME[1], "a row is its own"


@pytest.mark.parametrize("schema", [Schema(), Schema({**SCHEMA.fields, "number": "text"})])
def test_another_schema_is_refused(tmp_path: Path, schema: Schema) -> None:
    with pytest.raises(ArtifactError, match=r"found the .* as the schema says"):
        stored(MetadataColumns.build(SOME, SCHEMA), tmp_path / "one", schema)


def use(folder: Path) -> None:
    """Everything that reads the stored arrays."""
    columns = MetadataColumns.load(open_artifact(folder, kind="segment", version=1), SCHEMA)
    columns.many(range(min(len(columns), 6)))
    for condition in CONDITIONS:
        where.parse(condition, SCHEMA).evaluate(columns)
    joined = MetadataColumns.joined([columns, columns], [np.ones(len(columns), np.bool_)] * 2)
    for column in joined.columns.values():
        column.arrays()


@pytest.mark.parametrize("value", [0x00, 0xFF, 0x7F, 0x01])
def test_any_altered_byte_is_read_or_named(tmp_path: Path, value: int) -> None:
    stored(MetadataColumns.build(SOME, SCHEMA), tmp_path / "one")
    path = tmp_path / "one/metadata.npy"
    whole, named = path.read_bytes(), 0
    for place in range(128 + value % 4, len(whole), 4):
        path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
        try:
            use(tmp_path / "one")
        except ArtifactError as error:
            assert "build it again" in str(error) or "schema" in str(error)  # noqa: PT017
            named += 1
    assert named > 20


@pytest.mark.parametrize(
    "directory",
    [
        b"", b"[]", b"{}", b"null", b'{"size": -1, "fields": {}}', b'{"size": 1, "fields": []}', b"[" * 100_000,
        b'{"size": 1, "fields": {"x": {}}}', b'{"size": 1.5, "fields": {}}', b'{"size": true, "fields": {}}',
        b'{"size": 1, "fields": {"text": {"kind": "no", "size": 1, "arrays": {}}}}',
        b'{"size": 1, "fields": {"text": {"kind": "text", "size": 1, "arrays": {}}}}',
        b'{"size": 1, "fields": {"text": {"kind": ["text"], "size": 1, "arrays": {"codes": [0, 1]}}}}',
        b'{"size": 1, "fields": {"boolean": {"kind": "boolean", "size": 1, "arrays": {"values": [999999999, 1]}}}}',
        b'{"size": 1, "fields": {"boolean": {"kind": "boolean", "size": 1, "arrays": {"values": [0, 99999999999]}}}}',
    ],
)  # fmt: skip
def test_a_directory_that_fits_nothing_is_named(tmp_path: Path, directory: bytes) -> None:
    with draft(tmp_path / "one", kind="segment", version=1, settings={}) as target:
        data = np.frombuffer(directory + len(directory).to_bytes(8, "little"), np.uint8)
        target.array("metadata", data)
    with pytest.raises(ArtifactError, match="a directory that does not fit the file"):
        use(tmp_path / "one")


def test_the_stored_bytes(tmp_path: Path) -> None:
    stored(MetadataColumns.build(SOME, SCHEMA), tmp_path / "one")
    data = np.load(tmp_path / "one/metadata.npy").tobytes()
    length = int.from_bytes(data[-8:], "little")
    directory = json.loads(data[-8 - length : -8])
    assert directory["size"] == 4
    text = directory["fields"]["text"]
    assert (text["kind"], text["size"]) == ("text", 3)
    begin, count = text["arrays"]["rows"]
    assert np.frombuffer(data, np.int32, count, begin).tolist() == [0, 1, 3]
    begin, count = text["arrays"]["codes"]
    assert np.frombuffer(data, np.int32, count, begin).tolist() == [1, 0, 1]
    begin, count = text["arrays"]["bytes"]
    assert data[begin : begin + count] == b"enzh"
    assert "rows" in directory["fields"]["boolean"]["arrays"]
