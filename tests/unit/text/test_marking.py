"""Phrases marked, dictionary words parted."""

import pytest

from vizsla.text import marking
from vizsla.text.characters import CLOSE_MARK, OPEN_MARK, WORD_BREAK


def marked(text: str, *phrases: str) -> str:
    found = marking.pattern(phrases)
    assert found is not None
    return marking.mark(text, found).replace(OPEN_MARK, "<").replace(CLOSE_MARK, ">")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("new york", "<new york>"),
        ("new yorker anew york", "new yorker anew york"),
        ("c++ c cc", "<c++> <c> cc"),
        ("ab abc", "<ab> <abc>"),
        ("学云计算法", "学<云计算>法"),
        ("用c语言", "用<c>语言"),
        (".net", "<.net>"),
        ("asp.net", "asp<.net>"),
    ],
)
def test_whole_phrases_the_longest_first(text: str, wanted: str) -> None:
    assert marked(text, "new york", "c", "c++", "ab", "abc", "云计算", "云计", ".net") == wanted


def test_nothing_to_mark() -> None:
    assert marking.pattern(()) is None
    assert marking.pattern(("",)) is None


def test_marks_from_outside_become_spaces() -> None:
    assert marking.blank_marks(f"a{OPEN_MARK}b{CLOSE_MARK}{WORD_BREAK}c\ufdd3") == "a b  c\ufdd3"


def test_marked_phrases_are_not_parted() -> None:
    text = f"北京大学{OPEN_MARK}北京大学生{CLOSE_MARK}很好"
    assert marking.part_words(text) == f"北京大学{OPEN_MARK}北京大学生{CLOSE_MARK}很{WORD_BREAK}好"
