"""The analyzer against a slow one, written from its rules in plain Python; and its own laws."""

# ruff: noqa: RUF001 - other scripts are what it is about

import unicodedata
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import Stemmer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vizsla.kernels import scanning
from vizsla.text import characters, packing
from vizsla.text.analyzer import PHRASE_SIGN, Analyzer
from vizsla.text.counting import TermCounter
from vizsla.text.settings import AnalyzerSettings

PLAIN = AnalyzerSettings(language="none", stop_words=())
ENGLISH = AnalyzerSettings(language="english", stop_words=("the", "不", "of", "的"))
PHRASES = replace(ENGLISH, user_words=("C++", "New York", "云计算", "O’Reilly"), synonyms=(("ab", "甲乙", "x y"),))
FOLDED = replace(ENGLISH, folds={"書": "书", "é": "e", "乙": "甲"})
GRAMS = [PLAIN, ENGLISH, PHRASES, FOLDED, replace(ENGLISH, language="german")]
WORDS = [replace(one, ideographs="words") for one in (ENGLISH, PHRASES)]

SIGNS = st.sampled_from(
    "abeix019ABÉſßİıΣςϹ''’.,.,-_+\n\t 　…½①ﬁ．＇Ａ\u2126\u212b\u0000\ud800\udfff"  # letters, digits, what joins them
    "中文云计算書书乙甲不的〇々かガｶﾞﾟー゛ㇰ한하ᄒ\u1161\u11abㅎ㍿\uf900\ufa6c\U00020000\U0002f800"  # without spaces
    "\u0301\u0308\u0345\u20dd\u05d0\u064b\ufe70\u0903\u0344´¨"  # marks, alone and not
    "\ufe0f\u200d\u200b\u00ad\ufeff\U000e0101\U000e0041\ufdd0\ufdd1\ufdd2"  # unseen
    "\U0001f600\U0001f3fb\U00010400\U0001d400\U0001d7ce\U0001f1e6"
)
PIECES = st.sampled_from(["the ", "c++", "New York", "云计算", "o'reilly", "3.14", "x y", "don’t", "甲乙", "running "])
TEXTS = st.lists(SIGNS | PIECES | st.characters(), max_size=14).map("".join)

GRAM_RANGES = [
    *((0x3005, 0x3007), (0x3041, 0x3096), (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF)),
    *((0x3105, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3)),
]


def normal(text: str, folds: dict[str, str]) -> str:
    """NFKC, lower, NFKC; lone accents and signs beyond the basic plane blanked, outside's marks as well."""
    outside = "".join(" " if sign in "\ufdd0\ufdd1\ufdd2" else sign for sign in text)
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", outside).lower())
    kept: list[str] = []
    stray = False
    for sign in plain:
        if stray and ("\u0300" <= sign <= "\u036f" or "\u20d0" <= sign <= "\u20ff" or sign in "\u3099\u309a"):
            continue
        beyond = sign > "\uffff" and not 0x20000 <= ord(sign) < 0x40000
        mark = unicodedata.category(sign).startswith("M")
        if not beyond or sign.isalnum() or (mark and ord(sign) < 0xE0000):
            kept.append(folds.get(sign, sign).replace("’", "'"))
        elif not 0xE0100 <= ord(sign) <= 0xE01EF:
            kept.append(" ")
        stray = kept[-1:] == [" "]
    return "".join(kept)


def family(sign: str) -> str:
    """Letter, digit, gram, ignored, point, apostrophe, separator: of a character in normal form."""
    point, category = ord(sign), unicodedata.category(sign)
    if any(first <= point <= last for first, last in GRAM_RANGES) or 0x20000 <= point < 0x40000:
        return "gram"
    if 0xFE00 <= point <= 0xFE0F or (category == "Cf" and point < 0x10000 and sign != "\u200b"):
        return "ignored"
    if category[0] in "LM" or 0x1100 <= point <= 0x11FF or (point > 0xFFFF and sign.isalnum()):
        return "letter"
    if category[0] == "N":
        return "digit"
    return {"'": "apostrophe", ".": "point", ",": "point"}.get(sign, "separator")


