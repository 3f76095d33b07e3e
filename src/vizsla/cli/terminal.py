"""The terminal: data on stdout, talk on stderr, progress only where somebody watches.

Knows rich's consoles. Refuses to know what is shown. Colours are off where stdout is no terminal and
where NO_COLOR is set; that is rich's own rule.
"""

import io
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

NAME = "vizsla"
INTERRUPTED = 130  # what a command leaves with that was broken off
_SETTING = re.compile(r"settings=\{'(\w+)': '?([^'}]*)'?\}")
_VALUES = {"True": "true", "False": "false"}
Tell = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and of how much (0 where it is not known)."""


def screen() -> "Console":
    """What draws on stdout."""
    return _console(errors=False)


def talk() -> "Console":
    """What draws on stderr."""
    return _console(errors=True)


def draw(*things: "RenderableType") -> None:
    """Draw on stdout; where that is no terminal, without the spaces that fill lines up."""
    console = screen()
    if not things:
        return
    if console.is_terminal:
        console.print(*things, sep="\n")
        return
    with console.capture() as captured:
        console.print(*things, sep="\n")
    write("\n".join(line.rstrip() for line in captured.get().splitlines()))


def headline(text: str) -> None:
    """A line across stdout with a text at its beginning."""
    from rich.rule import Rule
    from rich.text import Text

    draw(Rule(Text(printable(text), style="bold"), align="left", style="dim"))


def write(text: str) -> None:
    """One piece of data on stdout, as it is."""
    sys.stdout.write(f"{text}\n")


def tell(message: str) -> None:
    """One line on stderr; a setting that Python would be given is said as the flag that gives it."""
    said = _SETTING.sub(lambda found: f"--set {found[1]}={_VALUES.get(found[2], found[2])}", printable(message))
    console = talk()
    console.print(f"{NAME}: {said}", markup=False, soft_wrap=not console.is_terminal)  # a line of a file stays one


def printable(text: str) -> str:
    r"""A text without anything that a terminal would obey, on one line.

    >>> printable("a\x1b[2Jb\n c")
    'a [2Jb c'
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def watched() -> bool:
    """Whether somebody watches stderr."""
    return sys.stderr.isatty()


@contextmanager
def progress() -> Iterator[Tell]:
    """A bar on stderr that is gone when the work is done; nothing where nobody watches."""
    if not watched():
        yield _ignore
        return
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description:>9}"),
        bars.BarColumn(),
        bars.TextColumn("{task.completed:,.0f}"),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns, console=talk(), transient=True) as shown:
        task = shown.add_task("starting", total=None)

        def show(what: str, done: int, total: int) -> None:
            shown.update(task, description=what, completed=done, total=total or None)

        yield show


@contextmanager
def counted(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """As `progress`, for work that says how much more is done."""
    done = 0
    with progress() as show:

        def count(more: int) -> None:
            nonlocal done
            done += more
            show(what, done, total)

        yield count


def escape_what_no_encoding_holds() -> None:
    """Let a character that the encoding of stdout or stderr cannot show be written as its escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show_warnings() -> None:
    """Send what the logger "vizsla" warns of to stderr, a line each."""
    logger = logging.getLogger(NAME)
    if not any(isinstance(handler, _Warnings) for handler in logger.handlers):
        logger.addHandler(_Warnings(logging.WARNING))


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tell(f"{record.levelname.lower()}: {record.getMessage()}")


def _ignore(*_: object) -> None:
    """Nobody watches."""


@lru_cache(maxsize=2)
def _console(*, errors: bool) -> "Console":
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Screen(stderr=errors, highlight=False, emoji=False, markup=False)
