"""Filters at a million passages: how long metadata takes to store, to merge, to open, and a condition to evaluate.

    python benchmarks/filters.py [--size 1000000] [--seed 7] [--rounds 5] [--segment 65536] [--clock wall|cpu]

Passages get metadata from a seed: a language of six, a source of 2,000, an address of their own, a year,
a score, a day, a flag, and up to five tags of 500, some of each absent. They are stored as a collection
stores them, a segment a batch, and merged into one. Every condition is evaluated on the merged, mapped
segment; SQLite on the same rows in memory, without an index, stands beside it.
"""

import argparse
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from clock import CLOCKS, interleave, machine, peak_mib, size_mib, spread, table

from vizsla.collections.metadata import dates, where
from vizsla.collections.metadata.columns import MetadataColumns
from vizsla.collections.metadata.schema import Schema
from vizsla.core.artifacts import draft, open_artifact
from vizsla.core.protocols import Passage

KIND, VERSION = "filters-benchmark", 1
LANGUAGES = ("en", "zh", "de", "fr", "ja", "ko")
SHARES = (0.5, 0.3, 0.08, 0.06, 0.04, 0.02)
SOURCES, TAGS, MOST_TAGS, DAYS = 2_000, 500, 5, 3_650
CONDITIONS = (
    "lang = 'zh'",
    "lang <> 'zh'",
    "lang IN ('de', 'fr', 'ja')",
    "lang IS NULL",
    "open",
    "year >= 2020",
    "year BETWEEN 2015 AND 2018",
    "year IN (1999, 2003, 2011)",
    "score > 0.99",
    "day >= '2024-01-01'",
    "source LIKE 'source-1%'",
    "url = 'https://example.org/500000'",
    "url LIKE 'https://example.org/77%'",
    "url LIKE '%999'",
    "'tag-7' IN tags",
    "NOT ('tag-7' IN tags OR 'tag-8' IN tags)",
    "lang = 'zh' AND year >= 2020 AND 'tag-7' IN tags",
    "(lang = 'zh' OR lang = 'ja') AND NOT open AND (score > 0.5 OR source = 'source-12') AND day < '2024-01-01'",
)


def rows(begin: int, end: int, seed: int) -> Iterator[dict[str, Any]]:
    """The metadata of passages begin to end."""
    rng, size = np.random.default_rng([seed, begin]), end - begin
    held = rng.random((size, 7)) < (0.98, 0.95, 1.0, 0.9, 0.8, 0.9, 0.7)
    languages = rng.choice(len(LANGUAGES), size, p=SHARES).tolist()
    sources = (rng.random(size) ** 2 * SOURCES).astype(int).tolist()
    years, scores = rng.integers(1995, 2026, size).tolist(), rng.random(size).tolist()
    days, flags = rng.integers(0, DAYS, size).tolist(), (rng.random(size) < 0.4).tolist()
    counts = rng.integers(0, MOST_TAGS + 1, size).tolist()
    tags = (rng.random((size, MOST_TAGS)) ** 2 * TAGS).astype(int).tolist()
    for row in range(size):
        values = {
            "lang": LANGUAGES[languages[row]],
            "source": f"source-{sources[row]}",
            "url": f"https://example.org/{begin + row}",
            "year": years[row],
            "score": scores[row],
            "day": date(2015, 1, 1) + timedelta(days=days[row]),
            "tags": [f"tag-{tag}" for tag in tags[row][: counts[row]]],
        }
        found = {name: value for (name, value), there in zip(values.items(), held[row], strict=True) if there}
        yield found | {"open": flags[row]}


