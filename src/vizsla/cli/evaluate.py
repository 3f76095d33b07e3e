"""`vizsla evaluate`: an index or a collection, and judgements, to measures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vizsla.cli import terminal
from vizsla.cli.opening import (
    Models,
    PipelineOption,
    Searched,
    Where,
    is_collection,
    opened,
    refuse_for_an_index,
    refuse_neither,
)
from vizsla.cli.thresholds import CalibrationOption, MinProbability, MinScore, Threshold, same_judgements
from vizsla.core.errors import SettingsError

if TYPE_CHECKING:
    from vizsla.data.judgements import Judgements
    from vizsla.data.runs import Run
    from vizsla.evaluating.compare import Comparison
    from vizsla.evaluating.measuring import Measured

MEASURES = "RR@10 nDCG@10 R@50"


def evaluate(
    index: Annotated[Path, typer.Argument(metavar="FOLDER", help="A collection, or an index of vizsla index.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A BEIR folder with queries and judgements.")],
    *,
    split: Annotated[str, typer.Option(help="Which judgements: train, dev, test.")] = "test",
    measures: Annotated[str, typer.Option(help="ir-measures names, with spaces between.")] = MEASURES,
    k: Annotated[
        int | None, typer.Option(min=1, help="Hits a query; without it as many as the measures look at.")
    ] = None,
    save_run: Annotated[Path | None, typer.Option(metavar="FILE", help="Keep what was found as a TREC run.")] = None,
    pipeline: PipelineOption = None,
    where: Where = None,
    model: Models = None,
    min_score: MinScore = None,
    min_probability: MinProbability = None,
    calibration: CalibrationOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line, measures as top-level keys.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="A table in Markdown.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="A table for LaTeX's booktabs.")] = False,
) -> None:
    """Measure how well FOLDER finds what is judged in DATA.

    Every judged query counts, with 0 where nothing is found for it. Queries are plain text here.
    """
    from vizsla.data.judgements import Judgements
    from vizsla.evaluating.measuring import measure

    threshold = Threshold(min_score, min_probability, calibration)
    form = chosen_form(as_json=as_json, markdown=markdown, latex=latex)
    judgements = Judgements.read(data, split=split)
    asked = searched(index, threshold, pipeline=pipeline, where=where, models=model)
    made = run_of(asked, index, judgements, k or depth_of(measures))
    if save_run is not None:
        made.write(save_run)
    measured = measure(made, judgements, measures)
    missing = judgements.check(asked.ids)
    report(measured, form)
    if same_judgements(asked.fitted_on, data, split):
        advice = "measure on another split, or calibrate on one"
        terminal.tell(f"probabilities fitted on these very judgements look better here than they are; {advice}")
    if missing:
        what = "collection" if is_collection(index) else "index"
        advice = "they count, and cannot be found"
        terminal.tell(f"judgements of passages that are not in the {what}: {missing:,}; {advice}")
    if judgements.problems.counts:
        terminal.tell(f"problems in {data}: {judgements.problems.summary()}")


def depth_of(measures: str) -> int:
    """How many hits a query the measures look at."""
    from vizsla.evaluating.measures import parse

    return max(one.depth for one in parse(measures))


def searched(
    folder: Path,
    threshold: Threshold = Threshold(),
    *,
    pipeline: str | None = None,
    where: str | None = None,
    models: list[str] | None = None,
) -> Searched:
    """What searches a folder, be it an index or a collection.

    Raises:
        SettingsError: flags that are the other's.
    """
    refuse_neither(folder)
    if is_collection(folder):
        from vizsla.cli.finding import Finding

        return Finding(opened(folder, models), pipeline, where, threshold.of_collection()).searched()
    refuse_for_an_index(pipeline=pipeline, where=where, model=models)
    index = threshold.open(folder)
    fitted_on = str(index.calibration.record.get("data", "")) if index.calibration else ""
    return Searched(threshold.over(index.retriever), index.corpus.ids, len(index), fitted_on)


def run_of(asked: Searched, folder: Path, judgements: "Judgements", k: int) -> "Run":
    """Search every judged query in a folder, whose name becomes the run's."""
    from vizsla.evaluating.running import make_run

    name = "_".join(folder.resolve().name.split()) or terminal.NAME
    with terminal.counted("searching", len(judgements.queries)) as count:
        return make_run(asked.retriever, judgements.queries, asked.ids, k=asked.within(k), name=name, on_progress=count)


def chosen_form(*, as_json: bool, markdown: bool, latex: bool) -> str:
    """How a result is written: `json`, `markdown`, `latex` or `terminal`.

    Raises:
        SettingsError: more than one is asked for.
    """
    asked = [name for name, given in (("json", as_json), ("markdown", markdown), ("latex", latex)) if given]
    if len(asked) > 1:
        raise SettingsError(f"found --{' and --'.join(asked)}; wanted one of them")
    return asked[0] if asked else "terminal"


def report(result: "Measured | Comparison", form: str) -> None:
    """Write a result to stdout in one of the forms of `chosen_form`."""
    from vizsla.evaluating import report as written

    if form == "terminal":
        terminal.draw(written.to_terminal(result))
        return
    writers = {"json": written.to_json, "markdown": written.to_markdown, "latex": written.to_latex}
    terminal.write(writers[form](result).rstrip())
