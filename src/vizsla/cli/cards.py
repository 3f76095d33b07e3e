"""Cards: hits as a person reads them, ranked, with the part that matched highlighted.

Knows rich's text and the width of the terminal. Refuses to know how hits were found.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vizsla.cli.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from vizsla.text.analyzer import Analyzer

_MARK = "bold black on yellow"
_INDENT = 4
_LINES = 3
_WIDEST = 100
_SPARE = 20  # cells that lines leave empty where a word does not fit


@dataclass(frozen=True, slots=True)
class Card:
    """One hit as it is shown.

    Attributes:
        id: the passage's.
        title: its own, or empty.
        text: its own.
        score: as it is written.
        foot: a line below the text; empty for none.
    """

    id: str
    title: str
    text: str
    score: str
    foot: str = ""


def cards(
    analyzer: "Analyzer", query: str, hits: Iterable[Card], columns: int, *, first: int | None = 1
) -> Iterator["RenderableType"]:
    """The hits of one query, the best first, two things to draw a hit.

    Args:
        analyzer: by which passages are searched.
        query: what was searched for, without signs: its terms are highlighted.
        hits: what was found.
        columns: how wide the terminal is.
        first: the rank of the first; None where hits have none.
    """
    from rich.padding import Padding
    from rich.text import Text

    width = min(columns, _WIDEST)
    for place, hit in enumerate(hits):
        rank = "" if first is None else str(first + place)
        title = marked(analyzer, query, printable(hit.title), width)
        body = marked(analyzer, query, printable(hit.text), _LINES * (width - _INDENT) - _SPARE)
        shown = wrapped(body, width - _INDENT)
        if hit.foot:
            foot = Text(printable(hit.foot), style="dim")
            foot.truncate(width - _INDENT, overflow="ellipsis")
            shown = Text("\n", no_wrap=True).join([shown, foot]) if shown else foot
        yield _head(rank, title, hit.id, hit.score, width)
        yield Padding(shown, (0, 0, 1, _INDENT), expand=False)


def said(metadata: Mapping[str, object], parent: str = "") -> str:
    """Metadata as one line.

    >>> said({"year": 2024, "tags": ["news", "sport"]}, "book")
    'in book · year 2024 · tags news, sport'
    """
    parts = [f"in {parent}"] if parent else []
    for name, value in metadata.items():
        parts.append(f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return " · ".join(parts)


def marked(analyzer: "Analyzer", query: str, text: str, cells: int) -> "Text":
    """The stretch of a text that matched best, at most so many terminal cells, its matches marked."""
    from rich.cells import cell_len
    from rich.text import Text

    from vizsla.text.highlight import excerpt, spans

    width = cells * len(text) // max(cell_len(text), 1)
    shown, kept = excerpt(text, spans(analyzer, query, text), max(width, 1))
    drawn = Text(shown)
    for begin, end in kept:
        drawn.stylize(_MARK, begin, end)
    return drawn


def wrapped(text: "Text", cells: int) -> "Text":
    """A text with line ends where its lines are full."""
    from rich.text import Text

    from vizsla.cli.wrapping import breaks

    lines = text.divide(breaks(text.plain, cells))
    for line in lines:
        line.rstrip()
    return Text("\n", no_wrap=True).join(lines)


def _head(rank: str, title: "Text", id_: str, score: str, width: int) -> "Table":
    """One line: rank, title, id and score; a long title is cut, and a long id where it takes half the line."""
    from rich.table import Table
    from rich.text import Text

    title.stylize_before("bold")
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.width = width
    grid.add_column(justify="right", width=_INDENT - 1)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(max_width=width // 2, no_wrap=True, overflow="ellipsis", style="cyan")
    grid.add_column(justify="right", no_wrap=True, style="green")
    grid.add_row(Text(rank, style="bold"), title, Text(printable(id_)), Text(score))
    return grid
