"""`vizsla encode`: passages, or queries, to vectors on disk."""

import json
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vizsla.cli import loading, terminal, texts
from vizsla.core.errors import DataError, IncompatibleError, SettingsError

if TYPE_CHECKING:
    from vizsla.core.protocols import Passage
    from vizsla.data.corpus import Corpus
    from vizsla.data.problems import Problems
    from vizsla.encoders.stored import StoredVectors

EXAMPLE = "Example: vizsla encode all-MiniLM-L6-v2 notes.index --output notes.vectors"


def encode(
    model: loading.Named,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="What vizsla index reads; an index or a corpus; queries.")
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the vectors will stand.")],
    queries: Annotated[
        bool, typer.Option("--queries", help="DATA are queries: .tsv or .jsonl of id and text, or a BEIR folder.")
    ] = False,
    query_model: loading.QueryModel = None,
    max_length: loading.MaxLength = None,
    precision: loading.Precision = None,
    layout: loading.Layout = None,
    settings: loading.Settings = None,
    columns: texts.Columns = None,
    size: texts.Size = None,
    overlap: texts.Overlap = None,
    strict: texts.Strict = False,
    as_json: Annotated[bool, typer.Option("--json", help="What was made, on one line.")] = False,
) -> None:
    """Encode the passages of DATA with MODEL, into vectors by position.

    Where DATA are files, their passages are stored beside the vectors, in FOLDER.corpus; an index or a stored corpus
    keeps its own. After a kill the same command goes on where it was.
    """
    from vizsla.core.artifacts import check_target
    from vizsla.data.problems import Problems
    from vizsla.encoders.encoding import encode_to
    from vizsla.encoders.stored import KIND

    encoder = loading.loaded(
        model, query_model=query_model, layout=layout, max_length=max_length, precision=precision, settings=settings
    )
    if not hasattr(encoder, "encode_passages"):
        raise SettingsError(f"{model}: found a reranker, which has no vectors; wanted an encoder, or: vizsla rerank")
    check_target(output.resolve(), KIND)  # `encode_to` does it too, but after passages are read
    problems, begin = Problems(strict=strict), time.perf_counter()
    held = stored(data)
    if held is None:
        found = _queries(data) if queries else _passages(data, problems, columns, size, overlap)
        first = next(found, None)
        if first is None:
            raise DataError(f"{data}: found no passages at all; wanted at least one: nothing was written")
        held = _written(chain([first], found), corpus_of(output))
    elif columns or size or overlap:
        raise SettingsError(f"found columns or cutting for {data}, whose passages are stored; leave them out")
    elif queries and held.title_sizes.any():
        raise SettingsError(f"found --queries and passages with titles in {data}; wanted queries: leave --queries out")
    with terminal.progress() as show:
        watch = _Watch(show)
        try:
            made = encode_to(output, encoder, held, side="queries" if queries else "passages", progress=watch)
        except KeyboardInterrupt:
            terminal.tell(f"interrupted after {watch.done:,} of {len(held):,}; the same command goes on there")
            raise typer.Exit(terminal.INTERRUPTED) from None
    facts = {"vectors": str(output), **_facts(made, held, watch, time.perf_counter() - begin)}
    if as_json:
        terminal.write(json.dumps(facts | {"problems": problems.counts}, ensure_ascii=False))
    else:
        _draw(made, facts, problems)


def corpus_of(output: Path) -> Path:
    """Where the passages of files stand whose vectors stand at `output`."""
    return output.with_name(f"{output.name}.corpus")


def stored(data: Path) -> "Corpus | None":
    """The corpus of a folder that vizsla wrote; None where it wrote none there.

    Raises:
        IncompatibleError: it holds no passages.
    """
    from vizsla.assembly import load
    from vizsla.core.artifacts import MANIFEST
    from vizsla.data.corpus import Corpus

    if not (data / MANIFEST).exists():
        return None
    found = load(data)
    corpus = getattr(found, "corpus", found)
    if not isinstance(corpus, Corpus):
        raise IncompatibleError(f"{data}: found {type(found).__name__}, without passages; wanted an index or a corpus")
    return corpus


class _Watch:
    """Shows how far it is, and says once that earlier work goes on."""

    def __init__(self, show: terminal.Tell) -> None:
        self._show = show
        self.first: int | None = None
        self.done = 0

    def __call__(self, done: int, total: int) -> None:
        if self.first is None:
            self.first = done
            if done:
                terminal.tell(f"going on after {done:,} of {total:,}, where an earlier run was stopped")
        self.done = done
        self._show("encoding", done, total)


def _passages(
    data: Path, problems: "Problems", columns: str | None, size: int | None, overlap: int | None
) -> "Iterator[Passage]":
    from vizsla.cli import wishes
    from vizsla.data.sources import read_passages

    fields, cutting = wishes.columns(columns), wishes.cutting(size, overlap)
    return read_passages(data, columns=fields, cutting=cutting, problems=problems)


def _queries(data: Path) -> "Iterator[Passage]":
    from vizsla.cli.queries import read_queries
    from vizsla.core.protocols import Passage

    return (Passage(id_, text) for id_, text in read_queries(data).items())


def _written(passages: "Iterator[Passage]", place: Path) -> "Corpus":
    from vizsla.data.corpus import Corpus

    with terminal.counted("reading", 0) as count:

        def counting() -> "Iterator[Passage]":
            for passage in passages:
                count(1)
                yield passage

        return Corpus.build(counting(), place)


def _facts(made: "StoredVectors", corpus: "Corpus", watch: _Watch, seconds: float) -> dict[str, Any]:
    what = made.made
    return {
        "corpus": corpus.name,
        "form": what.form,
        "side": what.side,
        "size": what.size,
        "dim": what.dim,
        "score": made.contract.score,
        "contract": made.contract.id,
        "precision": what.precision,
        "runtime": what.runtime,
        "cut": what.cut,
        "cut_tokens": what.cut_tokens,
        "encoded": 0 if watch.first is None else what.size - watch.first,
        "seconds": round(seconds, 3),
    }


def _draw(made: "StoredVectors", facts: dict[str, Any], problems: "Problems") -> None:
    from vizsla.cli.describing import pairs, size_of

    cut, seconds = facts["cut"], facts["seconds"]
    rate = f"{seconds:.2f} ({facts['encoded'] / seconds:,.0f} {facts['side']} a second)"
    lost = f"{cut:,} of {facts['size']:,} {facts['side']}, which lost {facts['cut_tokens']:,} tokens"
    rows = {
        facts["side"]: f"{facts['size']:,} at {facts['corpus']}",
        "vectors": f"{facts['form']}, {facts['dim']:,} wide, compared by {facts['score']}",
        "arithmetic": f"{facts['precision']} by {facts['runtime']}",
        "contract": facts["contract"],
        "cut": lost if cut else "none",
        "size": f"{size_of(made)} at {facts['vectors']}",
        "seconds": rate if facts["encoded"] else f"{seconds:.2f} (these vectors stood there already)",
        "problems": problems.summary(),
    }
    terminal.draw(pairs(rows))
