"""Queries taken apart: signs where they are meant, text everywhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizsla.text.syntax import ParsedQuery, parse


@pytest.mark.parametrize(
    ("query", "text", "must", "excluded"),
    [
        ('read "big files" +python -pandas', "read big files python", ("big files", "python"), ("pandas",)),
        ('+"a b" -"c d" e', "a b e", ("a b",), ("c d",)),
        ('-"not this" "but this"', "but this", ("but this",), ("not this",)),
        ("+读取 -文件", "读取", ("读取",), ("文件",)),
        ("c++ +c++ -c--", "c++ c++", ("c++",), ("c--",)),
        ('"a" -"a"', "a", ("a",), ("a",)),
    ],
)
def test_signs(query: str, text: str, must: tuple[str, ...], excluded: tuple[str, ...]) -> None:
    assert parse(query) == ParsedQuery(text, must, excluded)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "plain words",
        "-only",
        '-"only this"',
        'a"b c"d',
        '"unclosed phrase',
        '""',
        "+",
        "-",
        "a - b",
        "+-x",
        "-5 +5",
        "a+b e-mail",
        "5'11\" tall",
        "word -- dash",
        '+"!!!"',
        "+.net",
        "“引号”",
        "x -…",
    ],
)
def test_what_is_text(query: str) -> None:
    assert parse(query) == ParsedQuery(query)


@given(st.text(st.sampled_from('ab "+-5中\n'), max_size=20))
def test_nothing_is_lost_or_made_up(query: str) -> None:
    parsed = parse(query)
    kept = "".join([parsed.text, *parsed.excluded])
    assert sorted(sign for sign in kept if sign in "ab5中") == sorted(sign for sign in query if sign in "ab5中")
    assert all(part.strip('" ') and part in query for part in (*parsed.must, *parsed.excluded))
    assert parsed.text or not query.split()
