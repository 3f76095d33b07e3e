"""`where` keeps the rows that SQLite keeps, and whatever text it is given, it parses or says where it cannot."""

import re
import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, NamedTuple

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vizsla.collections.metadata import dates, tokens, where
from vizsla.collections.metadata.columns import MetadataColumns
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.metadata.tokens import named, quoted
from vizsla.collections.metadata.values import Kind, Row
from vizsla.core.errors import SettingsError
from vizsla.core.protocols import Passage

KINDS: tuple[Kind, ...] = ("text", "number", "boolean", "date")
NAMES = ("lang", "in", "2nd", "年份", "Like_1", "a")
TEXTS = st.text(st.sampled_from("aAbé%_'\"\\\n維🐕 z"), max_size=4)
NUMBERS = st.one_of(st.integers(-3, 3), st.integers(-(2**53), 2**53), st.integers(-40, 40).map(lambda one: one / 8))
ZONES: st.SearchStrategy[Any] = st.sampled_from(
    [None, UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30))]
)
MOMENTS = st.datetimes(datetime(2023, 12, 30), datetime(2024, 1, 3), timezones=ZONES)  # noqa: DTZ001
DATES = st.one_of(st.dates(date(2023, 12, 30), date(2024, 1, 3)), MOMENTS)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    "text": TEXTS,
    "number": NUMBERS,
    "boolean": st.booleans(),
    "date": DATES,
}
COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Pair(NamedTuple):
    """One condition in the two languages."""

    ours: str
    theirs: str


def literal(value: Any, kind: Kind) -> Pair:
    """A value as each writes it; SQLite gets dates as microseconds, for it has none."""
    if kind == "text":
        return Pair(quoted(value), quoted(value))
    if kind == "boolean":
        return Pair(*[str(value)] * 2)
    if kind == "number":
        return Pair(*[repr(value)] * 2)
    return Pair(quoted(value.isoformat()), str(dates.pack(value)[0]))


@st.composite
def leaves(draw: st.DrawFn, fields: dict[str, Kind]) -> Pair:
    """A condition on one field."""
    field = draw(st.sampled_from(sorted(fields)))
    kind, name = fields[field], f'"{field}"' if draw(st.booleans()) else named(field)
    negated = draw(st.sampled_from(["", "NOT ", "not "]))
    one, other = (literal(draw(VALUES[kind]), kind) for _ in range(2))
    form = draw(st.sampled_from(["compare", "turned", "in", "null", "between", "like", "bare"]))
    if form == "in":
        listed = [literal(one, kind) for one in draw(st.lists(VALUES[kind], min_size=1, max_size=4))]
        return Pair(*(f"{said} {negated}IN ({', '.join(one[i] for one in listed)})" for i, said in naming(name, field)))
    if form == "null":
        return Pair(*(f"{said} IS {negated}NULL" for _, said in naming(name, field)))
    if form == "between" and kind != "boolean":
        return Pair(*(f"{said} {negated}BETWEEN {one[i]} AND {other[i]}" for i, said in naming(name, field)))
    if form == "like" and kind == "text":
        escape = draw(st.sampled_from(["", " ESCAPE '!'"]))
        pattern = quoted(draw(st.text(st.sampled_from("aAbé%%__維"), max_size=5)))
        return Pair(*(f"{said} {negated}LIKE {pattern}{escape}" for _, said in naming(name, field)))
    if form == "bare" and kind == "boolean":
        return Pair(name, f'"{field}"')
    op = draw(st.sampled_from(COMPARISONS[:3] if kind == "boolean" else COMPARISONS))
    if form == "turned":
        return Pair(*(f"{one[i]} {op} {said}" for i, said in naming(name, field)))
    return Pair(*(f"{said}{op}{one[i]}" for i, said in naming(name, field)))


def naming(name: str, field: str) -> tuple[tuple[int, str], tuple[int, str]]:
    """How each of the two names a field."""
    return (0, name), (1, f'"{field}"')


@st.composite
def conditions(draw: st.DrawFn, fields: dict[str, Kind], depth: int = 4) -> Pair:
    """Conditions within conditions; parentheses only where drawn, so that precedence is compared too."""
    form = draw(st.sampled_from(["leaf", "and", "or", "not", "parentheses"])) if depth else "leaf"
    if form == "leaf":
        return draw(leaves(fields))
    one = draw(conditions(fields, depth - 1))
    if form == "not":
        return Pair(f"NOT {one.ours}", f"NOT {one.theirs}")
    if form == "parentheses":
        return Pair(f"({one.ours})", f"({one.theirs})")
    other = draw(conditions(fields, depth - 1))
    word = draw(st.sampled_from([form, form.upper()]))
    return Pair(f"{one.ours} {word} {other.ours}", f"{one.theirs} {word} {other.theirs}")


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Kind], list[dict[str, Any]], Pair]:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    fields = {name: draw(st.sampled_from(KINDS)) for name in names}
    rows = draw(st.lists(st.fixed_dictionaries({}, optional={n: VALUES[k] for n, k in fields.items()}), max_size=8))
    return fields, rows, draw(conditions(fields))


def columns_of(rows: list[dict[str, Any]], schema: Schema) -> tuple[MetadataColumns, list[Row]]:
    grown, read = schema.read(Passage(str(number), "", metadata=row) for number, row in enumerate(rows))
    return MetadataColumns.build(read, grown), read


