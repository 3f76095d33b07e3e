"""The app: the commands by name, and from whatever they raise to one line and an exit code.

Exit codes: 0 done, 2 refused (the line on stderr says why), 130 interrupted, 141 nobody reads any more.
"""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Annotated

import typer

from vizsla.cli import (
    calibrate,
    compare,
    convert,
    demo,
    encode,
    evaluate,
    index,
    inspect,
    models,
    rerank,
    search,
    similarity,
    terminal,
)
from vizsla.cli import compile as compiling
from vizsla.core.errors import SettingsError, VizslaError

REFUSED, INTERRUPTED, UNREAD = 2, 130, 141
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # typer's own or click's, as the release has it

app = typer.Typer(
    name="vizsla",
    help="Finds the right passage and puts it first: index, search and evaluate, in Chinese and English.",
    epilog="Start with: vizsla demo",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("index")(index.index)
app.command("search", context_settings={"ignore_unknown_options": True})(search.search)
app.command("evaluate")(evaluate.evaluate)
app.command("calibrate", epilog=calibrate.EXAMPLE)(calibrate.calibrate)
app.command("compare")(compare.compare)
app.command("convert")(convert.convert)
app.command("inspect")(inspect.inspect)
app.add_typer(models.app, name="models")
app.command("encode", epilog=encode.EXAMPLE)(encode.encode)
app.command("rerank", epilog=rerank.EXAMPLE)(rerank.rerank)
app.command("similarity", epilog=similarity.EXAMPLE)(similarity.similarity)
app.command("compile", epilog=compiling.EXAMPLE)(compiling.compile_)
app.command("demo")(demo.demo)


@app.callback(invoke_without_command=True)
def vizsla(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Finds the right passage and puts it first: index, search and evaluate, in Chinese and English."""
    if version:
        terminal.write(f"{terminal.NAME} {_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        terminal.write(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; whatever it refuses is said in one line on stderr."""
    previous = signal.signal(signal.SIGTERM, _terminate)
    terminal.show_warnings()
    terminal.escape_what_no_encoding_holds()
    try:
        _refuse_bytes(arguments)
        command = typer.main.get_command(app)
        with command.make_context(terminal.NAME, list(arguments)) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as left:
        return left.exit_code
    except KeyboardInterrupt:
        terminal.tell("interrupted; nothing half-written was left")
        return INTERRUPTED
    except BrokenPipeError:
        _stop_writing()
        return UNREAD
    except _UsageError as error:
        return _refuse(_usage(error))
    except VizslaError as error:
        return _refuse(str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _refuse(f"{where}{error.strerror or error}")
    except MemoryError:
        return _refuse("found too little memory for this; wanted more: give less at once, or a smaller --memory-mib")
    finally:
        signal.signal(signal.SIGTERM, previous)
    return 0


def _refuse_bytes(arguments: Sequence[str]) -> None:
    """Python reads bytes of the command line that are no text as halves of surrogate pairs."""
    for argument in arguments:
        if any("\ud800" <= sign <= "\udfff" for sign in argument):
            raise SettingsError(f"found the argument {argument!a}, which is not UTF-8; wanted text or a name that is")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(terminal.NAME)
    except PackageNotFoundError:
        return "from sources that are not installed"


def _terminate(number: int, _: FrameType | None) -> None:
    """Leave through every `finally`, so that nothing half-written is left."""
    sys.exit(128 + number)


def _refuse(message: str) -> int:
    terminal.tell(" ".join(message.split()))
    return REFUSED


def _usage(error: Exception) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "vizsla"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    return f"{message.rstrip('.')}; try '{path} --help'"


def _stop_writing() -> None:
    """Nobody reads stdout or stderr any more: what is still buffered goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            os.dup2(nowhere, stream.fileno())
