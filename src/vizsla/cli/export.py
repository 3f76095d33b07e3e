"""`vizsla export`: a collection's passages to a file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vizsla.cli import terminal
from vizsla.cli.opening import Folder, opened


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
    from vizsla.data.opening import bare_suffix

    chosen = form or (Form.jsonl if bare_suffix(out) in (".jsonl", ".ndjson") else Form.beir)
    count = opened(folder).export_to(out, form=chosen.value, vectors=vectors or ())
    terminal.write(f"{count:,} passages written to {out}")
