"""`vizsla verify`: every byte of a collection, read and compared."""

import time

from vizsla.cli import terminal
from vizsla.cli.opening import Folder, opened


def verify(folder: Folder) -> None:
    """Read every byte of FOLDER, and compare its parts with each other; what was altered is named."""
    begin = time.perf_counter()
    size = opened(folder).verify()
    terminal.write(f"{size:,} bytes read, as they were written")
    terminal.tell(f"done in {time.perf_counter() - begin:.2f} s")
