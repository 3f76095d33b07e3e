"""`vizsla compare`: two or more runs to differences, and whether they are real."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vizsla.cli.evaluate import MEASURES, chosen_form, depth_of, report, run_of, searched
from vizsla.core.errors import SettingsError

if TYPE_CHECKING:
    from vizsla.data.judgements import Judgements
    from vizsla.data.runs import Run


class Test(StrEnum):
    """The tests of vizsla.evaluating.significance."""

    t = "t"
    randomisation = "randomisation"


class Correction(StrEnum):
    """The corrections of vizsla.evaluating.significance."""

    holm = "holm"
    bonferroni = "bonferroni"
    none = "none"


def compare(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A BEIR folder with queries and judgements.")],
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Runs, indexes, collections; the first is the baseline."),
    ],
    *,
    split: Annotated[str, typer.Option(help="Which judgements: train, dev, test.")] = "test",
    measures: Annotated[str, typer.Option(help="ir-measures names, with spaces between.")] = MEASURES,
    test: Annotated[Test, typer.Option(help="Paired t-test or randomisation test.")] = Test.t,
    correction: Annotated[Correction, typer.Option(help="Over the comparisons of a measure.")] = Correction.holm,
    movers: Annotated[int, typer.Option(min=0, help="How many of the queries that moved most to show.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Tables in Markdown.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Tables for LaTeX's booktabs.")] = False,
) -> None:
    """Compare runs over the judged queries of DATA, each with the first.

    Shows differences with their intervals, p, wins, ties and losses, and the queries that moved most.
    """
    from vizsla.data.judgements import Judgements
    from vizsla.evaluating.compare import compare as contrast
    from vizsla.evaluating.measuring import measure

    form = chosen_form(as_json=as_json, markdown=markdown, latex=latex)
    if len(runs) < 2:
        raise SettingsError("found one run; wanted at least two to compare")
    judgements = Judgements.read(data, split=split)
    depth = depth_of(measures)
    measured = [measure(run, judgements, measures) for run in _named(runs, judgements, depth)]
    result = contrast(measured, judgements, test=test.value, correction=correction.value, movers=movers)
    report(result, form)


def _named(paths: list[Path], judgements: "Judgements", depth: int) -> "list[Run]":
    """Every run under its file's name, or under the path as it was given where two names are the same."""
    short = [path.resolve().name.partition(".")[0] for path in paths]
    names = short if len(set(short)) == len(short) else [str(path) for path in paths]
    return [replace(_read(path, judgements, depth), name=name) for path, name in zip(paths, names, strict=True)]


def _read(path: Path, judgements: "Judgements", depth: int) -> "Run":
    from vizsla.data.runs import Run

    return run_of(searched(path), path, judgements, depth) if path.is_dir() else Run.read(path)