def families(text: str, *, apostrophes: bool) -> list[str]:
    """The family of each character, apostrophes and points taken for what they join."""
    kinds = [family(sign) for sign in text]
    last = "separator"
    for i, kind in enumerate(kinds):
        if kind in ("apostrophe", "point"):
            wanted = "letter" if kind == "apostrophe" else "digit"
            follows = i + 1 < len(kinds) and kinds[i + 1] == wanted
            joins = last == wanted and follows and (kind == "point" or apostrophes)
            kinds[i] = wanted if joins else "separator"
        last = last if kind == "ignored" else kinds[i]
    return kinds


def runs(text: str, *, apostrophes: bool) -> list[tuple[str, str]]:
    """Words and runs of ideographs, in order."""
    made: list[tuple[str, str]] = []
    before = "separator"
    for sign, kind in zip(text, families(text, apostrophes=apostrophes), strict=True):
        if kind == "ignored":
            continue
        what = "gram" if kind == "gram" else "separator" if kind == "separator" else "word"
        if what == before and what != "separator":
            made[-1] = (what, made[-1][1] + sign)
        elif what != "separator":
            made.append((what, sign))
        before = what
    return made


def grams(run: str) -> list[str]:
    return [gram for i, sign in enumerate(run) for gram in ([run[i - 1 : i + 1], sign] if i else [sign])]


def oracle(text: str, chosen: AnalyzerSettings) -> list[str]:
    """The terms of a text where ideographs become grams and there are no phrases."""
    stem = Stemmer.Stemmer(chosen.language).stemWord if chosen.language != "none" else str
    stops = set(chosen.stop_words or ())
    terms: list[str] = []
    for what, run in runs(normal(text, chosen.folds), apostrophes=chosen.language == "english"):
        found = grams(run) if what == "gram" else [run]
        terms += [stem(term) if what == "word" else term for term in found if term not in stops]
    return terms


def as_texts(texts: list[str]) -> scanning.Texts:
    packed = packing.pack(texts)
    return scanning.Texts(packed.data, packed.starts[:-1], packed.starts[1:])


def counted(counter: TermCounter, texts: list[str]) -> list[dict[int, int]]:
    rows = counter.count(as_texts(texts))
    edges = [0, *rows.ends.tolist()]
    return [dict(zip(rows.terms[b:e].tolist(), rows.values[b:e].tolist(), strict=True)) for b, e in pairwise(edges)]


@pytest.mark.parametrize("chosen", [PLAIN, ENGLISH, FOLDED, GRAMS[-1]])
@settings(max_examples=250, deadline=None)
@given(TEXTS)
def test_terms_are_those_of_the_slow_analyzer(chosen: AnalyzerSettings, text: str) -> None:
    assert Analyzer(chosen).terms(text) == oracle(text, chosen)


@pytest.mark.parametrize("chosen", [*GRAMS, *WORDS])
@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=6), st.data())
def test_counting_agrees_with_the_analyzer_in_any_batches(
    chosen: AnalyzerSettings, texts: list[str], data: st.DataObject
) -> None:
    analyzer, counter = Analyzer(chosen), TermCounter(Analyzer(chosen))
    rows: list[dict[int, int]] = []
    while len(rows) < len(texts):
        size = data.draw(st.integers(1, len(texts)))
        rows += counted(counter, texts[len(rows) : len(rows) + size])
    names = counter.terms()
    assert len(set(names)) == len(names) == len(counter)
    for text, row in zip(texts, rows, strict=True):
        terms = analyzer.terms(text)
        assert {names[number]: count for number, count in row.items()} == {t: terms.count(t) for t in terms}
        assert [names[number] for number in row] == list(dict.fromkeys(terms))


def test_every_character_of_the_basic_plane_is_scanned_as_its_normal_form() -> None:
    # A text with a mark is normalised before it is scanned; one without must come to the same.
    signs = [chr(point) for point in range(0x10000) if not 0xD800 <= point < 0xE000 and not 0xFDD0 <= point <= 0xFDD2]
    for form in ("a{}b 1{}2 中{}文 {} x{}'y", "o'{}p 1.{} {}'{} ,"):
        texts = [form.replace("{}", sign) for sign in signs]
        raw = named(texts)
        forced = named([f"{characters.normalise(text)} q\u0323" for text in texts])
        wrong = [
            f"U+{ord(sign):04X}: {one} {other}"
            for sign, one, other in zip(signs, raw, forced, strict=True)
            if one + Counter(["q\u0323"]) != other
        ]
        assert not wrong, wrong[:5]


