"""Text to searchable index, each build in a fresh process, by turns; time, memory and size on disk."""

import tempfile
from pathlib import Path

from clock import in_fresh_process, ratios, spread, table

ONCE = str(Path(__file__).with_name("lexical_once.py"))
WAYS = {
    "build_postings": "vizsla, texts in memory, no corpus stored",
    "build_whole": "vizsla, passages in memory, corpus stored",
    "build_streamed": "vizsla, from the .gz file, corpus stored",
    "build_bm25s": "bm25s, texts in memory, no corpus stored",
}
SEARCHES = {"search_vizsla": "build_streamed", "search_bm25s": "build_bm25s"}


def run(folder: Path, rounds: int) -> None:
    found: dict[str, list[dict[str, float]]] = {way: [] for way in (*WAYS, *SEARCHES)}
    for number in range(rounds):
        for way in list(WAYS)[:: -1 if number % 2 else 1]:
            found[way].append(_once(way, folder, found if number == 0 else None))
    theirs = [one["seconds"] for one in found["build_bm25s"]]
    rows = []
    for way, what in WAYS.items():
        seconds = [one["seconds"] for one in found[way]]
        memory = [f"{max(one[key] for one in found[way]):,.0f}" for key in ("before_mib", "peak_mib", "size_mib")]
        rows.append([what, spread(seconds), spread(ratios(seconds, theirs)), *memory])
    print(f"\nbuild of {folder.name}, {rounds} rounds, each in a fresh process on one core: median (least-most)")
    table(("build", "seconds", "ratio to bm25s", "MiB before", "peak MiB", "MiB on disk"), rows)
    columns = ("500 queries in a fresh process, index mapped", "MiB before", "peak MiB", "seconds, loading included")
    table(
        columns,
        [[way, *(f"{found[way][0][key]:,.1f}" for key in ("before_mib", "peak_mib", "seconds"))] for way in SEARCHES],
    )


def _once(way: str, folder: Path, searched: dict[str, list[dict[str, float]]] | None = None) -> dict[str, float]:
    """One build; in the first round the index is also searched, in a process of its own."""
    with tempfile.TemporaryDirectory() as temporary:
        output = str(Path(temporary) / "made")
        made = in_fresh_process(ONCE, way, str(folder), output)
        for search, needed in SEARCHES.items():
            if searched is not None and needed == way:
                searched[search].append(in_fresh_process(ONCE, search, str(folder), output))
        return made
