"""The grammar of `where`: what it takes, how it says what it does not, and its limits."""

import re
import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from vizsla.collections.metadata import tokens, where
from vizsla.collections.metadata.columns import MetadataColumns
from vizsla.collections.metadata.schema import Schema
from vizsla.core.errors import SettingsError
from vizsla.core.protocols import Passage

SCHEMA = Schema(
    {
        "lang": "text",
        "year": "number",
        "open": "boolean",
        "day": "date",
        "tags": "texts",
        "sizes": "numbers",
        "later": "list",
        "in": "text",
        "2nd": "number",
        "年份": "number",
    }
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("lang='zh'", "lang = 'zh'"),
        ("  lang\n!=\t'it''s' ", "lang <> 'it''s'"),
        ("'zh' = lang", "lang = 'zh'"),
        ("2020 <= year", "year >= 2020"),
        ("2020 > year AND .5 <> year", "year < 2020 AND year <> 0.5"),
        ("year = +1 or year = -1.50 or year = 1e3", "year = 1 OR year = -1.5 OR year = 1000.0"),
        ("open", "open = TRUE"),
        ("not open", "open <> TRUE"),
        ("true = open", "open = TRUE"),
        ("open in (true, False)", "open IN (TRUE, FALSE)"),
        ("TRUE AND NOT false", "TRUE AND TRUE"),
        ("lang IN ('zh','en')", "lang IN ('zh', 'en')"),
        ("lang not in ('zh')", "lang NOT IN ('zh')"),
        ("NOT lang NOT IN ('zh')", "lang IN ('zh')"),
        ("year BETWEEN 1 AND 2 AND open", "year >= 1 AND year <= 2 AND open = TRUE"),
        ("year NOT BETWEEN 1 AND 2", "year < 1 OR year > 2"),
        ("lang LIKE 'a%'", "lang LIKE 'a%'"),
        ("lang NOT LIKE 'a!%' ESCAPE '!'", "lang NOT LIKE 'a!%' ESCAPE '!'"),
        ("lang IS NULL OR lang is not null", "lang IS NULL OR lang IS NOT NULL"),
        ("NOT tags IS NULL", "tags IS NOT NULL"),
        ("'news' IN tags", "'news' IN tags"),
        ("tags CONTAINS 'news'", "'news' IN tags"),
        ("NOT sizes NOT CONTAINS 3", "3 IN sizes"),
        ("3 NOT IN later AND 'a' IN later", "3 NOT IN later AND 'a' IN later"),
        ("day >= '2024-05-01T00:00:00Z'", "day >= '2024-05-01'"),
        ("day = '2024-05-01T08:30+08:00'", "day = '2024-05-01T00:30:00'"),
        ("NOT (lang = 'a' AND year < 3)", "lang <> 'a' OR year >= 3"),
        ("NOT (lang = 'a' OR NOT year < 3)", "lang <> 'a' AND year < 3"),
        ("((lang = 'a') AND (year = 1 AND open))", "lang = 'a' AND year = 1 AND open = TRUE"),
        ("lang = 'a' AND (year = 1 OR open)", "lang = 'a' AND (year = 1 OR open = TRUE)"),
        ("lang = 'a' OR year = 1 AND open", "lang = 'a' OR year = 1 AND open = TRUE"),
        ('"in" = \'x\' AND "2nd" = 1 AND 年份 = 2', '"in" = \'x\' AND "2nd" = 1 AND 年份 = 2'),
        ('"lang" = \'"\'', "lang = '\"'"),
    ],
)
def test_one_text_for_one_meaning(text: str, canonical: str) -> None:
    found = where.parse(text, SCHEMA)
    assert str(found) == found.text == canonical
    assert where.parse(canonical, SCHEMA) == found


