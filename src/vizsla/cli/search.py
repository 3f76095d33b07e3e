"""`vizsla search`: queries to ranked passages, one, many, or as they are typed."""

import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from vizsla.cli import terminal
from vizsla.cli.answering import Answering, Searching
from vizsla.cli.opening import (
    PANEL,
    Models,
    PipelineOption,
    Where,
    is_collection,
    opened,
    refuse_for_an_index,
    refuse_neither,
)
from vizsla.cli.thresholds import CalibrationOption, MinProbability, MinScore, Threshold
from vizsla.core.errors import SettingsError

_BATCH = 256
_MANY = "Many queries"


def search(
    index: Annotated[Path, typer.Argument(metavar="FOLDER", help="A collection, or an index of vizsla index.")],
    query: Annotated[
        list[str] | None, typer.Argument(metavar="QUERY", help="What to look for; nothing opens a prompt.")
    ] = None,
    *,
    k: Annotated[int, typer.Option(min=1, help="How many hits at most.")] = 10,
    plain: Annotated[bool, typer.Option("--plain", help="Read quotation marks, + and - as text.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a hit, a line each.")] = False,
    where: Where = None,
    pipeline: PipelineOption = None,
    stages: Annotated[
        bool, typer.Option("--stages", help="Each stage's rank, score and time.", rich_help_panel=PANEL)
    ] = False,
    model: Models = None,
    min_score: MinScore = None,
    min_probability: MinProbability = None,
    calibration: CalibrationOption = None,
    queries: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=".tsv or .jsonl of id and text, or a BEIR folder.", rich_help_panel=_MANY),
    ] = None,
    syntax: Annotated[
        bool, typer.Option("--syntax", help="Read phrases and signs in a file of queries.", rich_help_panel=_MANY)
    ] = False,
    run: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a TREC run; .gz and .zst are compressed.", rich_help_panel=_MANY),
    ] = None,
) -> None:
    """Search FOLDER for a query.

    A query is plain text. In an index a "phrase" must stand in every hit, as must a +word; a -word must not; queries of
    a file are plain text alone there, as they are for evaluate, unless --syntax is given. In a collection all is text.
    So there are no short options: -k is a word to leave out, and --k 3 says how many hits.
    """
    texts = list(query or [])
    _check(texts, queries, run, syntax=syntax, plain=plain)
    refuse_neither(index)
    threshold = Threshold(min_score, min_probability, calibration)
    searching: Answering
    if is_collection(index):
        from vizsla.cli.finding import Finding

        if syntax:
            raise SettingsError("found --syntax for a collection, whose queries are plain text; leave it out")
        least = threshold.of_collection()
        searching = Finding(opened(index, model), pipeline, where, least, with_stages=stages)
    else:
        refuse_for_an_index(pipeline=pipeline, where=where, model=model, stages=stages)
        as_text = queries is not None and not syntax
        searching = Searching(threshold.open(index), plain=plain or as_text, threshold=threshold)
    if queries:
        _many(searching, queries, k, run=run, as_json=as_json)
    elif texts:
        searching.answer({"": " ".join(texts)}, k, as_json=as_json)
    elif sys.stdin.isatty():
        from vizsla.cli.prompt import ask

        signs = not is_collection(index) and not plain
        ask(lambda text, depth: searching.answer({"": text}, depth, as_json=as_json), k, signs=signs)
    else:
        raise SettingsError("found no query; wanted one after the folder, or --queries FILE")


def _check(texts: list[str], queries: Path | None, run: Path | None, *, syntax: bool, plain: bool) -> None:
    """Refuse what cannot be meant."""
    if wrong := [text for text in texts if text.startswith("--")]:
        raise SettingsError(f"found the unknown option '{wrong[0]}'; try 'vizsla search --help'")
    for word, number in pairwise(texts):
        if word == "-k" and number.isdecimal():
            found = f"found -k {number}, which leaves out the word k"
            raise SettingsError(f"{found}; wanted --k {number} for so many hits, or the whole query in quotation marks")
    if queries and texts:
        raise SettingsError("found a query and --queries; wanted one of them")
    if run and not queries:
        raise SettingsError("found --run without --queries; wanted a file of queries: --queries FILE")
    if run and run.is_dir():
        raise SettingsError(f"{run}: found a folder; wanted the name of a file for the run")
    if syntax and (plain or not queries):
        raise SettingsError("found --syntax, which is for --queries without --plain; a single query has it already")


def _many(searching: Answering, file: Path, k: int, *, run: Path | None, as_json: bool) -> None:
    """A file of queries, a batch at a time, to a run or to stdout."""
    from vizsla.cli.queries import read_queries
    from vizsla.evaluating.running import make_run

    queries = read_queries(file)
    if run is None:
        ids = list(queries)
        for start in range(0, len(ids), _BATCH):
            searching.answer({id_: queries[id_] for id_ in ids[start : start + _BATCH]}, k, as_json=as_json)
        return
    if as_json:
        raise SettingsError("found --run and --json; wanted one of them")
    begin = time.perf_counter()
    with terminal.counted("searching", len(queries)) as count:
        asked = searching.searched()
        made = make_run(asked.retriever, queries, asked.ids, k=asked.within(k), name=terminal.NAME, on_progress=count)
    made.write(run)
    seconds, found = time.perf_counter() - begin, sum(map(len, made.rankings.values()))
    terminal.tell(f"{found:,} hits of {len(queries):,} queries written to {run} in {seconds:.1f} s")
