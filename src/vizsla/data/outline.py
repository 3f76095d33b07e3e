"""Outline: a text's sections, each under the path of its headings.

Knows how headings nest. Refuses to know markup.
"""

from dataclasses import dataclass

_BETWEEN = " > "


@dataclass(frozen=True, slots=True)
class Section:
    """The text between one heading and the next.

    Attributes:
        title: the headings above it from the outermost, ` > ` between them; empty before the first.
        text: may be empty where the heading stands alone.
        line: where it starts, counted from 1.
    """

    title: str
    text: str
    line: int


class Outline:
    """Takes headings and texts in the order of the page and gives back its sections.

    >>> outline = Outline()
    >>> outline.head(1, "Dogs", 1)
    >>> outline.head(2, "Vizsla", 3)
    >>> outline.add("A pointer.")
    >>> outline.sections()
    [Section(title='Dogs > Vizsla', text='A pointer.', line=3)]
    """

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._texts: list[str] = []
        self._line = 1
        self._sections: list[Section] = []

    def head(self, level: int, heading: str, line: int) -> None:
        """Begin the section under a heading of this level (1 is the outermost)."""
        inner = bool(self._path) and self._path[-1][0] < level
        self._close(keep_bare=not inner)
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, " ".join(heading.split())))
        self._line = line

    def add(self, text: str) -> None:
        """Add text to the section that is open."""
        self._texts.append(text)

    def sections(self) -> list[Section]:
        """Close the last section; all of them that hold text, or a heading without any text below it."""
        self._close(keep_bare=True)
        return self._sections

    def _close(self, *, keep_bare: bool) -> None:
        text, title = "".join(self._texts).strip("\n"), _BETWEEN.join(name for _, name in self._path if name)
        self._texts.clear()
        if text.strip() or (keep_bare and title):
            self._sections.append(Section(title, text if text.strip() else "", self._line))
