"""`vizsla demo`: text found on any machine with Python, and a small bilingual sample, indexed and searched."""

import platform
import shlex
import shutil
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vizsla.cli import contrast, terminal

if TYPE_CHECKING:
    from vizsla.collections.frozen import FrozenCollection

SAMPLE = Path(__file__).parent / "sample"
SHOWN = (
    ("words, stemmed: 'reading files' finds 'read' and 'file'", "reading files line by line"),
    ("Chinese and English in one query", "Python怎么读取文件"),
    ("Chinese alone: no dictionary is needed", "狗狗不肯吃饭怎么办"),
    ("a phrase that every hit holds", '"context manager" that closes a file'),
    ("a word that no hit holds", "python snake -language -module"),
    ("a word that every hit holds", "may my dog eat this? +grapes"),
)


def demo(
    folder: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the index and the sample will stand.")] = Path(
        ".demo"
    ),
    *,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="all-MiniLM-L6-v2, or its wheel in a folder: shows dense search too."),
    ] = None,
) -> None:
    """Index the texts of Python's standard library and a bilingual sample, search them, and measure.

    Nothing is downloaded; indexes and vectors are written into the folder.
    """
    sample, place = folder / "sample", folder / "index"
    shutil.copytree(SAMPLE, sample, dirs_exist_ok=True)
    collection = _build(sample, place)
    for what, query in SHOWN:
        _show(collection, place, what, query)
    _measure(collection, place, sample)
    if model is not None:
        contrast.show(collection, model, folder)
    _say_what_next(place, sample, folder)


def _build(sample: Path, place: Path) -> "FrozenCollection":
    from vizsla.cli.index import digests
    from vizsla.cli.library import read_library
    from vizsla.collections.frozen import FrozenCollection
    from vizsla.data.sources import read_passages

    terminal.headline("Indexing: Python's standard library, and a bilingual sample")
    begin = time.perf_counter()
    with terminal.progress() as tell:
        origins = digests(sample) | {f"Python {platform.python_version()}": "its topics and what its library says"}
        passages = chain(read_passages(sample), read_library())
        made = FrozenCollection.build(passages, place, made_from=origins, progress=tell)
    seconds = time.perf_counter() - begin
    terminal.write(f"{len(made):,} passages found on this machine and indexed in {seconds:.1f} s")
    return made


def _show(collection: "FrozenCollection", place: Path, what: str, query: str) -> None:
    from vizsla.cli.search import Searching

    terminal.write("")
    terminal.headline(what)
    terminal.write(f"$ vizsla search {place} {shlex.quote(query)} --k 3\n")
    Searching(collection, plain=False).answer({"": query}, 3, as_json=False)


def _measure(collection: "FrozenCollection", place: Path, sample: Path) -> None:
    from vizsla.cli.evaluate import MEASURES, depth_of, report, run_of
    from vizsla.data.judgements import Judgements
    from vizsla.evaluating.measuring import measure

    terminal.write("")
    terminal.headline("How good is it? The sample's judged queries, among all passages")
    terminal.write(f"$ vizsla evaluate {place} {sample}\n")
    judgements = Judgements.read(sample)
    report(measure(run_of(collection, place, judgements, depth_of(MEASURES)), judgements, MEASURES), "terminal")


def _say_what_next(place: Path, sample: Path, folder: Path) -> None:
    terminal.write("")
    terminal.headline("Now try")
    for line in _next_steps(place, sample, folder / "words"):
        terminal.write(f"  {line}")
    terminal.write(f"\nEverything stands in {folder}; remove it when you are done.")


def _next_steps(place: Path, sample: Path, words: Path) -> Iterator[str]:
    yield f"vizsla search {place}   # ask as you type"
    yield f"vizsla inspect {place} --query 'read a file' --passage en-files"
    yield f"vizsla index {sample} --output {words} --ideographs words"
    yield f"vizsla compare {sample} {place} {words}"
    yield "vizsla index YOUR_TEXTS --output your.index"
