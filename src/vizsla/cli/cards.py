"""Cards: hits as a person reads them, ranked, with the part that matched highlighted.

Knows rich's text and the width of the terminal. Refuses to know how hits were found.
"""

from typing import TYPE_CHECKING

from vizsla.cli.terminal import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from vizsla.collections.frozen import FrozenCollection
    from vizsla.core.hits import Hits
    from vizsla.text.analyzer import Analyzer

_MARK = "bold black on yellow"
_INDENT = 4
_LINES = 3
_WIDEST = 100


def show(console: "Console", collection: "FrozenCollection", query: str, hits: "Hits", row: int = 0) -> None:
    """Print the hits of one query.

    Args:
        console: where.
        collection: whose passages they are.
        query: what was searched for, without signs: its terms are highlighted.
        hits: of one or more queries.
        row: which of them.
    """
    positions, scores = hits.row(row)
    analyzer = collection.encoder.analyzer
    width = min(console.width, _WIDEST)
    for rank, (position, score) in enumerate(zip(positions.tolist(), scores.tolist(), strict=True), 1):
        passage = collection.corpus.passage(position)
        title = marked(analyzer, query, printable(passage.title), width)
        console.print(_head(rank, title, passage.id, score, width))
        console.print(_body(marked(analyzer, query, printable(passage.text), _LINES * (width - _INDENT)), width))


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


def _head(rank: int, title: "Text", id_: str, score: float, width: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    name = Text(overflow="ellipsis", no_wrap=True)
    if title.plain:
        title.stylize_before("bold")
        name.append_text(title).append("  ")
    name.append(printable(id_), style="cyan")
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.width = width
    grid.add_column(justify="right", width=_INDENT - 1)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(Text(str(rank), style="bold"), name, Text(f"{score:.4f}", style="green"))
    return grid


def _body(text: "Text", width: int) -> "Table":
    from rich.table import Table

    grid = Table.grid(padding=(0, 0, 1, 0))
    grid.width = width
    grid.add_column(width=_INDENT)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row("", text)
    return grid
