"""Texts to terms, by example."""

import pytest

from vizsla.text.analyzer import Analyzer
from vizsla.text.settings import AnalyzerSettings

# ruff: noqa: RUF001 - other scripts are what it is about

ENGLISH = AnalyzerSettings(language="english", stop_words=("the", "of"))


def terms(text: str, **changes: object) -> list[str]:
    return Analyzer(AnalyzerSettings(**{"language": "english", "stop_words": ("the", "of"), **changes})).terms(text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("The running of the bulls", ["run", "bull"]),
        ("don’t O'Reilly's rock'n'roll 'quoted'", ["don't", "o'reilli", "rock'n'rol", "quot"]),
        ("3.14 1,000 1.a a.1 v2.0.", ["3.14", "1,000", "1", "a", "a", "1", "v2.0"]),
        ("snake_case e-mail C++ a/b", ["snake", "case", "e", "mail", "c", "a", "b"]),
        ("Python怎么读取文件", ["python", "怎", "怎么", "么", "么读", "读", "读取", "取", "取文", "文", "文件", "件"]),
        ("ﬁle ＡＢＣ①", ["file", "abc1"]),
        ("co\u00adoperate zero\u200bwidth", ["cooper", "zero", "width"]),
        ("naïve nai\u0308ve", ["naïv", "naïv"]),
    ],
)
def test_english_and_ideographs(text: str, wanted: list[str]) -> None:
    assert terms(text) == wanted


def test_dictionary_words() -> None:
    assert terms("我来到北京清华大学 reading", ideographs="words") == ["我", "来到", "北京", "清华大学", "read"]


def test_apostrophes_part_words_outside_english() -> None:
    assert terms("l'eau", language="french", stem=False, stop_words=("l",)) == ["eau"]


@pytest.mark.parametrize("word", ["New York", "new york", "ＮＥＷ ＹＯＲＫ"])
def test_user_words_stay_whole(word: str) -> None:
    assert terms("In New York, not New Yorkers", user_words=(word,)) == ["in", "=new york", "not", "new", "yorker"]


def test_signs_may_be_part_of_user_words() -> None:
    chosen = ("C++", "C", "云计算", "O’Reilly")
    assert terms("c C++ c++x", user_words=chosen) == ["=c", "=c++", "=c++", "x"]
    assert terms("学云计算法", user_words=chosen) == ["学", "=云计算", "云", "云计", "计", "计算", "算", "法"]
    assert terms("O'Reilly o’reilly", user_words=chosen) == ["=o'reilly"] * 2
    assert terms("学云计算法", user_words=chosen, ideographs="words") == ["学", "=云计算", "法"]


def test_synonyms_count_as_the_first_of_their_group() -> None:
    groups = (("car", "automobile", "motor car"), ("电脑", "计算机"))
    assert terms("automobile Motor Car cars", synonyms=groups) == ["car", "car", "car"]
    assert terms("Automobiles", synonyms=groups) == terms("car's")[:1]
    joined = (("car", "automobile"), ("automobile", "lorry"), ("lorry", "big truck"))
    assert terms("cars automobiles lorry big truck", synonyms=joined) == ["car"] * 4
    assert terms("car automobile", synonyms=groups, user_words=("car",)) == ["car", "car"]
    assert terms("NYC new york", synonyms=(("New York", "NYC"),)) == ["=new york", "=new york"]
    assert terms("计算机", synonyms=groups, ideographs="words") == ["=电脑"]


def test_folds() -> None:
    assert terms("讀書 É", folds={"書": "书", "讀": "读", "é": "e"}) == ["读", "读书", "书", "e"]


def test_phrases_are_compared_by_units() -> None:
    analyzer = Analyzer(ENGLISH)
    assert analyzer.units("the files of 文件") == ["the", "file", "of", "文", "件"]


def test_marks_from_outside_mean_nothing() -> None:
    assert terms("a\ufdd0b\ufdd1c\ufdd2d") == ["a", "b", "c", "d"]


def test_located_in_the_text_as_given() -> None:
    located = Analyzer(ENGLISH).located("The ﬁles… 讀书\U0001f600 Ⅷ cafe\u0301s")
    assert located == [
        ("file", 4, 8), ("讀", 10, 11), ("讀书", 10, 12), ("书", 11, 12), ("viii", 14, 15), ("café", 16, 22)
    ]  # fmt: skip
