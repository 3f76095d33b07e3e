"""`vizsla models`: the published checkpoints, and all that is known of one. Fetches nothing."""

from typing import TYPE_CHECKING, Annotated

import typer

from vizsla.cli import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from vizsla.models.registry import Entry, Figure

_HEADS = ("name", "family", "kind", "size", "licence", "files")
_ENCODER = """encoder = vizsla.load({})
queries = encoder.encode_queries(["..."])
passages = encoder.encode_passages(["...", ("title", "...")])"""
_RERANKER = """reranker = vizsla.load({})
scores = reranker.score([("query", "..."), ("query", ("title", "..."))])"""

app = typer.Typer(help="List the published models that vizsla runs.", rich_markup_mode="markdown")


@app.callback(invoke_without_command=True)
def models(context: typer.Context) -> None:
    """List the published models: name, family, kind, size, licence, and whether their files are here."""
    if context.invoked_subcommand is not None:
        return
    from vizsla.models.registry import entries

    terminal.draw(_table(entries()))
    terminal.draw("", "size: millions of weights · files: here, on the hub, or to be fetched by hand")
    terminal.draw("All about one, its licence first: vizsla models show NAME")


@app.command("show")
def show(name: Annotated[str, typer.Argument(metavar="NAME", help="A name, an alias or an id of the hub.")]) -> None:
    """Show all that is known of NAME: licence, settings, published figures with their conditions, how to load it."""
    from vizsla.cli.describing import pairs
    from vizsla.models.registry import find

    entry = find(name)
    terminal.headline(entry.name)
    terminal.draw(pairs(dict(_facts(entry))))
    if entry.figures:
        terminal.draw("")
        terminal.headline("published")
        terminal.draw(_figures(entry.figures))
    for number, source in enumerate(dict.fromkeys(each.source for each in entry.figures), 1):
        said = f"{source.title}. {source.conditions[:1].upper()}{source.conditions[1:]}. {source.url}"
        terminal.draw("", pairs({f"[{number}]": said}))
    terminal.draw("")
    terminal.headline("in Python")
    terminal.write(_python(entry))


def _table(entries: "tuple[Entry, ...]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for head in _HEADS:
        table.add_column(head, justify="right" if head == "size" else "left", overflow="fold", no_wrap=head == "name")
    system = ""
    for entry in entries:
        if entry.system != system:
            system = entry.system
            table.add_row(Text(f"-- {system}", style="dim"))
        licence = Text(entry.licence.removesuffix("-4.0"), style="yellow" if entry.restriction else "")
        table.add_row(entry.name, entry.family, entry.kind, _size(entry), licence, _files(entry))
    return table


def _size(entry: "Entry") -> str:
    return f"{entry.parameters / 1e6:.1f}" if entry.parameters else "?"


def _files(entry: "Entry") -> str:
    from vizsla.models.hub import downloaded

    if entry.store != "hub":
        return "by hand"
    return "here" if all(downloaded(each) for each in entry.ids) else "hub"


def _facts(entry: "Entry") -> "Iterator[tuple[str, str]]":
    """Names and lines of everything but the figures."""
    from vizsla.models.hub import downloaded

    yield "kind", f"{entry.kind} ({entry.family}, {' and '.join(entry.languages)}), of the system {entry.system}"
    if entry.id:
        yield "id", entry.id
    else:
        yield from (("queries", entry.queries), ("passages", entry.passages))
    if entry.aliases:
        yield "also", ", ".join(entry.aliases)
    yield "licence", f"{entry.licence}: {entry.restriction}" if entry.restriction else entry.licence
    yield "size", f"{entry.parameters:,} weights, heads left out" if entry.parameters else "not known here"
    yield "layout", entry.layout
    yield "settings", ", ".join(f"{key} = {_plain(value)}" for key, value in entry.settings.items())
    here = [str(folder) for each in entry.ids if (folder := downloaded(each))] if entry.store == "hub" else []
    yield "files", " and ".join(here) or {"hub": "on the hub, not fetched yet"}.get(entry.store, "by hand")
    if entry.note:
        yield "note", entry.note
    yield "page", entry.url


def _plain(value: object) -> str:
    return " + ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value).lower()


def _figures(figures: "tuple[Figure, ...]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    numbers = {source: f"[{number}]" for number, source in enumerate(dict.fromkeys(each.source for each in figures), 1)}
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for head in ("measure", "value", "unit", "source", "on"):
        table.add_column(head, justify="right" if head == "value" else "left", overflow="fold")
    for each in figures:
        on = f"{each.data}; {each.conditions}" if each.conditions else each.data
        table.add_row(each.measure, f"{each.value:,.10g}", each.unit, Text(numbers[each.source]), on)
    return table


def _python(entry: "Entry") -> str:
    like = f'settings={{"like": "{entry.name}"}}'
    if entry.store == "hub":
        arguments = f'"{entry.name}"'
    elif entry.id:
        arguments = f'"FOLDER", {like}'
    else:
        arguments = f'queries="FOLDER", passages="FOLDER", {like}'
    return "import vizsla\n\n" + (_RERANKER if entry.kind == "reranker" else _ENCODER).format(arguments)
