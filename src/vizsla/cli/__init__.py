"""The command line: one file a command, each calling public functions.

Knows terminals, options and exit codes. Refuses to know how anything is searched or measured.
What a command found goes to stdout; everything said about it goes to stderr.
"""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the program's arguments name, and leave with its exit code."""
    try:
        from vizsla.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before anything was begun
        code = 130
    sys.exit(code)
