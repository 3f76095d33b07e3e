"""`vizsla rerank`: a run in a reranker's order, or the scores of pairs."""

import json
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vizsla.cli import loading, probability, terminal
from vizsla.core.errors import DataError, SettingsError

if TYPE_CHECKING:
    from vizsla.core.protocols import Text
    from vizsla.data.problems import Problems
    from vizsla.data.runs import Run
    from vizsla.rerankers.cross_encoder import CrossEncoder

EXAMPLE = "Example: vizsla rerank ms-marco-MiniLM-L6-v2 bm25.trec DATA --output reranked.trec"
_BATCH = 512
_RUN, _PAIRS = "A run", "Pairs"


def rerank(
    model: loading.Named,
    run: Annotated[Path | None, typer.Argument(metavar="RUN", help="A TREC run, of vizsla search --run.")] = None,
    data: Annotated[
        Path | None, typer.Argument(metavar="DATA", help="Its passages: an index, or what vizsla index reads.")
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where the new run will stand.", rich_help_panel=_RUN),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=".tsv or .jsonl of id and text, or a BEIR folder; else DATA's.", rich_help_panel=_RUN
        ),
    ] = None,
    k: Annotated[int, typer.Option(min=1, help="Candidates a query; others are left out.", rich_help_panel=_RUN)] = 30,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at a missing text.", rich_help_panel=_RUN)] = False,
    pairs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Query, perhaps title, passage: with tabs between, or JSONL; - is stdin.",
            rich_help_panel=_PAIRS,
        ),
    ] = None,
    asked: probability.Asked = False,
    min_probability: probability.MinProbability = None,
    calibration: probability.CalibrationOption = None,
    max_length: loading.MaxLength = None,
    precision: loading.Precision = None,
    layout: loading.Layout = None,
    settings: loading.Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="What was done on one line; pairs with scores.")] = False,
) -> None:
    """Rerank the first candidates of RUN with MODEL; or score --pairs, a line each, in their order.

    Of equal scores the passage that stood higher in RUN stays higher.
    """
    _check(run, data, output, queries, pairs)
    reranker = loading.loaded(model, layout=layout, max_length=max_length, precision=precision, settings=settings)
    if not hasattr(reranker, "score"):
        raise SettingsError(f"{model}: found an encoder; wanted a reranker, or: vizsla encode, vizsla similarity")
    fitted = probability.Probabilities(asked, min_probability, calibration).open(model, reranker.contract)
    if pairs is not None:
        _score(reranker, fitted, pairs, as_json=as_json)
    elif run is not None and data is not None and output is not None:
        _rerank(reranker, fitted, (run, data, queries), _Made(output, k, strict, as_json))


def texts_of(data: Path, ids: set[str]) -> "dict[str, Text]":
    """The texts of these passages, of an index or of files; ids that are not there are left out.

    Raises:
        DataError: nothing that can be read.
        IncompatibleError: a folder of vizsla's without passages.
    """
    from vizsla.cli.encode import stored
    from vizsla.data.sources import read_passages

    corpus = stored(data)
    if corpus is None:
        with terminal.counted("reading", 0) as count:
            found: dict[str, Text] = {}
            for passage in read_passages(data):
                count(1)
                if passage.id in ids:
                    found[passage.id] = (passage.title, passage.text) if passage.title else passage.text
            return found
    wanted = sorted(ids)
    positions = corpus.ids.positions(wanted)
    there = (positions >= 0).nonzero()[0]
    texts = corpus.texts(positions[there])
    return {wanted[row]: text for row, text in zip(there.tolist(), texts, strict=True)}


def _check(run: Path | None, data: Path | None, output: Path | None, queries: Path | None, pairs: Path | None) -> None:
    if pairs is None:
        missing = [name for name, value in (("RUN", run), ("DATA", data), ("--output", output)) if value is None]
        if missing:
            raise SettingsError(f"found no {missing[0]}; wanted RUN DATA --output FILE, or --pairs FILE")
    elif any((run, data, output, queries)):
        raise SettingsError("found --pairs and parts of a run; wanted one of them: a run to rerank, or pairs")
    if output is not None and output.is_dir():
        raise SettingsError(f"{output}: found a folder; wanted the name of a file for the new run")


