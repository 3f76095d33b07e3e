"""`vizsla compact`: one segment of all."""

import time

from vizsla.cli import terminal
from vizsla.cli.describing import readable
from vizsla.cli.opening import Folder, opened


def compact(folder: Folder) -> None:
    """Make one segment of FOLDER's, without what was deleted. Nothing is encoded again; searches go on meanwhile.

    Segments merge by themselves as passages come; this makes room at once, and the search a little faster.
    """
    collection, begin = opened(folder), time.perf_counter()
    before = collection.info()
    collection.compact()
    after = collection.info()
    were = f"segments {len(before.segments)} -> {len(after.segments)}, dead rows {before.dead:,} -> {after.dead:,}"
    terminal.write(f"{were}, {readable(before.size_bytes)} -> {readable(after.size_bytes)}")
    terminal.tell(f"done in {time.perf_counter() - begin:.2f} s")
