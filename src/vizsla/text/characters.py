"""What each character is and becomes: the table the scanner reads.

Knows Unicode's normal form NFKC, lower case and the scripts that are written without spaces. Beyond
the basic plane the scanner decides by ranges. Refuses to know languages.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from vizsla.kernels import scanning

OPEN_MARK, CLOSE_MARK, WORD_BREAK = "\ufdd0", "\ufdd1", "\ufdd2"
"""Noncharacters that open and close a marked phrase and part dictionary words; blanked in any text from outside."""

_BEYOND = re.compile("[\U00010000-\U0001ffff\U00040000-\U0010ffff]")
_STRAY = re.compile(" [\u0300-\u036f\u20d0-\u20ff\u3099\u309a]+")
"""Marks on a space: what the normal form makes of an accent that stands alone, as in 'don´t'."""

_FIXED = ((0x4E00, 0xA000), (0xAC00, 0xD7A4))
"""Ideographs and Hangul syllables: grams, and their own normal form. Listed to be quick at start-up."""
_GRAM_RANGES = (
    *_FIXED,
    (0x3005, 0x3008),
    (0x3041, 0x3097),
    (0x309D, 0x30A0),
    (0x30A1, 0x30FB),
    (0x30FC, 0x3100),
    (0x3105, 0x3130),
    (0x31A0, 0x31C0),
    (0x31F0, 0x3200),
    (0x3400, 0x4DC0),
)
_UNTOUCHED = (*_FIXED, (0x3400, 0x4DC0), (0xD800, 0xF900))


def normalise(text: str) -> str:
    """The normal form of a text: NFKC, lower case, NFKC again; signs beyond the basic plane blanked.

    Lower case can undo the composed form ('İ' becomes 'i' and a dot above), hence twice. Accents that
    stand alone become spaces, and both apostrophes one.

    >>> normalise("ＡＢＣ①ﬁ")
    'abc1fi'
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    return _STRAY.sub(" ", _BEYOND.sub(_blank, plain)).replace("\u2019", "'")


def _blank(found: re.Match[str]) -> str:
    sign = found.group()
    if sign.isalnum() or (unicodedata.category(sign)[0] == "M" and sign < "\U000e0000"):
        return sign
    return "" if "\U000e0100" <= sign <= "\U000e01ef" else " "


@lru_cache(maxsize=8)
def table(pairs: tuple[tuple[str, str], ...] = (), *, apostrophes: bool = True) -> scanning.Characters:
    """The table of the basic plane, with single characters mapped further by `pairs`.

    An apostrophe between letters belongs to the word where `apostrophes` says so, and parts it elsewhere.

    A character is COMPLEX where its normal form depends on its neighbours or is not one character;
    a text that holds one goes through `normalise` before it is scanned.
    """
    folds = np.arange(scanning.TABLE_SIZE, dtype=np.uint32)
    kinds = np.full(scanning.TABLE_SIZE, scanning.SEPARATOR, dtype=np.uint8)
    for point in _touched():
        folds[point], kinds[point] = _describe(chr(point))
    for begin, end in _GRAM_RANGES:
        own = (folds[begin:end] == np.arange(begin, end)) & (kinds[begin:end] != scanning.COMPLEX)
        kinds[begin:end][own] = scanning.GRAM
    for sign, kind in ((OPEN_MARK, scanning.OPEN), (CLOSE_MARK, scanning.CLOSE), (WORD_BREAK, scanning.SEPARATOR)):
        kinds[ord(sign)] = kind
    if not apostrophes:
        kinds[kinds == scanning.APOSTROPHE] = scanning.SEPARATOR
    for source, target in pairs:
        folds[folds == ord(source)] = ord(target)
    # what becomes an ideograph is one: compatibility forms, half-width kana
    moved = np.flatnonzero((folds != np.arange(len(folds))) & (kinds == scanning.LETTER))
    kinds[moved] = kinds[folds[moved]]
    return scanning.Characters(folds, kinds)


def _touched() -> list[int]:
    points = np.ones(scanning.TABLE_SIZE, dtype=np.bool_)
    for begin, end in _UNTOUCHED:
        points[begin:end] = False
    return [int(point) for point in np.flatnonzero(points)]


def _describe(sign: str) -> tuple[int, int]:
    folded = normalise(sign)
    if len(folded) > 1 and all(_kind(part) in (scanning.SEPARATOR, scanning.POINT) for part in folded):
        return ord(" "), scanning.SEPARATOR  # an ellipsis
    if len(folded) != 1 or ord(folded) >= scanning.TABLE_SIZE or "Σ" in unicodedata.normalize("NFKC", sign):
        return ord(sign), scanning.COMPLEX
    if "\ufe00" <= sign <= "\ufe0f":
        return ord(sign), scanning.IGNORED  # how to draw the character before
    return ord(folded), _kind(folded)


def _kind(sign: str) -> int:
    category = unicodedata.category(sign)
    if category[0] == "M" or "\u1100" <= sign <= "\u11ff":
        return scanning.COMPLEX
    if category[0] == "L":
        return scanning.LETTER
    if category[0] == "N":
        return scanning.DIGIT
    if category == "Cf" and sign != "\u200b":
        return scanning.IGNORED
    if sign == "'":
        return scanning.APOSTROPHE
    return scanning.POINT if sign in ".," else scanning.SEPARATOR


def foldable(source: str, target: str) -> bool:
    """Whether one character can be folded to another: of the basic plane, in normal form and of one kind.

    >>> foldable("書", "书"), foldable("é", "e"), foldable("é", "書"), foldable("E", "e")
    (True, True, False, False)
    """
    signs = (source, target)
    if any(len(sign) != 1 or sign >= "\U00010000" or normalise(sign) != sign for sign in signs):
        return False
    kinds = {scanning.GRAM if _is_gram(sign) else _kind(sign) for sign in signs}
    return len(kinds) == 1 and kinds <= {scanning.LETTER, scanning.DIGIT, scanning.GRAM}


def _is_gram(sign: str) -> bool:
    return any(begin <= ord(sign) < end for begin, end in _GRAM_RANGES)


def simplified_pairs() -> Mapping[str, str]:
    """Traditional to simplified, one character to one, from OpenCC's own table.

    Raises:
        MissingExtraError: opencc is not installed.
    """
    from vizsla.core.extras import require

    convert = require("opencc", extra="traditional").OpenCC("t2s").convert
    points = [chr(point) for begin, end in ((0x3400, 0x4DC0), (0x4E00, 0xA000)) for point in range(begin, end)]
    simple = {sign: other for sign in points if len(other := convert(sign)) == 1 and sign != other < "\U00010000"}
    return {sign: simple.get(other, other) for sign, other in simple.items()}
