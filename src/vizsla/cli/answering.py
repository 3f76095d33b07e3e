"""Answering: queries to hits of an index, on stdout, and what is said about them, on stderr.

Knows how the hits of an index are printed. Refuses to know options.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from vizsla.cli import terminal
from vizsla.cli.opening import Searched
from vizsla.cli.thresholds import Threshold

if TYPE_CHECKING:
    from vizsla.cli.cards import Card
    from vizsla.collections.frozen import FrozenCollection
    from vizsla.core.hits import Hits


class Answering(Protocol):
    """What answers queries: an index, or a collection."""

    def answer(self, queries: Mapping[str, str], k: int, *, as_json: bool) -> None:
        """Search and print the hits of every query, in order."""

    def searched(self) -> Searched:
        """The same search for a run."""


@dataclass(frozen=True)
class Searching:
    """An opened index, how its queries are read, and which hits are shown."""

    collection: "FrozenCollection"
    plain: bool
    threshold: Threshold = field(default_factory=Threshold)

    def searched(self) -> Searched:
        """Plain search, or the one that understands signs, without the hits below the threshold."""
        retriever = self.collection.retriever if self.plain else self.collection.searcher
        return Searched(self.threshold.over(retriever), self.collection.corpus.ids, len(self.collection))

    def answer(self, queries: Mapping[str, str], k: int, *, as_json: bool) -> None:
        """Search and print the hits of every query, in order."""
        if not self.plain:
            _tell_readings(queries)
        asked, begin = self.searched(), time.perf_counter()
        hits = asked.retriever.search(list(queries.values()), asked.within(k))
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
        analyzer, shown = self.collection.encoder.analyzer, _cards(self.collection, hits, row)
        terminal.draw(*cards.cards(analyzer, asked, shown, terminal.screen().width))


def _cards(collection: "FrozenCollection", hits: "Hits", row: int) -> "list[Card]":
    """The hits of one query; scores of a calibrated collection in per cent."""
    from vizsla.cli.cards import Card

    positions, scores = hits.row(row)
    form = ".4f" if collection.calibration is None else ".1%"
    found = zip(map(collection.corpus.passage, positions.tolist()), scores.tolist(), strict=True)
    return [Card(one.id, one.title, one.text, format(score, form)) for one, score in found]


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
