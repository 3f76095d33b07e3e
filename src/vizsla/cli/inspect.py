"""`vizsla inspect`: what an index is made of, and why a passage scored as it did."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vizsla.cli import terminal
from vizsla.cli.opening import is_collection
from vizsla.core.errors import SettingsError

if TYPE_CHECKING:
    from vizsla.collections.frozen import FrozenCollection

_FREQUENT = 12


def inspect(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="A folder written by vizsla index.")],
    *,
    passage: Annotated[str | None, typer.Option(metavar="ID", help="One passage: its text and its terms.")] = None,
    query: Annotated[
        str | None, typer.Option(metavar="TEXT", help="With --passage: why the passage scores as it does.")
    ] = None,
    terms: Annotated[str | None, typer.Option(metavar="TEXT", help="The terms that a text becomes.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read every byte and name a file that was altered.")] = False,
) -> None:
    """Show what INDEX is made of, or one passage, or why a passage scores as it does."""
    from vizsla.cli import explaining
    from vizsla.collections.frozen import FrozenCollection
    from vizsla.text.syntax import parse

    if is_collection(index):
        raise SettingsError(f"{index}: found a collection; wanted an index, or: vizsla info, vizsla explain")
    collection = FrozenCollection.load(index)
    if query is not None and passage is None:
        raise SettingsError("found --query without --passage; wanted the id of a passage as well")
    if terms is not None:
        terminal.draw(explaining.terms(collection, terms))
    elif passage is not None:
        position = _position(collection, passage)
        shown = explaining.passage(collection, position)
        terminal.draw(shown if query is None else explaining.score(collection, parse(query).text, position))
    elif verify:
        terminal.write(f"{collection.verify():,} bytes read, as they were written")
    else:
        _whole(collection)


def _position(collection: "FrozenCollection", id_: str) -> int:
    position = int(collection.corpus.ids.positions([id_])[0])
    if position < 0:
        example = collection.corpus.ids[0]
        raise SettingsError(f"found no passage with the id '{id_}' in {collection.folder}; ids look like '{example}'")
    return position


def _whole(collection: "FrozenCollection") -> None:
    import numpy as np

    from vizsla.cli.describing import facts, pairs, size_of

    vocabulary, made_from = collection.encoder.vocabulary, collection.manifest["made_from"]
    most = np.argsort(-vocabulary.frequencies, kind="stable")[:_FREQUENT].tolist()
    rows = {
        "index": f"{collection.folder} (format {collection.manifest['format']})",
        "passages": f"{len(collection):,}",
        **facts(collection.encoder),
        "postings": f"{int(vocabulary.frequencies.sum()):,}",
        "size": size_of(collection),
        "frequent": " · ".join(f"{vocabulary.term(one)} {vocabulary.frequencies[one]:,}" for one in most),
    }
    origins = made_from.items() if isinstance(made_from, dict) else ()
    rows |= {f"made from{' ' * number}": f"{name} ({digest})" for number, (name, digest) in enumerate(origins)}
    terminal.draw(pairs(rows))