def _score(reranker: "CrossEncoder", fitted: "probability.Fitted", file: Path, *, as_json: bool) -> None:
    """A score a line, in the order of the pairs; one that is less likely than asked for leaves its line out."""
    import orjson

    from vizsla.cli.pairs import read_pairs

    found = read_pairs(file)
    while batch := list(islice(found, _BATCH)):
        for (query, passage), score in zip(batch, fitted(reranker.score(batch)).tolist(), strict=True):
            if not fitted.shown(score):
                continue
            if not as_json:
                terminal.write(f"{score:.9g}")
                continue
            title, text = ("", passage) if isinstance(passage, str) else passage
            shown = {"query": query, "title": title, "passage": text, "score": score, "kind": fitted.kind}
            terminal.write(orjson.dumps(shown).decode())


@dataclass(frozen=True, slots=True)
class _Made:
    """What is to be made of a run: where it will stand, how deep, how strictly, and how it is told."""

    output: Path
    k: int
    strict: bool
    as_json: bool


def _rerank(
    reranker: "CrossEncoder", fitted: "probability.Fitted", given: tuple[Path, Path, Path | None], wanted: _Made
) -> None:
    from vizsla.data.problems import Problems

    begin, problems = time.perf_counter(), Problems(strict=wanted.strict)
    output, k = wanted.output, wanted.k
    made = _reranked(reranker, given, k, problems)
    pairs = sum(map(len, made.rankings.values()))
    if not pairs:
        raise DataError(f"{given[1]}: found the texts of no candidate of {given[0]}; wanted the passages it names")
    kept = _probable(made, fitted)
    shown = sum(map(len, kept.rankings.values()))
    kept.write(output)
    cut, seconds = reranker.truncated, time.perf_counter() - begin
    facts = {
        "run": str(output),
        "queries": len(made.rankings),
        "pairs": pairs,
        "depth": k,
        "kept": shown,
        "score": fitted.kind,
        "contract": reranker.contract.id,
        "precision": reranker.precision,
        "cut": cut.cut,
        "cut_tokens": cut.tokens,
        "seconds": round(seconds, 3),
    }
    if wanted.as_json:
        terminal.write(json.dumps(facts | {"problems": problems.counts}, ensure_ascii=False))
        return
    from vizsla.cli.describing import pairs as grid

    rows = {
        "run": str(output),
        "queries": f"{len(made.rankings):,}, the first {k:,} candidates of each",
        "pairs": f"{pairs:,}, each a {fitted.kind}",
        **({"kept": f"{shown:,}, at least {fitted.least:g} likely"} if shown < pairs else {}),
        "cut": f"{cut.cut:,} pairs, which lost {cut.tokens:,} tokens" if cut.cut else "none",
        "seconds": f"{seconds:.2f} ({pairs / seconds:,.0f} pairs a second)",
        "problems": problems.summary(),
    }
    terminal.draw(grid(rows))


def _probable(run: "Run", fitted: "probability.Fitted") -> "Run":
    """The run with the scores that are shown, in the order of those that were given."""
    import numpy as np

    from vizsla.data.runs import Run

    rankings = {}
    for query, hits in run.rankings.items():
        scores = fitted(np.array([score for _, score in hits], np.float32)).tolist()
        rankings[query] = [(id_, score) for (id_, _), score in zip(hits, scores, strict=True) if fitted.shown(score)]
    return Run(run.name, rankings)


def _reranked(reranker: "CrossEncoder", given: tuple[Path, Path, Path | None], k: int, problems: "Problems") -> "Run":
    from vizsla.cli.queries import read_queries
    from vizsla.core.artifacts import MANIFEST
    from vizsla.data.runs import Run
    from vizsla.evaluating.reranking import rerank_run

    run, data, queries = given
    before = Run.read(run, problems=problems)
    if queries is None and (not data.is_dir() or (data / MANIFEST).exists()):
        raise SettingsError(f"found no queries in {data}; wanted --queries FILE")
    asked = read_queries(queries or data)
    passages = texts_of(data, {id_ for hits in before.rankings.values() for id_, _ in hits[:k]})
    with terminal.counted("reranking", len(before.rankings)) as count:
        return rerank_run(reranker, before, asked, passages, k=k, problems=problems, on_progress=count)