class Clock:
    """Seconds spent in each named step."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.seconds: dict[str, float] = {}

    def run(self, name: str, step: Callable[[], Any]) -> Any:
        begin = self.now()
        found = step()
        self.seconds[name] = self.seconds.get(name, 0.0) + self.now() - begin
        return found


def store(columns: MetadataColumns, folder: Path) -> None:
    with draft(folder, kind=KIND, version=VERSION, settings={}) as target:
        columns.write(target)


def load(folder: Path, schema: Schema) -> MetadataColumns:
    return MetadataColumns.load(open_artifact(folder, kind=KIND, version=VERSION), schema)


def build(options: argparse.Namespace, place: Path, clock: Clock, database: sqlite3.Connection) -> tuple[Schema, Path]:
    """Segments of the passages, and one of them all; SQLite gets the same rows."""
    schema, folders = Schema(), []
    for begin in range(0, options.size, options.segment):
        end = min(begin + options.segment, options.size)
        passages = [Passage(str(begin), "", metadata=row) for row in rows(begin, end, options.seed)]
        schema, read = clock.run("read and check", lambda: schema.read(passages))  # noqa: B023  # runs at once
        columns = clock.run("build", lambda: MetadataColumns.build(read, schema))  # noqa: B023
        folders.append(place / str(begin))
        clock.run("write", lambda: store(columns, folders[-1]))  # noqa: B023
        fill(database, read)
    parts = clock.run("open segments", lambda: [load(folder, schema) for folder in folders])
    kept = [np.ones(len(part), np.bool_) for part in parts]
    clock.run("merge into one", lambda: store(MetadataColumns.joined(parts, kept), place / "one"))
    return schema, place / "one"


FIELDS = ("lang", "source", "url", "year", "score", "day", "open")


def fill(database: sqlite3.Connection, read: list[dict[str, Any]]) -> None:
    database.execute(f"CREATE TABLE IF NOT EXISTS rows ({', '.join(FIELDS)})")
    plain = (row | ({"day": dates.pack(row["day"])[0]} if "day" in row else {}) for row in read)
    values = ([row.get(name) for name in FIELDS] for row in plain)
    database.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(FIELDS))})", values)


def in_sqlite(database: sqlite3.Connection, condition: str) -> int | None:
    """How many rows SQLite keeps; None where it has no word for the condition."""
    if "tags" in condition:
        return None
    day = dates.pack(date(2024, 1, 1))[0]
    told = condition.replace("'2024-01-01'", str(day))
    return int(database.execute(f"SELECT count(*) FROM rows WHERE {told}").fetchone()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1_000_000, help="how many passages")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu where others use the machine")
    parser.add_argument("--segment", type=int, default=65_536, help="passages of a segment before merging")
    options = parser.parse_args()
    print(machine(("vizsla", "numpy")))
    clock, database = Clock(CLOCKS[options.clock]), sqlite3.connect(":memory:")
    database.execute("PRAGMA case_sensitive_like = ON")
    with tempfile.TemporaryDirectory() as place:
        schema, folder = build(options, Path(place), clock, database)
        columns = clock.run("open the one", lambda: load(folder, schema))
        some = np.random.default_rng(options.seed).integers(0, options.size, 1000).tolist()
        clock.run("read 1,000 rows back", lambda: [columns.row(row) for row in some])
        table(
            ("step", f"{options.clock} seconds, {options.size:,} passages"),
            [(n, f"{s:,.3f}") for n, s in clock.seconds.items()],
        )
        print(f"\nstored: {size_mib(folder):,.1f} MiB; peak memory {peak_mib():,.0f} MiB, SQLite's copy included")
        table(("condition", "kept", "ms", "SQLite, ms"), evaluations(options, columns, schema, database))


def evaluations(
    options: argparse.Namespace, columns: MetadataColumns, schema: Schema, database: sqlite3.Connection
) -> Iterator[tuple[str, ...]]:
    now = CLOCKS[options.clock]
    for condition in CONDITIONS:
        expression = where.parse(condition, schema)
        kept, counted = np.count_nonzero(expression.evaluate(columns)), in_sqlite(database, condition)
        if counted not in (None, kept):
            raise SystemExit(f"{condition}: kept {kept}; SQLite keeps {counted}")
        ours = interleave({"": lambda: expression.evaluate(columns)}, options.rounds, now)[""]  # noqa: B023
        begin = now()
        in_sqlite(database, condition)
        theirs = "" if counted is None else f"{(now() - begin) * 1e3:,.0f}"
        yield f"`{condition}`", f"{kept / options.size:.2%}", spread(ours, 1e-3), theirs


if __name__ == "__main__":
    main()