def test_parts_are_what_must_all_hold() -> None:
    found = where.parse("lang = 'zh' AND (year > 1 OR open) AND NOT (open OR 'a' IN tags)", SCHEMA)
    assert [part.text for part in found.parts()] == [
        "lang = 'zh'", "year > 1 OR open = TRUE", "open <> TRUE", "'a' NOT IN tags",
    ]  # fmt: skip
    assert [sorted(part.fields) for part in found.parts()] == [["lang"], ["open", "year"], ["open"], ["tags"]]
    assert [part.text for part in where.parse("open OR year = 1", SCHEMA).parts()] == ["open = TRUE OR year = 1"]
    assert where.parse('FALSE OR "in" IS NULL', SCHEMA).fields == {"in"}


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", 0, "found the end; wanted a field"),
        ("lang", 4, "found the end; wanted a comparison after 'lang'"),
        ("lang =", 6, "found the end; wanted a text in single quotes, for 'lang' is of the kind text"),
        ("lang = zh", 7, "found zh; wanted a text in single quotes"),
        ("lang = 1", 7, "found 1; wanted a text"),
        ("lang == 'a'", 6, "found =; wanted a text"),
        ("lang = 'a' 'b'", 11, "found 'b'; wanted AND, OR or the end"),
        ("lang = 'a", 7, "found \"'\"; wanted a closing ' after it"),
        ('"lang = 1', 0, "found '\"'; wanted a closing \" after it"),
        ("lagn = 'a'", 0, "found lagn; wanted a field: did you mean 'lang'?"),
        ("LANG = 'a'", 0, "found LANG; wanted a field"),
        ("in = 'x'", 0, "write a name that is also a keyword in double quotes"),
        ("lang = NULL", 7, "write lang IS NULL for what is absent"),
        ("NULL = lang", 0, "write lang IS NULL for what is absent"),
        ("NULL", 4, "found the end; wanted a comparison or IN"),
        ("lang IS 'a'", 8, "wanted NULL or NOT NULL"),
        ("lang IS NOT TRUE", 12, "found TRUE; wanted NULL"),
        ("year = '2020'", 7, "found '2020'; wanted a number, for 'year'"),
        ("year = 1e999", 7, "found 1e999; wanted a finite number"),
        ("year = 9007199254740993", 7, "2**53"),
        ("year LIKE '2%'", 0, "wanted a field of texts before LIKE: 'year' is of the kind number"),
        ("year > lang", 7, "found lang; wanted a number"),
        ("year + 1 > 2", 5, "found '+'; wanted a field, a value, a comparison"),
        ("year() = 1", 4, "found (; wanted a comparison after 'year'"),
        ("open > TRUE", 0, "wanted a field with an order: 'open' is a boolean, which takes = and <>"),
        ("open BETWEEN FALSE AND TRUE", 0, "which takes = and <>"),
        ("open = 1", 7, "wanted TRUE or FALSE"),
        ("day > '2024'", 6, "wanted a date such as 2024-05-01"),
        ("day > '2024-13-01'", 6, "month must be in 1..12"),
        ("day > 2024", 6, "wanted a date in single quotes"),
        ("tags = 'news'", 0, "wanted '...' IN tags, or IS NULL: 'tags' holds lists"),
        ("tags IN ('news')", 0, "'tags' holds lists"),
        ("1 IN tags", 0, "found 1; wanted a text in single quotes, for 'tags'"),
        ("sizes CONTAINS 'a'", 15, "found 'a'; wanted a number"),
        ("'a' IN lang", 7, "found lang; wanted a field of lists: 'lang' is a text; write lang IN (...)"),
        ("lang CONTAINS 'a'", 0, "wanted a field of lists"),
        ("lang IN 'a'", 8, "found 'a'; wanted a list in parentheses"),
        ("lang IN ()", 9, "found ); wanted a text"),
        ("lang IN ('a' 'b')", 13, "wanted a comma or a closing parenthesis"),
        ("lang IN (SELECT 1)", 9, "found SELECT; wanted a text"),
        ("lang NOT = 'a'", 9, "wanted IN, BETWEEN, LIKE or CONTAINS"),
        ("lang LIKE 'a' ESCAPE 'ab'", 21, "wanted one character after ESCAPE"),
        ("lang LIKE 'a!' ESCAPE '!'", 10, "wanted a character after the last '!'"),
        ("year BETWEEN 1 OR 2", 15, "found OR; wanted AND and the upper end"),
        ("(open", 5, "found the end; wanted AND, OR or a closing parenthesis"),
        ("open)", 4, "found ); wanted AND, OR or the end"),
        ("open AND", 8, "found the end; wanted a field"),
        ("open; DROP TABLE x", 4, "found ';'; wanted"),
        ("lang = ‘zh’", 7, "found '‘'; wanted"),  # noqa: RUF001
        ("lang = 'a\ud800'", 7, "half a surrogate pair"),
    ],
)
def test_an_error_shows_the_place(text: str, place: int, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        where.parse(text, SCHEMA)
    said, line, caret = str(raised.value).split("\n")
    assert said.startswith(f"where expression, character {place + 1}: found ")
    assert message in said
    assert caret == f"{' ' * (place + 2)}^"
    assert line[2:].isprintable()


def test_the_caret_stands_below_wide_characters_and_in_long_texts() -> None:
    with pytest.raises(SettingsError) as raised:
        where.parse("lang = '中文' AND 年", SCHEMA)
    assert str(raised.value).split("\n")[1:] == ["  lang = '中文' AND 年", "          \u3000\u3000      ^"]
    long = f"lang = '{'x' * 200}' AND yaer = 1 AND lang = '{'y' * 200}'"
    with pytest.raises(SettingsError, match="did you mean 'year'") as raised:
        where.parse(long, SCHEMA)
    _, line, caret = str(raised.value).split("\n")
    assert line[caret.index("^") :].startswith("yaer = 1")
    assert line.startswith("  ...xxx")
    assert line.endswith("yyy...")
    assert len(line) < 140


def test_without_any_field_the_error_says_so() -> None:
    with pytest.raises(SettingsError, match="no passage has metadata"):
        where.parse("a = 1", Schema())


def test_limits() -> None:
    listed = ", ".join(["1"] * where.LIST_ENTRIES)
    assert where.parse(f"year IN ({listed})", SCHEMA)
    deep = where.DEPTH * "("
    assert where.parse(f"{deep}open{where.DEPTH * ')'}", SCHEMA)
    assert where.parse(" AND ".join(["(open)"] * (where.DEPTH + 1)), SCHEMA)  # side by side, not inside each other
    long = f"lang = '{'x' * (tokens.CHARACTERS - 9)}'"
    assert where.parse(long, SCHEMA)
    for text, message in [
        (f"year IN ({listed}, 1)", "at most 1,000 values in a list"),
        (f"({deep}open){where.DEPTH * ')'}", "at most 50 parentheses and NOTs"),
        ("NOT " * (where.DEPTH + 1) + "open", "at most 50 parentheses and NOTs"),
        (f"{long} ", "found a where expression of 10,001 characters; wanted at most 10,000"),
        (f"lang LIKE '{'_' * 1001}'", "wanted a pattern of at most 1,000 characters, not 1,001"),
    ]:
        with pytest.raises(SettingsError, match=message):
            where.parse(text, SCHEMA)
    many = " OR ".join(["year=1"] * 900)
    assert len(where.parse(many, SCHEMA).text) > 9_000


def test_what_a_segment_never_saw_is_absent_there() -> None:
    columns = MetadataColumns.build([{}, {}], SCHEMA)
    for text in ("lang = 'a'", "lang <> 'a'", "lang LIKE '%'", "'a' NOT IN tags", "year IS NOT NULL", "NOT open"):
        assert where.parse(text, SCHEMA).evaluate(columns).tolist() == [False, False]
    assert where.parse("year IS NULL", SCHEMA).evaluate(columns).tolist() == [True, True]
    assert where.parse("TRUE OR open", SCHEMA).evaluate(columns).tolist() == [True, True]


def test_days_and_moments_are_compared_in_utc() -> None:
    moments = [date(2024, 5, 1), datetime(2024, 5, 1, 10), datetime(2024, 5, 2, tzinfo=UTC)]  # noqa: DTZ001
    schema, rows = SCHEMA.read(Passage("", "", metadata={"day": one}) for one in moments)
    columns = MetadataColumns.build(rows, schema)
    for text, kept in [
        ("day = '2024-05-01'", [True, False, False]),
        ("day > '2024-05-01'", [False, True, True]),
        ("day >= '2024-05-01' AND day < '2024-05-02'", [True, True, False]),
        ("day = '2024-05-01T12:00:00+02:00'", [False, True, False]),
        ("day IN ('2024-05-01', '2024-05-02')", [True, False, True]),
    ]:
        assert where.parse(text, schema).evaluate(columns).tolist() == kept


def test_an_answer_is_the_callers_own() -> None:
    columns = MetadataColumns.build([{"open": True}, {"open": False}], SCHEMA)
    expression = where.parse("open", SCHEMA)
    expression.evaluate(columns)[:] = False
    assert expression.evaluate(columns).tolist() == [True, False]


def test_no_pattern_takes_long() -> None:
    text = "a" * 20_000
    columns = MetadataColumns.build([{"lang": text}], SCHEMA)
    begin = process_time()
    for pattern in ("%a" * 400 + "%b", "%" * 900 + "b", "%_" * 400 + "b", "%a_a" * 200 + "c%"):
        assert not where.parse(f"lang LIKE '{pattern}'", SCHEMA).evaluate(columns).any()
    assert process_time() - begin < 5


def test_a_long_answer_takes_a_byte_a_row() -> None:
    columns = MetadataColumns.build([{"year": row, "lang": "zh"} for row in range(65_536)], SCHEMA)
    expression = where.parse("year >= 0 AND lang = 'zh' AND year < 65536", SCHEMA)
    tracemalloc.start()
    kept = expression.evaluate(columns)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.count_nonzero(kept) == 65_536
    assert peak < 4 * 65_536


def test_the_guide_runs(capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[3] / "docs/guides/filters.md").read_text(encoding="utf-8")
    exec("\n".join(re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)), {})
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "[ True False False]"
    assert "\n".join(shown[2:]) in text


def test_every_condition_of_the_guide_is_one() -> None:
    text = (Path(__file__).parents[3] / "docs/guides/filters.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```sql\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    conditions = re.split(r"  +|\n", block.strip())
    schema = Schema({**SCHEMA.fields, "title": "text", "score": "number", "published": "date"})
    assert len(conditions) > 15
    for condition in conditions:
        assert where.parse(condition, schema)
