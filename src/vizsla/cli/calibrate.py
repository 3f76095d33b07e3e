"""`vizsla calibrate`: an index and judgements to probabilities of relevance."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vizsla.cli import terminal
from vizsla.cli.thresholds import beside
from vizsla.core.errors import SettingsError

if TYPE_CHECKING:
    from rich.table import Table

    from vizsla.retrievers.calibration import Calibration


def calibrate(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="A folder written by vizsla index.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A BEIR folder with queries and judgements.")],
    *,
    split: Annotated[str, typer.Option(help="Which judgements: train or dev, never those measured on.")] = "train",
    queries: Annotated[int, typer.Option(min=2, help="How many queries at most, drawn with the seed.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    judged_only: Annotated[
        bool, typer.Option("--judged-only", help="Leave out unjudged hits; else they count as irrelevant.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where it will stand; else INDEX.calibration.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The record, in one line.")] = False,
) -> None:
    """Learn from judged queries how likely a hit of INDEX is relevant.

    Afterwards `vizsla search INDEX QUERY --min-probability 0.5` shows probabilities for scores, in the same order.
    """
    from vizsla.collections.frozen import FrozenCollection
    from vizsla.data.judgements import Judgements
    from vizsla.evaluating.calibrating import CalibrationSettings
    from vizsla.evaluating.calibrating import calibrate as fit

    if split == "test":
        raise SettingsError("found --split test; wanted train or dev: what is fitted on test cannot be measured there")
    collection = FrozenCollection.load(index)
    judgements = Judgements.read(data, split=split)
    wanted = CalibrationSettings(queries, seed, unjudged="left out" if judged_only else "irrelevant")
    made = fit(
        collection.retriever,
        judgements,
        collection.corpus.ids,
        wanted,
        of=collection.scorers,
        data=f"{data}, split {split}",
    )
    place = output or beside(index)
    made.save(place)
    if as_json:
        import json

        terminal.write(json.dumps(dict(made.record), ensure_ascii=False))
    else:
        _show(made, place)


def _show(made: "Calibration", place: Path) -> None:
    from vizsla.cli.describing import pairs

    held_out: Mapping[str, Any] = made.record["held_out"]
    constant = f"always saying {held_out['rate']:.1%}"
    rows = {
        "queries": f"{made.record['queries']:,} of {made.record['data']}",
        "hits": f"{held_out['hits']:,}, of which {held_out['rate']:.1%} relevant",
        "log loss": f"{held_out['log_loss']:.4f}; {constant}: {held_out['log_loss_of_rate']:.4f}",
        "Brier": f"{held_out['brier']:.4f}; {constant}: {held_out['brier_of_rate']:.4f}",
        "error": f"{held_out['error']:.4f}, the mean distance of what is said from what is",
        "stored": str(place),
    }
    terminal.draw(pairs(rows))
    terminal.draw(_bins(held_out["bins"]))
    terminal.tell("all of it on queries that the curve was not fitted on")


def _bins(bins: list[dict[str, Any]]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("probability", "hits", "said", "relevant"):
        table.add_column(column, justify="right")
    for one in bins:
        means = [f"{one[key]:.1%}" if one["hits"] else "" for key in ("said", "relevant")]
        table.add_row(f"{one['low']:.0%} to {one['high']:.0%}", f"{one['hits']:,}", *means)
    return table
