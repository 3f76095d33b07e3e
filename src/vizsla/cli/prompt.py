"""The prompt: one query a line, until the end of input.

Knows a few words that begin with a colon. Refuses to know how a query is answered.
"""

from collections.abc import Callable

from vizsla.cli import terminal
from vizsla.core.errors import VizslaError

Answer = Callable[[str, int], None]
_DIGITS = 100  # far below where Python refuses to read a number
HELP = ":k 20 shows 20 hits · :quit leaves"
SIGNS = ' · "a phrase"  +must  -not'


def ask(answer: Answer, k: int, *, signs: bool) -> None:
    """Read queries from the terminal and answer each; Ctrl-D or :quit leaves, Ctrl-C drops the line.

    Args:
        answer: called with a query and how many hits are wanted.
        k: how many are wanted at first.
        signs: whether queries may have phrases and signs, which is then said.
    """
    _with_history()
    terminal.talk().print(HELP + SIGNS if signs else HELP, style="dim")
    while True:
        try:
            line = input("vizsla> ").encode("utf-8", "replace").decode().strip()
        except EOFError:
            terminal.talk().print()
            return
        except KeyboardInterrupt:
            terminal.talk().print()
            continue
        except UnicodeDecodeError as error:
            terminal.tell(f"found bytes that are not {error.encoding}; wanted text")
            continue
        if line in (":quit", ":q"):
            return
        k = _obey(line, k) if line.startswith(":") else _answer(answer, line, k)


def _obey(line: str, k: int) -> int:
    word, _, value = line.partition(" ")
    if word == ":k" and value.strip().isdecimal() and len(value) <= _DIGITS and int(value) > 0:
        return int(value)
    terminal.tell(f"found '{line}'; wanted {HELP}")
    return k


def _answer(answer: Answer, line: str, k: int) -> int:
    if line:
        try:
            answer(line, k)
        except VizslaError as error:
            terminal.tell(str(error))
    return k


def _with_history() -> None:
    """Arrow keys and history, where Python was built with readline."""
    try:
        import readline
    except ModuleNotFoundError:
        return
    readline.set_auto_history(True)
