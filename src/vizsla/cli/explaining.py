"""Explaining: a text's terms, a passage's terms, and a score term by term, as tables.

Knows how BM25's parts multiply to a score. Refuses to know options.
"""

from typing import TYPE_CHECKING

import numpy as np

from vizsla.cli.describing import pairs
from vizsla.cli.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from vizsla.collections.frozen import FrozenCollection


def terms(collection: "FrozenCollection", text: str) -> "RenderableType":
    """The terms of a text where they stand, and how many passages hold each."""
    encoder = collection.encoder
    located = encoder.analyzer.located(text)
    numbers = encoder.vocabulary.numbers([term for term, _, _ in located]).tolist()
    table = _table("term", "from", "passages", texts=2)
    for (term, begin, end), number in zip(located, numbers, strict=True):
        held = f"{encoder.vocabulary.frequencies[number]:,}" if number >= 0 else "in none"
        table.add_row(printable(term), printable(text[begin:end]), held)
    return table


def passage(collection: "FrozenCollection", position: int) -> "RenderableType":
    """A passage's title and text, and its vector: terms, frequencies and what a query for each would score."""
    from rich.console import Group
    from rich.text import Text

    from vizsla.cli.cards import wrapped
    from vizsla.cli.terminal import screen

    one, encoder = collection.corpus.passage(position), collection.encoder
    vector = collection.index.contents.vector(position)
    columns = [column for column, _ in vector]
    scores = _scores(collection, columns, position)
    rows = {"id": one.id, "position": f"{position:,}", "title": one.title or "(none)"}
    rows["length"] = f"{sum(value for _, value in vector):,.0f} terms, {len(vector):,} different"
    table = _table("term", "times", "passages", "score", texts=1)
    for place in sorted(range(len(vector)), key=lambda place: -scores[place]):
        column, value = vector[place]
        held = f"{encoder.vocabulary.frequencies[column]:,}"
        table.add_row(printable(encoder.vocabulary.term(column)), f"{value:,.0f}", held, f"{scores[place]:.4f}")
    note = Text("score: what a query for this term alone would give the passage", style="dim")
    return Group(pairs(rows), Text(), wrapped(Text(printable(one.text)), screen().width), table, note)


def score(collection: "FrozenCollection", query: str, position: int) -> "RenderableType":
    """Why a passage scores as it does for a query: every term's part, and their sum."""
    from rich.console import Group
    from rich.text import Text

    encoder, bm25 = collection.encoder, collection.encoder.bm25
    row = encoder.encode_queries([query])
    weights = dict(zip(row.indices.tolist(), row.data.tolist(), strict=True))
    parts = dict(collection.index.contributions(row, position))
    times = dict(collection.index.contents.vector(position))
    frequencies = encoder.vocabulary.frequencies
    idf = bm25.idf(frequencies[np.array(list(weights), np.int64)], encoder.passages).tolist()
    table = _table("term", "times", "passages", "idf", "weight", "saturation", "part", texts=1)
    for (column, weight), rarity in zip(weights.items(), idf, strict=True):
        part = parts.get(column, 0.0)
        cells = (f"{times.get(column, 0):,.0f}", f"{frequencies[column]:,}", f"{rarity:.4f}", f"{weight:.4f}")
        table.add_row(printable(encoder.vocabulary.term(column)), *cells, f"{part / weight:.4f}", f"{part:.4f}")
    table.add_section()
    table.add_row("sum", "", "", "", "", "", f"{sum(parts.values()):.4f}")
    unknown = _unknown(collection, query)
    rows = {"query": query, "passage": collection.corpus.ids[position], "length": f"{sum(times.values()):,.0f} terms"}
    rows |= {"unknown": f"{', '.join(unknown)} (in no passage)"} if unknown else {}
    return Group(pairs(rows), table, Text(_note(collection, query), style="dim"))


def _note(collection: "FrozenCollection", query: str) -> str:
    bm25, added = collection.encoder.bm25, float(collection.encoder.constant([query])[0])
    note = "part = weight x saturation; weight = idf x times in the query"
    note += f" x the factor of {bm25.variant}" if bm25.variant not in ("lucene", "robertson") else ""
    note += f"; saturation = times / (times + {bm25.saturation:g} (1 - {bm25.b:g} + {bm25.b:g} x length / average))"
    return note + (f"; {bm25.variant} would add {added:.4f} to every passage, which is left out" if added else "")


def _unknown(collection: "FrozenCollection", query: str) -> list[str]:
    found = list(dict.fromkeys(collection.encoder.analyzer.terms(query)))
    numbers = collection.encoder.vocabulary.numbers(found).tolist()
    return [term for term, number in zip(found, numbers, strict=True) if number < 0]


def _scores(collection: "FrozenCollection", columns: list[int], position: int) -> list[float]:
    """What a query for each single term gives a position."""
    from scipy.sparse import csr_array

    encoder = collection.encoder
    frequencies = encoder.vocabulary.frequencies[np.array(columns, np.int64)]
    weights = encoder.bm25.weights(frequencies, encoder.passages).astype(np.float32)
    row = csr_array((weights, np.array(columns, np.int64), np.array([0, len(columns)])), shape=(1, encoder.dim))
    found = dict(collection.index.contributions(row, position))
    return [found.get(column, 0.0) for column in columns]


def _table(*columns: str, texts: int) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < texts else "right", overflow="fold")
    return table
