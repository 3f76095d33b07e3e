"""What a schema takes, what it refuses, and what it gives back."""

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from vizsla.collections.metadata.schema import Schema, to_json
from vizsla.collections.metadata.values import Kind
from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Passage

EAST = timezone(timedelta(hours=8))


def read(schema: Schema, *metadata: Mapping[Any, object]) -> tuple[dict[str, Kind], list[dict[str, Any]]]:
    grown, rows = schema.read(Passage(f"p{number}", "", metadata=row) for number, row in enumerate(metadata))
    return dict(grown.fields), list(rows)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("zh", "text"), ("", "text"), ("2024-05-01", "text"), (1, "number"), (-0.5, "number"), (True, "boolean"),
        (date(2024, 5, 1), "date"), (datetime(2024, 5, 1, 10, 30, tzinfo=UTC), "date"), (["a", "b"], "texts"),
        ([1, 2.5], "numbers"), ([], "list"), (2**53, "number"), (-(2**53), "number"),
    ],
)  # fmt: skip
def test_the_first_value_fixes_the_kind(value: object, kind: Kind) -> None:
    fields, rows = read(Schema(), {"x": value})
    assert fields == {"x": kind}
    assert rows == [{"x": value}]
    assert type(rows[0]["x"]) is type(value)


def test_values_take_their_normal_form() -> None:
    schema = Schema({"day": "date", "tags": "texts"})
    _, rows = read(
        schema,
        {"day": "2024-05-01", "tags": ("a", "b"), "year": np.int64(3), "size": np.float32(0.5), "open": np.True_},
        {"day": "2024-05-01T10:30:00.25", "tags": [], "year": None},
        {"day": "2024-05-01 10:30+08:00"},
        {"day": datetime(2024, 5, 1, 10, 30, tzinfo=EAST)},
    )
    assert rows == [
        {"day": date(2024, 5, 1), "tags": ["a", "b"], "year": 3, "size": 0.5, "open": True},
        {"day": datetime(2024, 5, 1, 10, 30, 0, 250_000), "tags": []},  # noqa: DTZ001
        {"day": datetime(2024, 5, 1, 2, 30, tzinfo=UTC)},
        {"day": datetime(2024, 5, 1, 2, 30, tzinfo=UTC)},
    ]
    assert [type(value) for value in rows[0].values()] == [date, list, int, float, bool]


def test_an_empty_list_learns_later_what_it_holds() -> None:
    assert read(Schema(), {"x": []}, {"x": ["a"]}, {"x": []})[0] == {"x": "texts"}
    assert read(Schema(), {"x": []}, {"x": [1]})[0] == {"x": "numbers"}
    assert read(Schema({"x": "list"}), {"x": []})[0] == {"x": "list"}
    with pytest.raises(DataError, match="wanted a list"):
        read(Schema(), {"x": []}, {"x": "a"})


