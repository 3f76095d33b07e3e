"""Queries taken apart: signs where they are meant, text everywhere else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizsla.text.syntax import ParsedQuery, only_excludes, parse


@pytest.mark.parametrize(
    ("query", "text", "must", "excluded"),
    [
        ('read "big files" +python -pandas', "read big files python", ("big files", "python"), ("pandas",)),
        ('+"a b" -"c d" e', "a b e", ("a b",), ("c d",)),
        ('-"not this" "but this"', "but this", ("but this",), ("not this",)),
        ("+读取 -文件", "读取", ("读取",), ("文件",)),
        ("c++ +c++ -c--", "c++ c++", ("c++",), ("c--",)),
        ('"读取文件"怎么做', "读取文件 怎么做", ("读取文件",), ()),
        ('怎么"打开文件"', "怎么 打开文件", ("打开文件",), ()),
        ('怎么"打开文件"呢 -"写入"', "怎么 打开文件 呢", ("打开文件",), ("写入",)),
        ("“big files”，怎么＂读＂", "big files ，怎么 读", ("big files", "读"), ()),  # noqa: RUF001 - as typed
        ("＋文件 －目录 C＋＋", "文件 C＋＋", ("文件",), ("目录",)),  # noqa: RUF001 - as typed
        ("+2024 report -5", "2024 report -5", ("2024",), ()),
        ('+读取"大文件"', "读取 大文件", ("读取", "大文件"), ()),
        ("“引号”", "引号", ("引号",), ()),
        ('13" screen "big file"', '13" screen big file', ("big file",), ()),
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
        "-5",
        "don't say 'big files'",
        "身高5'11\"和6'2\"的人",
        'a"文件"b',
        '"文件"b',
        "C++ －5 ＋",  # noqa: RUF001 - as typed
        '"a""b"',
        "a+b e-mail",
        "5'11\" tall",
        "word -- dash",
        '+"!!!"',
        "+.net",
        "x -…",
    ],
)
def test_what_is_text(query: str) -> None:
    assert parse(query) == ParsedQuery(query)


@pytest.mark.parametrize(
    ("query", "wanted"), [("-only", True), ('-"a b" -c', True), ("-5", False), ("", False), ("a -b", False)]
)
def test_what_only_excludes_is_known(query: str, *, wanted: bool) -> None:
    assert only_excludes(query) is wanted


def test_a_long_query_takes_no_long_time() -> None:
    begin = time.perf_counter()
    for query in ('"' + "a" * 50_000, "中" * 50_000, '中"' * 25_000, "+a" * 25_000, '"中' * 25_000):
        parse(query)
    assert time.perf_counter() - begin < 2


@given(st.text(st.sampled_from('ab "+-5中“”＋\n'), max_size=20))  # noqa: RUF001 - as typed
def test_nothing_is_lost_or_made_up(query: str) -> None:
    parsed = parse(query)
    kept = "".join([parsed.text, *parsed.excluded])
    assert sorted(sign for sign in kept if sign in "ab5中") == sorted(sign for sign in query if sign in "ab5中")
    assert all(part.strip('"“” ') and part in query for part in (*parsed.must, *parsed.excluded))
    assert parsed.text or not query.split()
