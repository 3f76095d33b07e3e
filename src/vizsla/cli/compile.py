"""`vizsla compile`: a model to lower precision, kept where it ranks as well as before."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vizsla.cli import loading, terminal

if TYPE_CHECKING:
    from vizsla.compiling.compilation import Compilation

EXAMPLE = "Example: vizsla compile all-MiniLM-L6-v2 --precision int8 --gate DATA --output minilm.int8"
FAILED = 1
_GATE = "The gate"


def compile_(
    model: loading.Named,
    *,
    precision: Annotated[str, typer.Option(help="int8 or bf16.")],
    gate: Annotated[str, typer.Option(metavar="DATA", help="A judged folder; split dev, or test where it is alone.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Where it will stand.")
    ] = None,
    runtime: Annotated[str, typer.Option(help="openvino or onnxruntime.")] = "openvino",
    split: Annotated[str, typer.Option(help="Which judgements; dev by default.", rich_help_panel=_GATE)] = "",
    max_queries: Annotated[int, typer.Option(min=1, help="Most queries of the verdict.", rich_help_panel=_GATE)] = 2000,
    max_passages: Annotated[
        int, typer.Option(min=1, help="Passages searched, judged ones first.", rich_help_panel=_GATE)
    ] = 5000,
    calibration_texts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Passages to find scales on; else DATA's.", rich_help_panel=_GATE),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the samples.", rich_help_panel=_GATE)] = 0,
    query_model: loading.QueryModel = None,
    max_length: loading.MaxLength = None,
    layout: loading.Layout = None,
    settings: loading.Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="The manifest's settings on one line.")] = False,
) -> None:
    """Compile MODEL to a lower PRECISION and keep it if the gate on DATA passes.

    The gate passes when the lower end of the 95% interval of the nDCG@10 difference is above -0.005. It leaves with 1
    where it does not, and with 2 where there are too few queries to tell; nothing is written then.
    """
    from vizsla.compiling.compilation import Checking, compile_model
    from vizsla.compiling.compiled import Way
    from vizsla.compiling.judged_sample import Sampling
    from vizsla.models.finding import Wanted

    lengths, given = loading.lengths(max_length), loading.pairs(settings or [])
    wanted = Wanted(model, query_model, None, lengths, layout, given)
    checking = Checking(gate, Sampling(split, max_queries, max_passages, seed), calibration_texts)
    place = output or Path(f"{Path(model).name}.{precision}")
    with terminal.progress() as show:
        made = compile_model(wanted, Way(precision, runtime), checking, place, progress=show)
    if as_json:
        terminal.write(json.dumps(made.record, ensure_ascii=False))
    else:
        _draw(made, place)
    if not made.verdict.passed:
        terminal.tell(f"the gate does not hold: nothing was written at {place}")
        raise typer.Exit(FAILED)


def _draw(made: "Compilation", place: Path) -> None:
    from vizsla.cli.describing import pairs

    verdict, gate = made.verdict, made.record["gate"]
    terminal.headline(f"{made.record['name']} in {made.record['precision']} by {made.record['runtime']}")
    shown: dict[str, Any] = {
        "gate": "holds" if verdict.passed else "does not hold",
        "nDCG@10": f"{verdict.reference:.4f} before, {verdict.candidate:.4f} after",
        "difference": f"{verdict.difference:+.4f}, 95% interval {verdict.low:+.4f} to {verdict.high:+.4f}",
        "on": f"{gate['queries']:,} queries of {gate['data']} ({gate['split']}), {gate['passages']:,} passages "
        f"of {gate['passages_in_all']:,}, every judged one among them",
        **{name.replace("_", " "): f"{value:.5f}" for name, value in verdict.parity.items()},
    }
    if made.record["precision"] == "int8":
        shown["in int8"] = f"{made.rounded} products; {len(made.restored)} went back"
    shown["contract"] = made.record["contract"]["id"]
    if verdict.passed:
        shown["written"] = str(place)
    terminal.draw(pairs(shown))
