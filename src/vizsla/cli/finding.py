"""Finding: queries to results of a collection, on stdout, and what is said about them, on stderr.

Knows how results and stages are printed. Refuses to know options, and how anything is searched.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vizsla.cli import terminal
from vizsla.cli.opening import Searched, SnapshotIds

if TYPE_CHECKING:
    from rich.table import Table

    from vizsla.collections.collection import Collection
    from vizsla.collections.results import Result
    from vizsla.collections.snapshot import Snapshot
    from vizsla.core.protocols import Trace
    from vizsla.core.vectors import Bitmap
    from vizsla.retrievers.tracing import Tracer

_WARMING = "vizsla"
_WORTH_SAYING_S = 0.1


@dataclass(frozen=True)
class Finding:
    """An opened collection, and how it is searched.

    Attributes:
        collection: whose passages are found.
        pipeline: by name or as an expression; None for the collection's own.
        where: a condition on metadata; None for none.
        least: the score of a hit at least; None for any.
        with_stages: whether each stage's ranks, scores and seconds are shown.
    """

    collection: "Collection"
    pipeline: str | None = None
    where: str | None = None
    least: float | None = None
    with_stages: bool = False

    def answer(self, queries: Mapping[str, str], k: int, *, as_json: bool) -> None:
        """Search and print the results of every query, in order."""
        from vizsla.collections.results import collect

        _tell_signs(queries.values())
        snapshot, begin = self.collection.snapshot(), time.perf_counter()
        with terminal.progress() as tell:
            tell("opening", 0, 0)
            retriever, allowed = self._ready(snapshot)
        opening, begin = time.perf_counter() - begin, time.perf_counter()
        trace = retriever.trace(list(queries.values()), min(k, max(len(snapshot), 1)), allowed)
        found = collect(snapshot, trace)
        seconds = time.perf_counter() - begin
        for (id_, text), results in zip(queries.items(), found, strict=True):
            self._print(id_, text, results, trace, as_json=as_json)
            if not results:
                terminal.tell(f"nothing found for '{text}'{self._among(allowed)}")
        if (count := sum(map(len, found))) and not as_json:
            spent = ", ".join(f"{one.name} {1e3 * one.seconds:.1f}" for one in trace.stages)
            among = self._among(allowed) or f" of {len(snapshot):,} passages"
            opened = f"; opened in {opening:.1f} s" if opening >= _WORTH_SAYING_S else ""
            terminal.tell(f"found {count:,}{among} in {1e3 * seconds:.1f} ms ({spent}){opened}")

    def searched(self) -> Searched:
        """The same search for a run."""
        from vizsla.retrievers.restricted import Restricted

        snapshot = self.collection.snapshot()
        retriever, allowed = self._ready(snapshot)
        return Searched(
            retriever if allowed is None else Restricted(retriever, allowed), SnapshotIds(snapshot), len(snapshot)
        )

    def _ready(self, snapshot: "Snapshot") -> "tuple[Tracer, Bitmap | None]":
        """What searches, all that it needs loaded so that no clock counts it, and which passages may be found."""
        from vizsla.retrievers.steps import MinScore

        wanted = snapshot.pipeline(self.pipeline)
        if self.least is not None:
            wanted = replace(wanted, steps=(*wanted.steps, MinScore(self.least)))
        for name in wanted.stages():
            snapshot.setup.settings.encoder(name)  # refuses one that is not there, with all that are
        allowed = None if self.where is None else snapshot.bitmap(self.where)
        retriever = snapshot.retriever(wanted)
        warmed = [snapshot.stage(name) for name in wanted.stages()] if wanted.rerankers() else [retriever]
        for one in warmed:  # candidates are not read twice for it
            one.search([_WARMING], 1, allowed)
        return retriever, allowed

    def _among(self, allowed: "Bitmap | None") -> str:
        return "" if allowed is None else f" of {int(allowed.sum()):,} passages where {self.where}"

    def _print(self, id_: str, text: str, results: "Sequence[Result]", trace: "Trace", *, as_json: bool) -> None:
        from vizsla.cli import cards

        if as_json:
            for rank, one in enumerate(results, 1):
                terminal.write(_line(id_, text, rank, one, with_stages=self.with_stages))
            return
        if id_:
            terminal.headline(f"{id_} · {text}")
        analyzer = self.collection.snapshot().setup.analyzer
        shown = [
            cards.Card(one.id, one.title, one.text, f"{one.score:.4f}", cards.said(one.metadata, one.parent))
            for one in results
        ]
        terminal.draw(*cards.cards(analyzer, text, shown, terminal.screen().width))
        if self.with_stages and results:
            terminal.draw(_stages(results, trace))
            terminal.write("")


def _tell_signs(queries: Iterable[str]) -> None:
    """Say it where a query has signs that an index would obey."""
    from vizsla.text.syntax import parse

    for query in queries:
        if (read := parse(query)).must or read.excluded:
            terminal.tell(f"'{query}' is searched as plain text: a collection knows no signs; metadata: --where")


def _line(id_: str, text: str, rank: int, one: "Result", *, with_stages: bool) -> str:
    """One JSON object."""
    import orjson

    asked = {"query_id": id_, "query": text} if id_ else {"query": text}
    said: dict[str, object] = {"rank": rank, "score": one.score, "id": one.id, "title": one.title, "text": one.text}
    said |= {"parent": one.parent} if one.parent else {}
    said |= {"metadata": dict(one.metadata)} if one.metadata else {}
    if with_stages:
        said["stages"] = {name: {"rank": at, "score": score} for name, (at, score) in one.stages.items()}
    return orjson.dumps(asked | said).decode()


def _stages(results: "Sequence[Result]", trace: "Trace") -> "Table":
    """A row a result, two columns a stage: its rank and its score there; the stages' seconds below."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, show_footer=True, footer_style="dim")
    table.collapse_padding = True
    table.add_column("", footer="ms", justify="right", style="bold", no_wrap=True)
    table.add_column("id", style="cyan", overflow="ellipsis", max_width=24)  # gives way before the numbers do
    names = {one.name: one for one in trace.stages}
    for name, one in names.items():
        note = f"\n{one.note}" if one.note else ""
        table.add_column(Text(name), footer=Text(f"{1e3 * one.seconds:.1f}{note}"), justify="right", overflow="fold")
    for rank, result in enumerate(results, 1):
        cells = [_cell(result.stages.get(name)) for name in names]
        table.add_row(str(rank), Text(terminal.printable(result.id)), *cells)
    return table


def _cell(place: tuple[int, float] | None) -> str:
    return "-" if place is None else f"{place[0]:,} · {place[1]:.4f}"
