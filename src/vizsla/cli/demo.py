"""`vizsla demo`: a collection of texts found on any machine with Python, and of a small bilingual sample."""

import json
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vizsla.cli import contrast, terminal

if TYPE_CHECKING:
    from vizsla.collections.collection import Collection
    from vizsla.core.protocols import Passage

SAMPLE = Path(__file__).parent / "sample"
MODEL = "minilm"
_FROM_PYTHON, _LONGEST = 300, 600
_QUESTION, _OTHER_WORDS = "why does my coffee taste sour", "my drink is too acidic"
_CONDITION = "lang = 'zh' AND topic IN ('animals', 'health')"
_CHANGED = {
    "id": "en-sourdough",
    "title": "Sourdough bread, in a hurry",
    "text": "With a lively starter and a warm kitchen the dough may rise in four hours instead of twelve.",
    "metadata": {"lang": "en", "topic": "food"},
}


def demo(
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the collection and the sample will stand.")
    ] = Path(".demo"),
    *,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="all-MiniLM-L6-v2, or its wheel in a folder: hybrid search too."),
    ] = None,
) -> None:
    """Create a collection, add passages, search them by words and by meaning, filter, update and explain; and measure.

    Nothing is downloaded; everything is written into the folder.
    """
    sample, place = folder / "sample", folder / "kb"
    shutil.copytree(SAMPLE, sample, dirs_exist_ok=True)
    shutil.rmtree(place, ignore_errors=True)
    weights = contrast.weights(model, folder / contrast.NAME) if model is not None else None
    collection = _created(place, weights)
    _add(collection, sample)
    _search(collection, "Search in two languages at once", "Python怎么读取文件")
    if weights is None:
        contrast.say_what_is_missing(model)
    else:
        contrast.show(collection, MODEL)
        _search(collection, "Both together: scores fused, and what each stage said", _OTHER_WORDS, stages=True)
    _search(collection, "Filter: only passages whose metadata meet a condition", "医生", where=_CONDITION)
    _update(collection, folder)
    _explain(collection, _QUESTION, "en-espresso")
    _measure(collection, sample)
    _say_what_next(place, folder)


def _step(what: str, *command: object) -> None:
    """A headline, and the command that does the same."""
    terminal.write("")
    terminal.headline(what)
    terminal.write(f"$ vizsla {' '.join(_quoted(str(word)) for word in command)}\n")


def _quoted(word: str) -> str:
    """A word as a person types it in a shell."""
    return f'"{word}"' if "'" in word and not set('"$`\\!') & set(word) else shlex.quote(word)


def _created(place: Path, weights: Path | None) -> "Collection":
    from vizsla.collections.collection import Collection

    words = ["--encoder", "bm25", *(["--encoder", f"{MODEL}={weights}"] if weights else [])]
    _step("Create: one folder, everything a search needs", "create", place, *words)
    begin = time.perf_counter()
    made = Collection.create(place, ["bm25", *([f"{MODEL}={weights.absolute()}"] if weights else [])])
    terminal.write(f"an empty collection after {time.perf_counter() - begin:.1f} s")
    return made


def _add(collection: "Collection", sample: Path) -> None:
    from vizsla.data.sources import read_passages

    _step("Add: a bilingual sample, and what Python's own library says of itself", "add", collection.folder, sample)
    begin = time.perf_counter()
    with terminal.progress() as tell:
        counts = collection.add(chain(read_passages(sample), _library()), progress=tell)
    seconds = time.perf_counter() - begin
    kinds = ", ".join(f"{name} ({kind})" for name, kind in collection.info().encoders.items())
    terminal.write(f"{counts.added:,} passages found on this machine, searched by {kinds}, after {seconds:.1f} s")


def _library() -> Iterator["Passage"]:
    """A few hundred short ones, under metadata of their own."""
    from vizsla.cli.library import read_library

    short = (one for one in read_library() if len(one.text) <= _LONGEST)
    return (replace(one, metadata={"lang": "en", "topic": "python"}) for one in islice(short, _FROM_PYTHON))


def _search(collection: "Collection", what: str, query: str, *, where: str | None = None, stages: bool = False) -> None:
    from vizsla.cli.finding import Finding

    words = ["--where", where] if where else []
    _step(what, "search", collection.folder, query, "--k", 3, *words, *(["--stages"] if stages else []))
    Finding(collection, where=where, with_stages=stages).answer({"": query}, 3, as_json=False)


def _update(collection: "Collection", folder: Path) -> None:
    from vizsla.data.sources import read_passages

    file = folder / "changed.jsonl"
    file.write_text(json.dumps(_CHANGED) + "\n", encoding="utf-8")
    _step("Update: the same id, another text, found at once", "update", collection.folder, file)
    begin = time.perf_counter()
    counts = collection.update(read_passages(file))
    terminal.write(f"{counts.replaced} replaced after {1e3 * (time.perf_counter() - begin):.0f} ms")
    _search(collection, "The new text answers", "how long must sourdough rise")


def _explain(collection: "Collection", query: str, id_: str) -> None:
    from vizsla.cli import reasons
    from vizsla.collections.explaining import Question

    _step("Explain: why this passage?", "explain", collection.folder, query, id_)
    told = collection.explain(Question(query, id_))
    terminal.draw(*reasons.drawn(told, collection.get(id_), collection.snapshot().setup.analyzer))


def _measure(collection: "Collection", sample: Path) -> None:
    from vizsla.cli.evaluate import MEASURES, depth_of, report, run_of
    from vizsla.cli.finding import Finding
    from vizsla.data.judgements import Judgements
    from vizsla.evaluating.measuring import measure

    _step("How good is it? The sample's judged queries, among all passages", "evaluate", collection.folder, sample)
    judgements = Judgements.read(sample)
    made = run_of(Finding(collection).searched(), collection.folder, judgements, depth_of(MEASURES))
    report(measure(made, judgements, MEASURES), "terminal")


def _say_what_next(place: Path, folder: Path) -> None:
    terminal.write("")
    terminal.headline("Now try")
    for line in _next_steps(place):
        terminal.write(f"  {line}")
    terminal.write(f"\nEverything stands in {folder}; remove it when you are done.")


def _next_steps(place: Path) -> Iterator[str]:
    program = _program()
    yield f"{program} search {place}   # ask as you type"
    yield f"{program} info {place}"
    yield f"{program} sync {place} YOUR_NOTES   # a folder of texts, followed as you edit it"
    yield f"{program} export {place} passages.jsonl"
    yield f"{program} index YOUR_TEXTS --output your.index   # where nothing changes: phrases, +must, -not"


def _program() -> str:
    """How this program is called from here: by its path where its name alone is not found, as after `make demo`."""
    called = Path(sys.argv[0])
    return str(called) if called.name == terminal.NAME and not shutil.which(terminal.NAME) else terminal.NAME
