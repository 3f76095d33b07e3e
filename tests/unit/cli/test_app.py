import errno
import signal
from pathlib import Path

import pytest

from vizsla.cli import app
from vizsla.cli.answering import Searching
from vizsla.cli.terminal import printable, tell

from .conftest import Call


def test_nothing_asked_shows_the_commands(call: Call) -> None:
    for arguments in ([], ["--help"]):
        done = call(*arguments)
        assert done.code == 0
        assert all(name in done.out for name in ("index", "search", "evaluate", "compare", "inspect", "demo"))


def test_the_version_is_one_line(call: Call) -> None:
    done = call("--version")
    assert done.code == 0
    assert done.out.startswith("vizsla ")
    assert done.out.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.npy"), 2, "vizsla: x.npy: No space left on device\n"),
        (OSError("7 requested and 3 written"), 2, "vizsla: 7 requested and 3 written\n"),
        (PermissionError(errno.EACCES, "Permission denied", "i"), 2, "vizsla: i: Permission denied\n"),
        (KeyboardInterrupt(), 130, "vizsla: interrupted; nothing half-written was left\n"),
        (MemoryError(), 2, "vizsla: found too little memory for this"),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_code(
    call: Call, built: Path, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, said: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(Searching, "answer", fail)
    done = call("search", built, "dog")
    assert done.code == code
    assert done.err.startswith(said)
    assert done.err.count("\n") == 1
    assert not done.out


def test_signals_are_as_they_were_afterwards(call: Call) -> None:
    before = signal.getsignal(signal.SIGTERM)
    call("--version")
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_unknown_command_is_refused(call: Call) -> None:
    done = call("serch")
    assert done.code == app.REFUSED
    assert "serch" in done.err


@pytest.mark.parametrize("arguments", [["search", "i", "caf\udce9", "--json"], ["index", "caf\udce9", "--output", "i"]])
def test_bytes_that_are_no_text_are_refused(call: Call, arguments: list[str]) -> None:
    done = call(*arguments)
    assert done.code == app.REFUSED
    assert done.err.startswith("vizsla: found the argument 'caf\\udce9', which is not UTF-8")
    assert done.err.count("\n") == 1


def test_printable_obeys_nothing() -> None:
    assert printable("a\x1b[31m\r\n\tb\u202e\x07 猫") == "a [31m b 猫"


def test_settings_of_python_are_said_as_flags(capsys: pytest.CaptureFixture[str]) -> None:
    tell("load it with settings={'normalize': True}, or settings={'score': 'dot'}; wanted settings={'heads': ...}")
    said = "load it with --set normalize=true, or --set score=dot; wanted --set heads=..."
    assert capsys.readouterr().err == f"vizsla: {said}\n"


def test_paragraphs_of_help_fill_their_lines(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERMINAL_WIDTH", "300")
    told = call("encode", "--help").out
    assert "an index or a stored corpus keeps its own. After a kill the same command goes on where it was." in told
