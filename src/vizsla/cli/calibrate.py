"""`vizsla calibrate`: an index or a model, and judgements, to probabilities of relevance."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from vizsla.cli import loading, probability, terminal
from vizsla.cli.fitting import fitted, refuse_probabilities
from vizsla.cli.thresholds import beside, judged
from vizsla.core.errors import SettingsError

if TYPE_CHECKING:
    from rich.table import Table

    from vizsla.data.judgements import Judgements
    from vizsla.evaluating.calibrating import CalibrationSettings
    from vizsla.retrievers.calibration import Calibration

EXAMPLE = "Example: vizsla calibrate ms-marco-MiniLM-L6-v2 DATA --split dev"
_MODEL = "Of a model"
_OF_INDEX, _OF_MODEL = 2000, 300


def calibrate(
    what: Annotated[str, typer.Argument(metavar="INDEX|MODEL", help="Whose scores: an index, a reranker, an encoder.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A BEIR folder with queries and judgements.")],
    *,
    split: Annotated[str, typer.Option(help="Which judgements: train or dev, never those measured on.")] = "train",
    max_queries: Annotated[
        int | None, typer.Option(min=2, help="How many at most, drawn with the seed: 2000, or 300 of a model.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    judged_only: Annotated[
        bool, typer.Option("--judged-only", help="Leave out unjudged hits; else they count as irrelevant.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Where it will stand; else INDEX|MODEL.calibration."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A TREC run of candidates; else BM25's.", rich_help_panel=_MODEL),
    ] = None,
    k: Annotated[int, typer.Option(min=1, help="Candidates a query.", rich_help_panel=_MODEL)] = 30,
    query_model: loading.QueryModel = None,
    max_length: loading.MaxLength = None,
    precision: loading.Precision = None,
    layout: loading.Layout = None,
    settings: loading.Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="The record, in one line.")] = False,
) -> None:
    """Learn from judged queries how likely a hit of INDEX, or a passage scored by MODEL, is relevant.

    Afterwards `vizsla search INDEX QUERY --min-probability 0.5`, or `vizsla rerank MODEL RUN DATA --probability`,
    shows probabilities for scores, in the same order.
    """
    from vizsla.core.artifacts import MANIFEST, read_manifest
    from vizsla.data.judgements import Judgements
    from vizsla.evaluating.calibrating import CalibrationSettings

    if split == "test":
        raise SettingsError("found --split test; wanted train or dev: what is fitted on test cannot be measured there")
    unjudged: Literal["left out", "irrelevant"] = "left out" if judged_only else "irrelevant"
    named = judged(data, split)
    if (Path(what) / MANIFEST).exists() and read_manifest(what)["kind"] == "frozen-collection":
        flags = {"--run": run, "--query-model": query_model, "--max-length": max_length, "--precision": precision}
        if said := [name for name, value in {**flags, "--layout": layout, "--set": settings}.items() if value]:
            raise SettingsError(f"found {said[0]} for {what}, an index; it is a model's")
        wanted = CalibrationSettings(max_queries or _OF_INDEX, seed, unjudged=unjudged)
        made, place = _of_index(Path(what), Judgements.read(data, split=split), wanted, named), beside(Path(what))
    else:
        model = loading.loaded(
            what, query_model=query_model, layout=layout, max_length=max_length, precision=precision, settings=settings
        )
        refuse_probabilities(what, model.contract)
        wanted = CalibrationSettings(max_queries or _OF_MODEL, seed, unjudged=unjudged)
        made = fitted(model, (data, run, k), Judgements.read(data, split=split), wanted, named)
        place = probability.place_of(what)
    place = output or place
    made.save(place)
    if as_json:
        import json

        terminal.write(json.dumps(dict(made.record), ensure_ascii=False))
    else:
        _show(made, place)


def _of_index(index: Path, judgements: "Judgements", wanted: "CalibrationSettings", data: str) -> "Calibration":
    from vizsla.collections.frozen import FrozenCollection
    from vizsla.evaluating.calibrating import calibrate as fit

    found = FrozenCollection.load(index)
    return fit(found.retriever, judgements, found.corpus.ids, wanted, of=found.scorers, data=data)


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
