"""`vizsla search`: queries to ranked passages, one, many, or as they are typed."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vizsla.cli import terminal
from vizsla.cli.evaluate import within
from vizsla.cli.thresholds import CalibrationOption, MinProbability, MinScore, Threshold
from vizsla.core.errors import SettingsError

if TYPE_CHECKING:
    from vizsla.collections.frozen import FrozenCollection
    from vizsla.core.hits import Hits
    from vizsla.core.protocols import Retriever

_BATCH = 256
_MANY = "Many queries"


def search(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="A folder written by vizsla index.")],
    query: Annotated[
        list[str] | None, typer.Argument(metavar="[QUERY]...", help="What to look for; nothing opens a prompt.")
    ] = None,
    *,
    k: Annotated[int, typer.Option(min=1, help="How many hits at most.")] = 10,
    plain: Annotated[bool, typer.Option("--plain", help="Read quotation marks, + and - as text.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a hit, a line each.")] = False,
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
    """Search INDEX for a query.

    A query is plain text; a "phrase" must stand in every hit, as must a +word; a -word must not.
    Queries of a file are plain text alone, as they are for evaluate, unless --syntax is given.
    """
    texts = list(query or [])
    if wrong := [text for text in texts if text.startswith("--")]:
        raise SettingsError(f"found the unknown option '{wrong[0]}'; try 'vizsla search --help'")
    if queries and texts:
        raise SettingsError("found a query and --queries; wanted one of them")
    if run and not queries:
        raise SettingsError("found --run without --queries; wanted a file of queries: --queries FILE")
    if syntax and (plain or not queries):
        raise SettingsError("found --syntax, which is for --queries without --plain; a single query has it already")
    threshold, as_text = Threshold(min_score, min_probability, calibration), queries is not None and not syntax
    searching = Searching(threshold.open(index), plain=plain or as_text, threshold=threshold)
    if queries:
        _many(searching, queries, k, run=run, as_json=as_json)
    elif texts:
        searching.answer({"": " ".join(texts)}, k, as_json=as_json)
    elif sys.stdin.isatty():
        from vizsla.cli.prompt import ask

        ask(lambda text, depth: searching.answer({"": text}, depth, as_json=as_json), k)
    else:
        raise SettingsError("found no query; wanted one after the index, or --queries FILE")


@dataclass(frozen=True)
class Searching:
    """An opened index, how its queries are read, and which hits are shown."""

    collection: "FrozenCollection"
    plain: bool
    threshold: Threshold = field(default_factory=Threshold)

    @property
    def retriever(self) -> "Retriever":
        """Plain search, or the one that understands signs, without the hits below the threshold."""
        return self.threshold.over(self.collection.retriever if self.plain else self.collection.searcher)

    def answer(self, queries: Mapping[str, str], k: int, *, as_json: bool) -> None:
        """Search and print the hits of every query, in order."""
        if not self.plain:
            _tell_readings(queries)
        begin = time.perf_counter()
        hits = self.retriever.search(list(queries.values()), within(k, self.collection))
        seconds = time.perf_counter() - begin
        for row, (id_, text) in enumerate(queries.items()):
            self._print(id_, text, hits, row, as_json=as_json)
        counts = hits.counts()
        for row in (counts == 0).nonzero()[0].tolist():
            terminal.tell(f"nothing found for '{list(queries.values())[row]}'")
        if counts.any() and not as_json:
            terminal.tell(f"found {counts.sum():,} of {len(self.collection):,} passages in {1e3 * seconds:.1f} ms")

    def _print(self, id_: str, text: str, hits: "Hits", row: int, *, as_json: bool) -> None:
        from vizsla.cli import cards
        from vizsla.text.syntax import parse

        if as_json:
            for line in _lines(self.collection, id_, text, hits, row):
                terminal.write(line)
            return
        if id_:
            terminal.headline(f"{id_} · {text}")
        asked = text if self.plain else parse(text).text
        terminal.draw(*cards.cards(self.collection, asked, hits.row(row), terminal.screen().width))


def _tell_readings(queries: Mapping[str, str]) -> None:
    """Say how queries with signs were read, a line each."""
    from vizsla.text.syntax import only_excludes, parse

    for id_, query in queries.items():
        named = f"{id_}: " if id_ else ""
        parsed = parse(query)
        signs = [("must", parsed.must), ("without", parsed.excluded)]
        if only_excludes(query):
            terminal.tell(f"{named}read as text: it only excludes, and names nothing to search for")
        elif parsed.must or parsed.excluded:
            terminal.tell(named + "; ".join(f"{what}: {', '.join(parts)}" for what, parts in signs if parts))


def _lines(collection: "FrozenCollection", id_: str, text: str, hits: "Hits", row: int) -> list[str]:
    """One JSON object a hit."""
    import orjson

    positions, scores = hits.row(row)
    named = "score" if collection.calibration is None else "probability"
    lines = []
    for rank, (position, score) in enumerate(zip(positions.tolist(), scores.tolist(), strict=True), 1):
        passage = collection.corpus.passage(position)
        asked = {"query_id": id_, "query": text} if id_ else {"query": text}
        found = {"rank": rank, named: score, "id": passage.id, "title": passage.title, "text": passage.text}
        lines.append(orjson.dumps(asked | found).decode())
    return lines


def _many(searching: Searching, file: Path, k: int, *, run: Path | None, as_json: bool) -> None:
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
        made = make_run(
            searching.retriever,
            queries,
            searching.collection.corpus.ids,
            k=within(k, searching.collection),
            name=terminal.NAME,
            on_progress=count,
        )
    made.write(run)
    seconds, found = time.perf_counter() - begin, sum(map(len, made.rankings.values()))
    terminal.tell(f"{found:,} hits of {len(queries):,} queries written to {run} in {seconds:.1f} s")
