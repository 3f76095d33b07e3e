"""HTML: the text a page shows, under its headings h1 to h6; scripts, styles and the page's title are left out.

Knows which elements break a paragraph. Refuses to know layout, links and attributes.
"""

import re
from html.parser import HTMLParser

from vizsla.data.outline import Outline, Section

_HIDDEN = frozenset({"script", "style", "template", "title"})
# A page's words go on through these; every other element breaks the paragraph.
_INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "button", "cite", "code", "data", "del", "dfn", "em", "font",
    "i", "img", "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike",
    "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
})  # fmt: skip
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_CELLS = {"br": "\n", "td": " ", "th": " "}
_SPACE = re.compile(r"\s+")


def sections(text: str) -> list[Section]:
    r"""The sections of a page.

    >>> sections("<title>t</title><h1>Dogs</h1><p>A <b>pointer</b>.<script>x</script><p>Hungarian.")
    [Section(title='Dogs', text='A pointer.\n\nHungarian.', line=1)]
    """
    page = _Page()
    # HTML has no marked sections: what looks like one is a comment, but Python's parser may refuse it.
    page.feed(text.replace("<![", "<!-["))
    page.close()
    return page.finish()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._outline = Outline()
        self._hidden = ""  # the element that is open and not shown
        self._level = 0  # of the heading that is open
        self._heading: list[str] = []
        self._heading_line = 1
        self._pre = 0
        self._break = ""  # what stands between the text so far and the next

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if self._hidden and tag != "body":
            return
        self._hidden = tag if tag in _HIDDEN else ""
        self._pre += tag == "pre"
        self._pass(tag)
        if tag in _LEVELS:
            self._level, self._heading_line = _LEVELS[tag], self.getpos()[0]

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            self._hidden = "" if tag == self._hidden else self._hidden
            return
        self._pre = max(self._pre - (tag == "pre"), 0)
        self._pass(tag)

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._level:
            self._heading.append(data)
            return
        text = data if self._pre else _SPACE.sub(" ", data)
        if self._break:
            text = text.lstrip() if not self._pre else text
        if text:
            self._outline.add(self._break + text)
            self._break = ""

    def finish(self) -> list[Section]:
        self._end_heading()
        return self._outline.sections()

    def _pass(self, tag: str) -> None:
        """Pass the edge of an element: within a heading a line may break, all else ends it."""
        if tag in _INLINE:
            return
        if self._level and tag == "br":
            self._heading.append(" ")
            return
        self._end_heading()
        self._break = max(self._break, _CELLS.get(tag, "\n\n"), key=len)

    def _end_heading(self) -> None:
        if self._level:
            self._outline.head(self._level, "".join(self._heading), self._heading_line)
            self._level, self._break = 0, ""
            self._heading.clear()
