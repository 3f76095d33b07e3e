"""Texts: the flags that every command which reads files of passages shares. Knows their words, not what they do."""

from typing import Annotated, TypeAlias

import typer

PANEL = "Files"
Columns: TypeAlias = Annotated[
    str | None, typer.Option(help="Keys or columns to read: id=…,title=…,text=…", rich_help_panel=PANEL)
]
Size: TypeAlias = Annotated[int | None, typer.Option(help="Words of a passage cut from a text.", rich_help_panel=PANEL)]
Overlap: TypeAlias = Annotated[
    int | None, typer.Option(help="Words a passage repeats from the one before.", rich_help_panel=PANEL)
]
Strict: TypeAlias = Annotated[
    bool, typer.Option("--strict", help="Stop at the first bad record.", rich_help_panel=PANEL)
]
