"""Reasons: an explanation as a person reads it: the verdict, the passage, and tables of stages, terms and moves.

Knows rich's tables. Refuses to know how the reasons were found.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vizsla.cli.cards import Card, cards, said
from vizsla.cli.terminal import printable, screen

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from vizsla.collections.explanation import Explanation, StagePlace
    from vizsla.core.protocols import Passage
    from vizsla.text.analyzer import Analyzer

_TERMS = 12


def drawn(told: "Explanation", passage: "Passage | None", analyzer: "Analyzer") -> Iterator["RenderableType"]:
    """What there is to draw, from top to bottom."""
    from rich.text import Text

    yield Text(_verdict(told), style="bold green" if told.found else "bold red")
    for reason in told.reasons:
        yield Text.assemble(("because ", "dim"), printable(reason))
    yield Text(f"pipeline {told.pipeline}", style="dim")
    if passage is not None:
        yield Text("")
        score = "-" if told.score is None else f"{told.score:.4f}"
        shown = Card(passage.id, passage.title, passage.text, score, said(passage.metadata, passage.parent))
        yield from cards(analyzer, told.query, [shown], screen().width, first=told.rank)
    if told.stages:
        yield from (_stages(told), Text(""))
    for stage in told.stages:
        if stage.terms:
            yield from (_terms(stage), Text(""))
    if told.moves:
        yield from (_moves(told), Text(""))
    if told.rivals and not told.found:
        yield Text.assemble(("before it: ", "dim"), ", ".join(f"{one.id} ({one.score:.4f})" for one in told.rivals))


def _verdict(told: "Explanation") -> str:
    asked = f"the {told.k:,} hits for '{printable(told.query)}'"
    if told.found:
        return f"{printable(told.id)} is number {told.rank:,} of {asked}"
    return f"{printable(told.id)} is not among {asked}"


def _stages(told: "Explanation") -> "Table":
    table = _table("stage", "rank", "score", "takes the first", texts=1)
    for stage in told.stages:
        if stage.score is None:
            table.add_row(stage.name, "-", "shares no term", f"{stage.depth:,}")
        else:
            rank = f"beyond {stage.looked:,}" if stage.rank is None else f"{stage.rank:,}"
            table.add_row(stage.name, rank, f"{stage.score:.4f}", f"{stage.depth:,}")
    return table


def _terms(stage: "StagePlace") -> "Table":
    counted = any(term.passages is not None for term in stage.terms)
    heads = [f"{stage.name}: term", "adds", "weight", "here", *(["passages"] if counted else [])]
    table = _table(*heads, texts=1)
    for term in stage.terms[:_TERMS]:
        row = [printable(term.term), f"{term.part:.4f}", f"{term.weight:.4f}", f"{term.value:g}"]
        held = "" if term.passages is None else f"{term.passages:,}"
        table.add_row(*row, *([held] if counted else []))
    if len(stage.terms) > _TERMS:
        table.add_row(f"and {len(stage.terms) - _TERMS} more")
    return table


def _moves(told: "Explanation") -> "Table":
    table = _table("step", "note", "rank before", "after", "score", texts=2)
    for move in told.moves:
        before, after = ("-" if rank is None else f"{rank:,}" for rank in (move.before, move.after))
        score = "" if move.score is None else f"{move.score:.4f}"
        table.add_row(move.name, move.note, before, after, score)
    return table


def _table(*columns: str, texts: int) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for place, column in enumerate(columns):
        table.add_column(Text(printable(column)), justify="left" if place < texts else "right", overflow="fold")
    return table
