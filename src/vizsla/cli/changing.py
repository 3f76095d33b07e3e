"""Changing: files to passages, and what a change of a collection came to.

Knows the flags that adding and updating share. Refuses to know how a collection changes.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from vizsla.cli import terminal
from vizsla.cli.opening import is_collection
from vizsla.core.errors import DataError

if TYPE_CHECKING:
    from vizsla.collections.changes import Counts
    from vizsla.collections.collection import Collection
    from vizsla.core.protocols import Passage
    from vizsla.data.problems import Problems

Sources: TypeAlias = Annotated[
    list[Path],
    typer.Argument(
        metavar="SOURCE", help="BEIR and other folders of the field, .jsonl, .csv, .tsv, or .txt, .md and .html."
    ),
]
NoMetadata: TypeAlias = Annotated[
    bool, typer.Option("--no-metadata", help="Leave out what JSON lines say under metadata.", rich_help_panel="Files")
]
_MANY = 100  # passages whose rate says something


@dataclass(frozen=True, slots=True)
class Reading:
    """How sources are read, as the flags say it."""

    columns: str | None = None
    size: int | None = None
    overlap: int | None = None
    no_metadata: bool = False

    def passages(self, sources: Sequence[Path], problems: "Problems") -> "Iterator[Passage]":
        """The passages of all sources; one that is not there is refused before the first is read.

        Raises:
            DataError: nothing that can be read.
            SettingsError: a flag for a format that has no use for it.
        """
        from vizsla.cli import wishes
        from vizsla.data.sources import read_passages

        for one in sources:
            if is_collection(one):
                raise DataError(f"{one}: found a collection; wanted files: vizsla export {one} passages.jsonl")
        columns, cutting = wishes.columns(self.columns), wishes.cutting(self.size, self.overlap)
        streams = [read_passages(one, columns=columns, cutting=cutting, problems=problems) for one in sources]
        passages = chain.from_iterable(streams)
        return (replace(one, metadata={}) for one in passages) if self.no_metadata else passages


def put(
    collection: "Collection",
    sources: Sequence[Path],
    reading: Reading,
    *,
    replacing: bool,
    strict: bool = False,
    as_json: bool = False,
) -> None:
    """Add the passages of sources to a collection, or let them replace those of their ids; and say what came of it.

    Raises:
        DataError: nothing that can be read, or what the collection refuses.
        SettingsError: a flag for a format that has no use for it.
    """
    from vizsla.data.problems import Problems

    problems = Problems(strict=strict)
    watch = Watch(collection, as_json=as_json, problems=problems)
    passages = reading.passages(sources, problems)
    with resumable(collection), terminal.progress() as tell:
        counts = (collection.update if replacing else collection.add)(passages, progress=tell)
    watch.say(counts)


@contextmanager
def resumable(collection: "Collection") -> Iterator[None]:
    """Where a change is broken off, says what the collection holds, and that the same command goes on there."""
    try:
        yield
    except KeyboardInterrupt:
        held = f"{collection.folder} holds {len(collection):,} passages"
        terminal.tell(f"interrupted; {held}, whole as they were committed; the same command goes on there")
        raise typer.Exit(terminal.INTERRUPTED) from None


class Watch:
    """Says what a change came to, and how long it took since this was made."""

    def __init__(self, collection: "Collection", *, as_json: bool, problems: "Problems | None" = None) -> None:
        self._collection, self._as_json, self._problems = collection, as_json, problems
        self._begin = time.perf_counter()

    def say(self, counts: "Counts", **more: object) -> None:
        """One line on stdout: for people what is not nothing, or JSON."""
        seconds, size = time.perf_counter() - self._begin, len(self._collection)
        problems = self._problems.counts if self._problems else {}
        if self._as_json:
            import orjson

            said = {**more, **asdict(counts), "passages": size, "problems": problems, "seconds": round(seconds, 3)}
            terminal.write(orjson.dumps(said).decode())
            return
        named = ", ".join(f"{count:,} {name}" for name, count in asdict(counts).items() if count) or "nothing to do"
        terminal.write(f"{named}; {self._collection.folder} holds {size:,} passages")
        done = counts.added + counts.replaced
        rate = f" ({done / seconds:,.0f} passages a second)" if done >= _MANY else ""
        terminal.tell(f"done in {seconds:.2f} s{rate}")
        if self._problems and problems:
            terminal.tell(f"problems: {self._problems.summary()}")