def named(texts: list[str]) -> list[Counter[str]]:
    counter = TermCounter(Analyzer(PLAIN))
    rows = counted(counter, texts)
    names = counter.terms()
    return [Counter({names[number]: count for number, count in row.items()}) for row in rows]


@pytest.mark.parametrize("chosen", [*GRAMS, *WORDS])
@settings(max_examples=150, deadline=None)
@given(TEXTS)
@example("\ufe0f")
@example("\ufe0f\ufe0f a")
@example("한\u1100\u1161\u11a8 b")
@example("\U000e0101中\U000e0101")
def test_located_terms_lie_in_the_text_in_order(chosen: AnalyzerSettings, text: str) -> None:
    analyzer = Analyzer(chosen)
    located = analyzer.located(text)
    assert [term for term, _, _ in located] == analyzer.terms(text)
    assert all(0 <= begin < end <= len(text) for _, begin, end in located)
    words = [begin for term, begin, _ in located if not term.startswith(PHRASE_SIGN) and len(term) > 0]
    if analyzer.settings.user_words == ():
        assert words == sorted(words)


WORDS_ALONE = st.text(st.sampled_from("abcXYZ019ßéﬁ中文한글Ａ①"), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS_ALONE, min_size=1, max_size=6), st.sampled_from([" ", "! ", "…", " — ", "\U0001f600"]))
def test_a_located_term_is_the_term_of_its_span(words: list[str], between: str) -> None:
    analyzer, text = Analyzer(PLAIN), between.join(words)
    for term, begin, end in analyzer.located(text):
        assert term in analyzer.terms(text[begin:end])


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_the_normal_form_is_its_own(text: str) -> None:
    once = characters.normalise("".join(sign for sign in text if sign < "\U000e0100"))
    assert characters.normalise(once) == once


SETTINGS = st.builds(
    AnalyzerSettings,
    language=st.sampled_from(["auto", "zh", "english", "none"]),
    ideographs=st.sampled_from(["grams", "words"]),
    stop_words=st.none() | st.lists(st.text(max_size=3), max_size=3).map(tuple),
    stem=st.booleans(),
    user_words=st.lists(st.text(max_size=4), max_size=3).map(tuple),
    synonyms=st.lists(st.lists(st.text(max_size=3), min_size=2, max_size=3).map(tuple), max_size=2).map(tuple),
    folds=st.sampled_from([{}, {"書": "书"}, {"é": "e", "ü": "u"}]),
    chosen=st.text(max_size=5),
)


@given(SETTINGS)
def test_an_analyzer_survives_its_json(chosen: AnalyzerSettings) -> None:
    assert AnalyzerSettings.from_json(chosen.to_json()) == chosen


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_units_are_terms_and_stop_words_without_pairs(text: str) -> None:
    chosen = replace(ENGLISH, stop_words=())
    pairs = {i for i, term in enumerate(Analyzer(chosen).terms(text)) if len(term) == 2 and family(term[0]) == "gram"}
    terms = [term for i, term in enumerate(Analyzer(chosen).terms(text)) if i not in pairs]
    assert Analyzer(chosen).units(text) == terms
    unstemmed = Analyzer(replace(ENGLISH, stem=False))
    assert [unit for unit in unstemmed.units(text) if unit not in (ENGLISH.stop_words or ())] == [
        term for term in unstemmed.terms(text) if len(term) != 2 or family(term[0]) != "gram"
    ]


def test_more_tokens_than_room_for_them() -> None:
    counter = TermCounter(Analyzer(ENGLISH))
    texts = [" ".join(f"w{i}x{j}" for j in range(300)) + "中文" * i for i in range(60)]
    rows = [row for text in texts for row in counted(counter, [text])]
    names = counter.terms()
    assert len(names) == len(counter) == 60 * 300 + 4
    for i, row in enumerate(rows):
        assert [names[number] for number in row][:300] == [f"w{i}x{j}" for j in range(300)]
    assert np.array_equal(sorted(rows[2].values()), [1] * 301 + [2] * 3)
