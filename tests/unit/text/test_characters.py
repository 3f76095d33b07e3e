"""What characters are and become."""

import pytest

from vizsla.kernels import scanning
from vizsla.text import characters

# ruff: noqa: RUF001 - other scripts are what it is about


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ＡＢＣ①ﬁ½", "abc1fi1⁄2"),
        ("İstanbul", "i̇stanbul"),
        ("ΑΣ ΣΑ", "ας σα"),
        ("don´t ¨ x", "don t   x"),
        ("don’t", "don't"),
        ("ｶﾞ 한", "ガ 한"),
        ("a\U0001f600b\U000e0101c", "a bc"),
        ("\U00020000\U0001d400\U00010400", "\U00020000a\U00010428"),
    ],
)
def test_the_normal_form(text: str, wanted: str) -> None:
    assert characters.normalise(text) == wanted


@pytest.mark.parametrize(
    ("signs", "kind"),
    [
        ("aÉжא", scanning.LETTER),
        ("7①٣", scanning.DIGIT),
        ("中书々〇かガｶ한ㄅ\uf900", scanning.GRAM),
        ("\u0301\u0903ﬁΣϹİ½\u1100ﾞ\ufa6c", scanning.COMPLEX),
        ("'’＇", scanning.APOSTROPHE),
        (".,．，", scanning.POINT),
        (" -_、。…´¨\u200b\ue000", scanning.SEPARATOR),
        ("\u00ad\ufe0f\u200d\ufeff", scanning.IGNORED),
        (characters.OPEN_MARK, scanning.OPEN),
        (characters.CLOSE_MARK, scanning.CLOSE),
    ],
)
def test_the_kinds(signs: str, kind: int) -> None:
    kinds = characters.table().kinds
    assert {sign: int(kinds[ord(sign)]) for sign in signs} == dict.fromkeys(signs, kind)


def test_an_apostrophe_parts_words_where_it_does_not_join_them() -> None:
    kinds = characters.table(apostrophes=False).kinds
    assert [int(kinds[ord(sign)]) for sign in "'’＇"] == [scanning.SEPARATOR] * 3


def test_folds_reach_every_character_of_that_normal_form() -> None:
    folds = characters.table((("é", "e"), ("書", "书"))).folds
    assert [chr(folds[ord(sign)]) for sign in "éÉ書"] == ["e", "e", "书"]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("", "a"),
        ("ab", "c"),
        ("E", "e"),
        ("e", "E"),
        ("1", "a"),
        ("a", "-"),
        ("-", "a"),
        ("中", "z"),
        ("z", "中"),
        ("é", "\u0301"),
        ("a", "\U00010428"),
        ("ς", "Σ"),
    ],
)
def test_what_cannot_be_folded(source: str, target: str) -> None:
    assert not characters.foldable(source, target)


def test_simplified_pairs_end_where_they_lead() -> None:
    pairs = characters.simplified_pairs()
    assert len(pairs) > 2500
    assert (pairs["書"], pairs["薴"], pairs["苧"]) == ("书", "苎", "苎")
    assert not pairs.keys() & pairs.values()
    assert all(characters.foldable(source, target) for source, target in pairs.items())
