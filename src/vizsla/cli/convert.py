"""`vizsla convert`: one format to another."""

import time
from pathlib import Path
from typing import Annotated

import typer

from vizsla.cli import terminal


def convert(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A file, a folder, or ir_datasets:ID.")],
    target: Annotated[Path, typer.Argument(metavar="TO", help="A file, or the folder of a layout of several files.")],
    *,
    source_format: Annotated[
        str, typer.Option("--from", metavar="FORMAT", help="What FROM is, where that is not certain.")
    ] = "",
    target_format: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help="What TO shall be; .parquet and .ciff say it themselves.")
    ] = "",
    only: Annotated[
        str, typer.Option(metavar="KIND", help="passages, queries, judgements, examples, weights or run.")
    ] = "",
    split: Annotated[
        str, typer.Option(help="The one split to take, or the name of the split where FROM has none.")
    ] = "",
    scale: Annotated[
        float | None, typer.Option(min=0, help="Multiply weights by this and round them: 100 is usual.")
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option(metavar="DATA", help="Passages that examples name by id, to write their texts.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad record.")] = False,
    formats: Annotated[  # noqa: ARG001 - its callback lists them
        bool,
        typer.Option("--formats", is_eager=True, callback=lambda given: _list(given=given), help="List the formats."),
    ] = False,
) -> None:
    """Convert FROM into TO, in another format of the field; files of the same names are replaced."""
    from vizsla.cli.describing import pairs
    from vizsla.data.conversion import ConversionSettings
    from vizsla.data.conversion import convert as converted
    from vizsla.data.problems import Problems

    wanted = ConversionSettings(source_format, target_format, only, split, scale, corpus)
    begin = time.perf_counter()
    with terminal.counted("records", 0) as count:
        made = converted(source, target, wanted, problems=Problems(strict=strict), on_progress=count)
    rows = {
        "from": f"{source} ({made.source_format})",
        "to": f"{target} ({made.target_format})",
        **{kind: f"{number:,}" for kind, number in made.counts.items()},
        **({"left out": ", ".join(made.left_out)} if made.left_out else {}),
        "seconds": f"{time.perf_counter() - begin:.2f}",
        "problems": made.problems.summary(),
    }
    terminal.draw(pairs(rows))


def _list(*, given: bool) -> None:
    if not given:
        return
    from vizsla.cli.describing import pairs
    from vizsla.data.layouts import LAYOUTS

    reading = {name: "" if one.outlets else " (read only)" for name, one in LAYOUTS.items()}
    terminal.draw(pairs({name: one.about + reading[name] for name, one in LAYOUTS.items()}))
    raise typer.Exit