@pytest.mark.parametrize(
    ("kind", "value", "wanted"),
    [
        ("text", 1, "wanted a text"), ("text", "\ud800", "half a surrogate"), ("number", "1", "wanted a number"),
        ("number", True, "wanted a number"), ("number", math.nan, "finite"), ("number", -math.inf, "finite"),
        ("number", 2**53 + 1, r"2\*\*53.*keep it as a text"), ("boolean", 1, "true or false"),
        ("date", "May 1st", "2024-05-01T10:30:00Z"), ("date", "2024-02-30", "day is out of range"),
        ("date", "20240501", "such as"), ("date", 2024, "wanted a date"), ("date", "2024-05-01T25:00", "hour must be"),
        ("date", "0001-01-01T00:00+08:00", "year 1 to the year 9999"), ("texts", "a", "wanted a list"),
        ("date", "9999-12-31T23:59-08:00", "year 1 to the year 9999"),
        ("texts", ["a", 1], "wanted a text, in a list of texts"), ("numbers", [1, "a"], "wanted a number, in a list"),
        ("numbers", [math.nan], "finite"), ("texts", ["a"] * 1001, "at most 1,000 entries, found 1,001"),
        ("texts", {"a"}, "wanted a list"), ("number", None.__class__, "wanted a number"),
    ],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_by_name(kind: Kind, value: object, wanted: str) -> None:
    with pytest.raises(DataError, match=rf"passage 'p1', field 'x': found .*{wanted}.*; 'x' is of the kind {kind}"):
        read(Schema({"x": kind}), {"y": 1}, {"x": value})


@pytest.mark.parametrize("value", [object(), {"a": 1}, {1}, b"a", 1j])
def test_a_first_value_of_no_kind_is_refused(value: object) -> None:
    with pytest.raises(DataError, match=r"passage 'p0', field 'x'.*wanted a text, a number, true or false, a date"):
        read(Schema(), {"x": value})


@pytest.mark.parametrize("value", [[None], [["a"]], [True], [date(2024, 5, 1)]])
def test_a_first_list_of_anything_else_is_refused(value: object) -> None:
    with pytest.raises(DataError, match="wanted a number, in a list of numbers"):
        read(Schema(), {"x": value})


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a" * 65, 'a"b', "a-b", 1, None, "e\u0301"])
def test_a_name_that_cannot_be_is_refused(name: Any) -> None:
    with pytest.raises(DataError, match="wanted 1 to 64 letters, digits and _"):
        read(Schema(), {name: 1})
    if isinstance(name, str):
        with pytest.raises(SettingsError, match="wanted 1 to 64 letters, digits and _"):
            Schema({name: "text"})


def test_names_may_be_of_any_script() -> None:
    assert read(Schema(), {"年份": 1, "2nd": 2, "_": 3, "a" * 64: 4})[0] == {
        "年份": "number", "2nd": "number", "_": "number", "a" * 64: "number",
    }  # fmt: skip


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'number'"):
        Schema({"x": "numbr"})  # type: ignore[dict-item]


def test_fields_are_at_most_256() -> None:
    most = {f"f{number}": 1 for number in range(256)}
    assert len(read(Schema(), most)[0]) == 256
    with pytest.raises(DataError, match="at most 256 fields"):
        read(Schema(), most, {"one_more": 1})
    with pytest.raises(SettingsError, match="at most 256"):
        Schema(dict.fromkeys([*most, "one_more"], "text"))


def test_a_passage_holds_at_most_64_kib() -> None:
    rest = len('{"x":""}')
    read(Schema(), {"x": "a" * (65_536 - rest)})
    with pytest.raises(DataError, match="passage 'p0': found 65,537 bytes of metadata as JSON; wanted at most 65,536"):
        read(Schema(), {"x": "a" * (65_537 - rest)})


def test_a_list_holds_at_most_1_000() -> None:
    assert read(Schema(), {"x": ["a"] * 1_000, "y": [1] * 1_000})[0] == {"x": "texts", "y": "numbers"}


def test_what_is_refused_leaves_the_schema_as_it_was() -> None:
    schema = Schema({"x": "text"})
    with pytest.raises(DataError):
        read(schema, {"new": 1}, {"x": 1})
    assert dict(schema.fields) == {"x": "text"}
    same, _ = schema.read([Passage("a", "", metadata={"x": "b"})])
    assert same is schema
    with pytest.raises(TypeError):
        schema.fields["y"] = "text"  # type: ignore[index]


def test_equal_rows_have_equal_json() -> None:
    _, rows = read(
        Schema(),
        {"b": datetime(2024, 5, 1, 10, tzinfo=EAST), "a": [1, 2.0], "c": date(2024, 5, 1)},
        {"c": date(2024, 5, 1), "b": datetime(2024, 5, 1, 2, tzinfo=UTC), "none": None, "a": (1, 2.0)},
    )
    assert to_json(rows[0]) == to_json(rows[1])
    assert to_json(rows[0]) == b'{"a":[1,2.0],"b":"2024-05-01T02:00:00+00:00","c":"2024-05-01"}'
