"""Cutting: a long text into passages of a size, at the ends of paragraphs and sentences where it can.

Size and overlap are counted in words; a Chinese character or a kana counts as a word. Refuses to
know files and headings.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from vizsla.core.errors import SettingsError

_HAN = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_OPENING = "“‘「『（【《〈(\\[{"  # noqa: RUF001 - Chinese marks are meant
_WORD = re.compile(rf"[{_OPENING}]*[{_HAN}](?:[^\w\s{_OPENING}])*|[^\s{_HAN}]+")
_SENTENCE_END = re.compile(r"[.!?。！？…；][\"'”’」』）】》)\]]*$")  # noqa: RUF001 - as above
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")

_Word: TypeAlias = tuple[int, int, int]  # start, end, how good a place to cut follows it


@dataclass(frozen=True, slots=True)
class Cutting:
    """How a text is cut.

    Attributes:
        size: words of a passage at most.
        overlap: words at most that a passage repeats from the one before.
    """

    size: int = 200
    overlap: int = 40

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.size:
            raise SettingsError(f"found size {self.size} and overlap {self.overlap}; wanted 0 <= overlap < size")


def cut(text: str, cutting: Cutting) -> Iterator[tuple[int, str]]:
    """The pieces of a text and where each starts; together they hold every word.

    A piece ends at the last paragraph's end in its second half, else at the last sentence's end
    there, else where it is full.

    >>> list(cut("One two. Three four five. Six.", Cutting(size=4, overlap=0)))
    [(0, 'One two. Three four'), (20, 'five. Six.')]
    """
    words = _words(text)
    window = list(islice(words, cutting.size + 1))
    while len(window) > cutting.size:
        stop = _stop(window, cutting)
        yield window[0][0], text[window[0][0] : window[stop - 1][1]]
        window = window[_next_start(window, stop, cutting) :]
        window.extend(islice(words, cutting.size + 1 - len(window)))
    if window:
        yield window[0][0], text[window[0][0] : window[-1][1]]


def _words(text: str) -> Iterator[_Word]:
    last: tuple[int, int] | None = None
    for match in _WORD.finditer(text):
        if last:
            yield *last, _strength(text, last, match.start())
        last = match.span()
    if last:
        yield *last, 0


def _strength(text: str, word: tuple[int, int], following: int) -> int:
    """2 at a paragraph's end, 1 at a sentence's, else 0."""
    if following - word[1] > 1 and _BLANK_LINE.search(text, word[1], following):
        return 2
    return 1 if _SENTENCE_END.search(text, max(word[0], word[1] - 8), word[1]) else 0


def _stop(window: list[_Word], cutting: Cutting) -> int:
    # Beyond the overlap, so that every piece brings something new.
    earliest = max(cutting.size // 2, cutting.overlap) + 1
    return max(range(earliest, cutting.size + 1), key=lambda stop: (window[stop - 1][2], stop))


def _next_start(window: list[_Word], stop: int, cutting: Cutting) -> int:
    repeated = range(stop - cutting.overlap, stop)
    return next((start for start in repeated if window[start - 1][2]), stop - cutting.overlap)
