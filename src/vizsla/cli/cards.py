"""Cards: hits as a person reads them, ranked, with the part that matched highlighted.

Knows rich's text and the width of the terminal. Refuses to know how hits were found.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vizsla.cli.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from vizsla.collections.frozen import FrozenCollection
    from vizsla.core.hits import Floats, Positions
    from vizsla.text.analyzer import Analyzer

    Row = tuple[Positions, Floats]

_MARK = "bold black on yellow"
_INDENT = 4
_LINES = 3
_WIDEST = 100
_SPARE = 20  # cells that lines leave empty where a word does not fit


def cards(collection: "FrozenCollection", query: str, row: "Row", columns: int) -> Iterator["RenderableType"]:
    """The hits of one query, two things to draw a hit.

    Args:
        collection: whose passages they are.
        query: what was searched for, without signs: its terms are highlighted.
        row: positions and scores; scores of a calibrated collection are shown in per cent.
        columns: how wide the terminal is.
    """
    from rich.padding import Padding

    positions, scores = row
    analyzer = collection.encoder.analyzer
    form = ".4f" if collection.calibration is None else ".1%"
    width = min(columns, _WIDEST)
    for rank, (position, score) in enumerate(zip(positions.tolist(), scores.tolist(), strict=True), 1):
        passage = collection.corpus.passage(position)
        title = marked(analyzer, query, printable(passage.title), width)
        body = marked(analyzer, query, printable(passage.text), _LINES * (width - _INDENT) - _SPARE)
        yield _head(rank, title, passage.id, format(score, form), width)
        yield Padding(wrapped(body, width - _INDENT), (0, 0, 1, _INDENT), expand=False)


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


def _head(rank: int, title: "Text", id_: str, score: str, width: int) -> "Table":
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
    grid.add_row(Text(str(rank), style="bold"), title, Text(printable(id_)), Text(score))
    return grid
