"""`vizsla export`: a collection's passages to a file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vizsla.cli import terminal
from vizsla.cli.opening import Folder, opened
from vizsla.core.errors import DataError, SettingsError


class Form(StrEnum):
    """The forms of vizsla.collections.exporting."""

    jsonl = "jsonl"
    beir = "beir"


def export(
    folder: Folder,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A .jsonl, .jsonl.gz or .jsonl.zst; else a BEIR folder.")],
    *,
    form: Annotated[Form | None, typer.Option("--format", help="Where OUT's name leaves it open.")] = None,
    vectors: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Of a model whose vectors are written too.")
    ] = None,
) -> None:
    """Write every passage of FOLDER, in the order they came. What is written can be added to another collection."""
    collection, chosen = opened(folder), form or _form(out)
    if chosen is Form.beir:
        _refuse_strange(out)
    count = collection.export_to(out, form=chosen.value, vectors=vectors or ())
    terminal.write(f"{count:,} passages written to {out}")


def _form(out: Path) -> Form:
    from vizsla.data.opening import bare_suffix

    suffix = bare_suffix(out)
    if suffix in (".jsonl", ".ndjson"):
        return Form.jsonl
    if suffix and not out.is_dir():
        raise SettingsError(f"found OUT {out}; wanted a name in .jsonl, a folder's, or --format to say which it is")
    return Form.beir


def _refuse_strange(folder: Path) -> None:
    """Refuse a folder of other files, which a corpus among them would make a corpus of."""
    from vizsla.data.formats import beir

    if folder.is_dir() and any(folder.iterdir()) and not beir.is_folder(folder):
        raise DataError(f"{folder}: found other files there; wanted nothing, an empty folder or one of BEIR's layout")
