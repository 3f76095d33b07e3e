"""`vizsla similarity`: one text against many."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vizsla.cli import loading, probability, terminal
from vizsla.core.errors import SettingsError

if TYPE_CHECKING:
    from vizsla.core.vectors import Scores

EXAMPLE = "Example: vizsla similarity all-MiniLM-L6-v2 'a pointing dog' 'a hunting dog' 'fried rice'"


def similarity(
    model: loading.Named,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="What the others are compared with: the query.")],
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="What is compared.")] = None,
    *,
    file: Annotated[Path | None, typer.Option("--texts", metavar="FILE", help="A text a line; - is stdin.")] = None,
    k: Annotated[int | None, typer.Option(min=1, help="How many to show; all without it.")] = None,
    asked: probability.Asked = False,
    min_probability: probability.MinProbability = None,
    calibration: probability.CalibrationOption = None,
    query_model: loading.QueryModel = None,
    max_length: loading.MaxLength = None,
    precision: loading.Precision = None,
    layout: loading.Layout = None,
    settings: loading.Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a text, a line each.")] = False,
) -> None:
    """Compare SOURCE with each TEXT, and show the nearest first.

    SOURCE goes in as a query and each TEXT as a passage. An encoder gives dot products or cosines, a reranker its
    scores, as the model's contract says.
    """
    from vizsla.cli.pairs import read_lines

    compared = [*(texts or []), *((text.strip() for text, _ in read_lines(file)) if file else ())]
    if not compared:
        raise SettingsError("found no text to compare with; wanted TEXT..., or --texts FILE")
    found = loading.loaded(
        model, query_model=query_model, layout=layout, max_length=max_length, precision=precision, settings=settings
    )
    fitted = probability.Probabilities(asked, min_probability, calibration).open(model, found.contract)
    scores = _scores(found, source, compared)
    rows = _ranked(scores, fitted, compared, k or len(compared))
    if as_json:
        _write(source, rows, fitted.kind)
    else:
        _draw(rows, fitted.kind)


def _scores(found: Any, source: str, texts: list[str]) -> "Scores":
    if hasattr(found, "score"):
        scores: Scores = found.score([(source, text) for text in texts])
        return scores
    products: Scores = found.similarity(found.encode_queries([source]), found.encode_passages(texts))[0]
    return products


def _ranked(scores: "Scores", fitted: "probability.Fitted", texts: list[str], k: int) -> list[tuple[int, float, str]]:
    import numpy as np

    from vizsla.core.hits import rank

    places, best = rank(np.arange(len(texts)), scores, min(k, len(texts)))
    shown = zip(places.tolist(), fitted(best).tolist(), strict=True)
    return [(place, score, texts[place]) for place, score in shown if fitted.shown(score)]


def _write(source: str, rows: list[tuple[int, float, str]], what: str) -> None:
    import orjson

    for number, (place, score, text) in enumerate(rows, 1):
        shown = {"source": source, "rank": number, "score": score, "kind": what, "place": place, "text": text}
        terminal.write(orjson.dumps(shown).decode())


def _draw(rows: list[tuple[int, float, str]], what: str) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(what, justify="right", style="cyan", no_wrap=True)
    table.add_column("text", overflow="fold")
    for _, score, text in rows:
        table.add_row(f"{score:.4f}", Text(terminal.printable(text)))
    terminal.draw(table)
