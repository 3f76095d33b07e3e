"""Describing: what an index is made of, as pairs of a name and a line.

Knows the parts of a frozen collection. Refuses to know options and files.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from vizsla.collections.frozen import FrozenCollection
    from vizsla.encoders.lexical import LexicalEncoder
    from vizsla.encoders.stored import StoredVectors

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def facts(encoder: "LexicalEncoder") -> dict[str, str]:
    """Terms, language, analyzer and BM25 of an index."""
    settings, bm25 = encoder.analyzer.settings, encoder.bm25
    language = f"{settings.language} (chosen: {settings.chosen})" if settings.chosen else settings.language
    counts = {
        "stop words": len(settings.stop_words or ()),
        "user words": len(settings.user_words),
        "synonym groups": len(settings.synonyms),
        "folded characters": len(settings.folds),
    }
    parts = [f"ideographs as {settings.ideographs}", "stems" if settings.stem else "no stems"]
    parts += [f"{count:,} {name}" for name, count in counts.items() if count]
    delta = f", delta {bm25.delta:g}" if bm25.variant in ("bm25l", "bm25+") else ""
    return {
        "terms": f"{encoder.dim:,}",
        "language": language,
        "analyzer": ", ".join(parts),
        "bm25": f"{bm25.variant}, k1 {bm25.k1:g}, b {bm25.b:g}{delta}",
    }


def size_of(made: "FrozenCollection | StoredVectors") -> str:
    """The bytes of an index or of vectors on disk, for people."""
    return readable(sum(file.stat().st_size for file in made.folder.rglob("*") if file.is_file()))


def readable(size_bytes: int) -> str:
    """A number of bytes, for people.

    >>> readable(512), readable(1 << 20)
    ('512 bytes', '1.0 MiB')
    """
    size, unit = float(size_bytes), 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:,.0f} {_UNITS[unit]}" if unit == 0 else f"{size:,.1f} {_UNITS[unit]}"


def pairs(rows: Mapping[str, str]) -> "Table":
    """Names and lines, one pair a row, long lines folded under themselves."""
    from rich.table import Table
    from rich.text import Text

    from vizsla.cli.terminal import printable

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, line in rows.items():
        grid.add_row(Text(name), Text(printable(line)))
    return grid
