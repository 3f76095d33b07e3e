"""Marking: user words and synonyms found in a text, dictionary words parted.

The marks are noncharacters that the scanner reads; nothing else in a text can be one of them.
Knows jieba's dictionary through its Rust build. Refuses to know terms.
"""

import re
from functools import lru_cache

from vizsla.text.characters import CLOSE_MARK, OPEN_MARK, WORD_BREAK

_OWN = re.compile(f"[{OPEN_MARK}{CLOSE_MARK}{WORD_BREAK}]")
_HAN = re.compile("[\u3005-\u3007\u3400-\u9fff\U00020000-\U0003ffff]+")
_MARKED = re.compile(f"({OPEN_MARK}[^{CLOSE_MARK}]*{CLOSE_MARK})")
_BINDING = r"[^\W\u3005-\u30ff\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]"
"""A character of a word that is written with spaces around it."""


def blank_marks(text: str) -> str:
    """Replace noncharacters that came from outside, one for one."""
    return _OWN.sub(" ", text)


@lru_cache(maxsize=16)
def pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """A pattern that finds any of the phrases, all normalised like the texts, the longest first, as whole words.

    A phrase that begins or ends with an ideograph may touch its neighbours there.
    """
    ordered = sorted(set(phrases) - {""}, key=lambda phrase: (-len(phrase), phrase))
    return re.compile("|".join(_bounded(phrase) for phrase in ordered)) if ordered else None


def mark(text: str, found: re.Pattern[str]) -> str:
    """Set every phrase the pattern finds between an opening and a closing mark."""
    return found.sub(lambda match: f"{OPEN_MARK}{match.group()}{CLOSE_MARK}", text)


def part_words(text: str) -> str:
    """Part each run of ideographs into dictionary words; marked phrases are left whole."""
    import rjieba

    def parted(run: re.Match[str]) -> str:
        return WORD_BREAK.join(rjieba.cut(run.group()))

    pieces = _MARKED.split(text)
    return "".join(piece if piece[:1] == OPEN_MARK else _HAN.sub(parted, piece) for piece in pieces)


def _bounded(phrase: str) -> str:
    before = f"(?<!{_BINDING})" if re.match(_BINDING, phrase[0]) else ""
    after = f"(?!{_BINDING})" if re.match(_BINDING, phrase[-1]) else ""
    return before + re.escape(phrase) + after
