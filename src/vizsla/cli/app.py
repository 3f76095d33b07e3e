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
    add,
    calibrate,
    compact,
    compare,
    convert,
    create,
    delete,
    demo,
    encode,
    evaluate,
    explain,
    export,
    index,
    info,
    inspect,
    keep,
    models,
    rerank,
    search,
    similarity,
    sync,
    terminal,
    update,
    verify,
)
from vizsla.cli import compile as compiling
from vizsla.core.errors import SettingsError, VizslaError

REFUSED, UNREAD = 2, 141
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # typer's own or click's, as the release has it

app = typer.Typer(
    name="vizsla",
    help="Finds the right passage and puts it first: collect, search, explain and measure, in Chinese and English.",
    epilog="Start with: vizsla demo",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
_SEARCH, _CHANGE, _LOOK = "Search and measure", "A collection: passages that change", "Look inside"
_MODELS, _OTHER = "Published models", "An index that does not change; files"
app.command("create", epilog=create.EXAMPLE, rich_help_panel=_CHANGE)(create.create)
app.command("add", rich_help_panel=_CHANGE)(add.add)
app.command("update", rich_help_panel=_CHANGE)(update.update)
app.command("delete", rich_help_panel=_CHANGE)(delete.delete)
app.command("sync", rich_help_panel=_CHANGE)(sync.sync)
app.command("keep", rich_help_panel=_CHANGE)(keep.keep)
app.command("compact", rich_help_panel=_CHANGE)(compact.compact)
app.command("export", rich_help_panel=_CHANGE)(export.export)
app.command("search", context_settings={"ignore_unknown_options": True}, rich_help_panel=_SEARCH)(search.search)
app.command("evaluate", rich_help_panel=_SEARCH)(evaluate.evaluate)
app.command("compare", rich_help_panel=_SEARCH)(compare.compare)
app.command("demo", rich_help_panel=_SEARCH)(demo.demo)
app.command("info", rich_help_panel=_LOOK)(info.info)
app.command("explain", rich_help_panel=_LOOK)(explain.explain)
app.command("verify", rich_help_panel=_LOOK)(verify.verify)
app.command("inspect", rich_help_panel=_LOOK)(inspect.inspect)
app.command("index", rich_help_panel=_OTHER)(index.index)
app.command("calibrate", epilog=calibrate.EXAMPLE, rich_help_panel=_OTHER)(calibrate.calibrate)
app.command("convert", rich_help_panel=_OTHER)(convert.convert)
app.add_typer(models.app, name="models", rich_help_panel=_MODELS)
app.command("encode", epilog=encode.EXAMPLE, rich_help_panel=_MODELS)(encode.encode)
app.command("rerank", epilog=rerank.EXAMPLE, rich_help_panel=_MODELS)(rerank.rerank)
app.command("similarity", epilog=similarity.EXAMPLE, rich_help_panel=_MODELS)(similarity.similarity)
app.command("compile", epilog=compiling.EXAMPLE, rich_help_panel=_MODELS)(compiling.compile_)


@app.callback(invoke_without_command=True)
def vizsla(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Finds the right passage and puts it first: collect, search, explain and measure, in Chinese and English."""
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
        return terminal.INTERRUPTED
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
    said, _, below = message.partition("\n")
    arrow, found, place = below.rpartition("\n")[2].strip().partition("^")
    if found and not arrow:  # on one line it points at nothing
        message = f"{said}, {place}" if place else said
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
