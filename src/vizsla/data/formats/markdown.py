"""Markdown: `#` headings make sections; everything else, fenced code included, stays as it is written."""

import re

from vizsla.data.outline import Outline, Section

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#*)?[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


def sections(text: str) -> list[Section]:
    r"""The sections of a page.

    >>> [section.title for section in sections("# A\n## B\ntext\n```\n# no heading\n```\n")]
    ['A > B']
    """
    outline, fence = Outline(), ""
    for number, line in enumerate(text.split("\n"), start=1):
        heading = None if fence else _HEADING.fullmatch(line)
        fence = _fence_after(line, fence)
        if heading:
            outline.head(len(heading[1]), heading[2] or "", number)
        else:
            outline.add(f"{line}\n")
    return outline.sections()


def _fence_after(line: str, fence: str) -> str:
    """The fence that is open after a line, given the one open before it; empty for none."""
    mark = _FENCE.fullmatch(line)
    if not mark:
        return fence
    if not fence:
        return "" if mark[1][0] == "`" and "`" in mark[2] else mark[1]
    closes = mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not mark[2].strip()
    return "" if closes else fence