def sqlite_keeps(fields: dict[str, Kind], rows: list[Row], condition: str) -> list[int]:
    """The rows that SQLite keeps, texts compared byte by byte and LIKE with case, as the standard has it."""
    plain = [
        [dates.pack(row[name])[0] if isinstance(row.get(name), date) else row.get(name) for name in fields]  # type: ignore[arg-type]
        for row in rows
    ]
    database = sqlite3.connect(":memory:")
    try:
        database.execute("PRAGMA case_sensitive_like = ON")
        database.execute(f"CREATE TABLE rows ({', '.join(f'{chr(34)}{name}{chr(34)}' for name in fields)})")
        database.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(fields))})", plain)
        kept = database.execute(f"SELECT rowid - 1 FROM rows WHERE {condition} ORDER BY rowid").fetchall()
    finally:
        database.close()
    return [row for (row,) in kept]


@settings(deadline=None, max_examples=400)
@given(cases())
def test_it_keeps_what_sqlite_keeps(case: tuple[dict[str, Kind], list[dict[str, Any]], Pair]) -> None:
    fields, rows, condition = case
    schema = Schema(fields)
    columns, read = columns_of(rows, schema)
    expression = where.parse(condition.ours, schema)
    kept = expression.evaluate(columns)
    assert kept.dtype == np.bool_
    assert kept.shape == (len(rows),)
    assert np.flatnonzero(kept).tolist() == sqlite_keeps(fields, read, condition.theirs)


@settings(deadline=None, max_examples=150)
@given(cases())
def test_its_text_says_the_same(case: tuple[dict[str, Kind], list[dict[str, Any]], Pair]) -> None:
    fields, rows, condition = case
    schema = Schema(fields)
    columns, _ = columns_of(rows, schema)
    expression = where.parse(condition.ours, schema)
    again = where.parse(expression.text, schema)
    assert again == expression
    kept = expression.evaluate(columns)
    every = np.logical_and.reduce([part.evaluate(columns) for part in expression.parts()])
    assert kept.tolist() == every.tolist() == again.evaluate(columns).tolist()
    known = kept | expression.opposite().evaluate(columns)
    assert expression.opposite().opposite() == expression
    assert not (kept & expression.opposite().evaluate(columns)).any()
    assert (
        known.tolist()
        == where.parse(f"({condition.ours}) OR NOT ({condition.ours})", schema).evaluate(columns).tolist()
    )


@settings(deadline=None, max_examples=300)
@given(st.lists(st.text("ab維é", max_size=4), max_size=8), st.text("ab維é%_", max_size=6))
@example(["a", "aab"], "%aa%b")  # as one, the two hold "aa" across them
@example(["aa", "a"], "%a%a")
@example(["a", "", "ab", "b"], "%ab%")
def test_like_finds_what_python_finds(texts: list[str], pattern: str) -> None:
    columns = MetadataColumns.build([{"lang": text} for text in texts], Schema({"lang": "text"}))
    kept = where.parse(f"lang LIKE '{pattern}'", Schema({"lang": "text"})).evaluate(columns)
    wanted = re.compile(re.escape(pattern).replace("%", ".*").replace("_", "."), re.DOTALL)
    assert kept.tolist() == [wanted.fullmatch(text) is not None for text in texts]


MEMBERS: dict[Kind, st.SearchStrategy[Any]] = {"texts": TEXTS, "numbers": NUMBERS}


@settings(deadline=None)
@given(st.data(), st.sampled_from(sorted(MEMBERS)))
def test_lists_hold_what_python_says(data: st.DataObject, kind: Kind) -> None:
    lists = st.one_of(st.none(), st.lists(MEMBERS[kind], max_size=4))
    rows = data.draw(st.lists(lists, max_size=8))
    wanted = data.draw(MEMBERS[kind])
    schema = Schema({"tags": kind})
    columns, _ = columns_of([{"tags": row} for row in rows], schema)
    said = literal(wanted, "text" if kind == "texts" else "number").ours
    for form in (f"{said} {{}}IN tags", f"tags {{}}CONTAINS {said}"):
        kept = where.parse(form.format(""), schema).evaluate(columns)
        left = where.parse(form.format("NOT "), schema).evaluate(columns)
        assert kept.tolist() == [row is not None and wanted in row for row in rows]
        assert left.tolist() == [row is not None and wanted not in row for row in rows]


FIELDS: dict[str, Kind] = {
    "lang": "text", "year": "number", "open": "boolean", "day": "date", "tags": "texts", "sizes": "numbers",
    "x": "list",
}  # fmt: skip
PIECES = [
    *(word.lower() for word in tokens.KEYWORDS), *tokens.KEYWORDS, *FIELDS, "(", ")", ",", "=", "<>", "!=", "<", "<=",
    ">", ">=", "'zh'", "'2024-05-01'", "''", "1", "-2.5e3", "1e999", "9007199254740993", '"lang"', "'", '"', ".", ";",
    "--", "*", "year.real", "__class__", "lang()", "(SELECT 1)", "\x00", "\ud800", "'\ud800'", "\uff1d", "🐕",
]  # fmt: skip


def only_our_errors(text: str) -> None:
    schema = Schema(FIELDS)
    try:
        found = where.parse(text, schema)
    except SettingsError as error:
        assert "wanted" in str(error)  # noqa: PT017
        return
    assert where.parse(found.text, schema) == found
    assert found.evaluate(MetadataColumns.build([{}], schema)).shape == (1,)


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))
@example("(" * 5_000)
@example("NOT " * 2_400)
@example("(" * 51 + "open" + ")" * 51)
@example("lang = 'a" + "b" * 20_000)
def test_any_words_are_parsed_or_refused(text: str) -> None:
    only_our_errors(text)


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=40))
def test_any_characters_are_parsed_or_refused(text: str) -> None:
    only_our_errors(text)
