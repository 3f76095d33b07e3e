r"""Report: a result as Markdown, LaTeX, one line of JSON, or something rich can show.

Knows syntaxes and their escapes. Refuses to know what stands in the tables, and never prints.

The page reports.md of the formats describes what each looks like.
"""

import dataclasses
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vizsla.evaluating.compare import Comparison
from vizsla.evaluating.measuring import Measured
from vizsla.evaluating.tables import Table, tables

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table as RichTable

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#&$])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{char: f"\\{char}" for char in "{}#$%&_"},
}


def to_json(result: Measured | Comparison) -> str:
    """One line of JSON in ASCII; numbers in full.

    A measured run has its measures as top-level keys, and `queries`, how many were measured.
    """
    return json.dumps(
        _plain_measured(result) if isinstance(result, Measured) else _plain_comparison(result), allow_nan=False
    )


def to_markdown(result: Measured | Comparison) -> str:
    """Tables in GitHub's Markdown, with a title above each and the note below."""
    report = tables(result)
    parts = [_markdown_table(table) for table in report.tables]
    return "\n".join([*parts, f"{_escape_markdown(report.note)}\n"])


def to_latex(result: Measured | Comparison) -> str:
    """Tables for LaTeX with the package booktabs; text beyond Latin needs XeLaTeX or LuaLaTeX and a font."""
    report = tables(result)
    parts = [_latex_table(table) for table in report.tables]
    return "\n".join([*parts, rf"\par\noindent {_escape_latex(report.note)}", ""])


def to_terminal(result: Measured | Comparison) -> "RenderableType":
    """Something for rich to show, 80 columns wide or less where the terminal is."""
    from rich.console import Group
    from rich.text import Text

    report = tables(result)
    titled = [part for table in report.tables for part in (Text(table.title, style="bold"), _rich_table(table))]
    return Group(*titled, Text(report.note, style="dim"))


def _plain_measured(measured: Measured) -> dict[str, Any]:
    left_out = {"without_hits": len(measured.without_hits), "unjudged": len(measured.unjudged)}
    return measured.means | {"queries": len(measured.queries), "run": measured.run} | left_out


def _plain_comparison(comparison: Comparison) -> dict[str, Any]:
    plain = dataclasses.asdict(comparison)
    for contrast, each in zip(plain["contrasts"], comparison.contrasts, strict=True):
        contrast["significant"] = comparison.significant(each)
    return plain


def _markdown_table(table: Table) -> str:
    rule = [":--" if place < table.texts else "--:" for place in range(len(table.columns))]
    rows = [_cells(table, row, _escape_markdown, _escape_markdown_number) for row in table.rows]
    lines = [f"| {' | '.join(cells)} |" for cells in [list(table.columns), rule, *rows]]
    return "\n".join([f"**{_escape_markdown(table.title)}**", "", *lines, ""])


def _latex_table(table: Table) -> str:
    layout = "l" * table.texts + "r" * (len(table.columns) - table.texts)
    head = [_escape_latex(column) for column in table.columns]
    rows = [_cells(table, row, _escape_latex, _escape_latex_number) for row in table.rows]
    lines = [rf"{' & '.join(cells)} \\" for cells in [head, *rows]]
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{_escape_latex(table.title)}}}",
            rf"\begin{{tabular}}{{{layout}}}",
            *(r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"),
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _rich_table(table: Table) -> "RichTable":
    """Words give way to numbers: names fold, ids and queries are cut."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    quoting = table.texts > 1
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, expand=quoting)
    if quoting:
        shown.add_column(table.columns[0], no_wrap=True, overflow="ellipsis", max_width=12)
        shown.add_column(table.columns[1], no_wrap=True, overflow="ellipsis", ratio=1)
    else:
        shown.add_column(table.columns[0], overflow="fold")
    for column in table.columns[table.texts :]:
        shown.add_column(column, justify="right", no_wrap=True)
    for row in table.rows:
        shown.add_row(*(Text(cell) for cell in row))
    return shown


def _cells(table: Table, row: tuple[str, ...], text: Callable[[str], str], number: Callable[[str], str]) -> list[str]:
    return [text(cell) if place < table.texts else number(cell) for place, cell in enumerate(row)]


def _escape_markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)


def _escape_markdown_number(number: str) -> str:
    return number.replace("*", r"\*")


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in text)


def _escape_latex_number(number: str) -> str:
    """In mathematics, so that a minus is as long as a plus; nothing for an empty cell."""
    return f"${number.replace('*', '^{*}')}$" if number else ""
