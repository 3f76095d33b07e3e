"""Highlights: where a passage matched a query, and the part of it worth showing.

Knows an analyzer. Refuses to know how spans are drawn.
"""

from bisect import bisect_right
from itertools import accumulate
from typing import TypeAlias

from vizsla.text.analyzer import Analyzer

Span: TypeAlias = tuple[int, int]


def spans(analyzer: Analyzer, query: str, text: str) -> list[Span]:
    """Where the query's terms stand in a text: (begin, end) in characters, rising, never touching.

    Neighbouring and overlapping matches become one. A single ideograph out of a longer word of the
    query is left unmarked where the text holds a longer match: nearly every text holds it somewhere.

    >>> from vizsla.text.settings import AnalyzerSettings
    >>> spans(Analyzer.fit(["the cat"], AnalyzerSettings(language="en")), "cats", "The cat sat")
    [(4, 7)]
    """
    wanted = set(analyzer.terms(query))
    found = [(begin, end) for term, begin, end in analyzer.located(text) if term in wanted]
    longer = _merged([span for span in found if span[1] - span[0] > 1])
    return longer or _merged(found)


def excerpt(text: str, marked: list[Span], width: int) -> tuple[str, list[Span]]:
    """The stretch of a text, at most `width` characters, that holds the most matches, and its spans.

    The spans rise and never overlap, as `spans` gives them.
    An ellipsis stands where something was left out. Matches that do not fit are left out whole.

    >>> excerpt("one two three four five", [(8, 13)], 12)
    ('…three…', [(1, 6)])
    """
    if len(text) <= width:
        return text, marked
    room = max(width - 2, 1)
    begin = _best_start(text, marked, room)
    end = min(begin + room, len(text))
    begin, end = _at_words(text, begin, end, marked)
    before = "…" if begin else ""
    shift = len(before) - begin
    kept = [(b + shift, e + shift) for b, e in marked if b >= begin and e <= end]
    return before + text[begin:end] + ("…" if end < len(text) else ""), kept


def _best_start(text: str, marked: list[Span], room: int) -> int:
    """Begin a little before the match whose window holds the most matched characters; the first of equals."""
    if not marked:
        return 0
    ends = [end for _, end in marked]
    before = [0, *accumulate(end - begin for begin, end in marked)]
    held = [before[bisect_right(ends, begin + room)] - before[at] for at, (begin, _) in enumerate(marked)]
    first = marked[held.index(max(held))][0]
    last = max((e for b, e in marked if first <= b and e <= first + room), default=first)
    spare = max(room - (last - first), 0)
    return max(0, min(first - spare // 3, len(text) - room))


def _at_words(text: str, begin: int, end: int, marked: list[Span]) -> Span:
    """Move both cuts inward to a space where one is near and no match is lost."""
    near = 12
    first = min((b for b, _ in marked if b >= begin), default=end)
    last = max((e for _, e in marked if e <= end), default=begin)
    if begin and (space := text.find(" ", begin - 1, min(begin + near, first))) >= 0:
        begin = space + 1
    if end < len(text) and (space := text.rfind(" ", max(end - near, last), end + 1)) >= 0:
        end = space
    return begin, end


def _merged(found: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in sorted(found):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged
