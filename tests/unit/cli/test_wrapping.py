from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from vizsla.cli.wrapping import breaks

TEXTS = st.text(st.sampled_from("ab, .(。、「猫狗不读x"), max_size=60)


def lines(text: str, cells: int) -> list[str]:
    edges = [0, *breaks(text, cells), len(text)]
    return [text[begin:end] for begin, end in pairwise(edges)]


@given(TEXTS, st.integers(2, 12))
def test_nothing_is_lost_and_no_line_is_too_wide(text: str, cells: int) -> None:
    found = lines(text, cells)
    assert "".join(found) == text
    assert all(cell_len(line.rstrip()) <= cells for line in found)
    assert all(found[:-1])


@pytest.mark.parametrize(
    ("text", "cells", "wanted"),
    [
        ("", 5, [""]),
        ("one two", 7, ["one two"]),
        ("one two", 6, ["one ", "two"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("读取文件、很好", 8, ["读取文", "件、很好"]),
        ("他说「好」", 6, ["他说", "「好」"]),
        ("用 Python 读取", 9, ["用 Python ", "读取"]),
    ],
)
def test_lines_end_where_a_reader_expects_it(text: str, cells: int, wanted: list[str]) -> None:
    assert lines(text, cells) == wanted
