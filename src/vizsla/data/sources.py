"""Sources: looks at a path, picks its format and streams its passages, each id once.

Knows which names and first lines belong to which format. Refuses to know what stands in a record.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Passage
from vizsla.data.columns import Columns
from vizsla.data.cutting import Cutting
from vizsla.data.duplicates import SeenIds
from vizsla.data.formats import beir, dureader, folder, jsonl, msmarco, multicpr, t2ranking, tables
from vizsla.data.opening import bare_suffix, lines
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedPassage

READABLE = (
    "a folder in the layout of BEIR (corpus.jsonl), T2Ranking, Multi-CPR or DuReader-retrieval, "
    ".jsonl or .ndjson, .tsv of MS MARCO (id, text, no header), "
    ".csv or .tsv with a header, a .txt, .md or .html file or a folder of them; files may end in .gz or .zst"
)
"""What `read_passages` reads, for messages."""

_BATCH_PASSAGES = 4096
_BATCH_CHARACTERS = 16 << 20


class FolderLayout(NamedTuple):
    """How a folder in a layout of the field is known and read."""

    name: str
    is_folder: Callable[[Path], bool]
    corpus_files: Callable[[Path], list[Path]]
    read_passages: Callable[..., Iterator[PlacedPassage]]


LAYOUTS = (
    FolderLayout("BEIR", beir.is_folder, beir.corpus_files, beir.read_passages),
    FolderLayout("T2Ranking", t2ranking.is_folder, t2ranking.corpus_files, t2ranking.read_passages),
    FolderLayout("Multi-CPR", multicpr.is_folder, multicpr.corpus_files, multicpr.read_passages),
    FolderLayout("DuReader-retrieval", dureader.is_folder, dureader.corpus_files, dureader.read_passages),
)
"""The layouts that a folder can have for certain, tried in this order; a folder of texts is none of them."""


def layout_of(folder_: str | Path) -> FolderLayout | None:
    """The layout of a folder; None where it has none of these.

    Raises:
        DataError: a file of the layout stands there twice.
    """
    return next((one for one in LAYOUTS if one.is_folder(Path(folder_))), None)


def read_passages(
    source: str | Path,
    *,
    columns: Columns | None = None,
    cutting: Cutting | None = None,
    problems: Problems | None = None,
) -> Iterator[Passage]:
    """Stream the passages of a file or folder; of those with one id only the first is kept.

    Memory: one batch of passages, and 8 bytes a passage for finding duplicates (`SeenIds` says how
    sure it is).

    Args:
        source: what to read; its name and first line decide the format.
        columns: which columns or keys to read, for JSONL, CSV and TSV.
        cutting: how texts are cut, for text files.
        problems: where bad records are counted; a new one that only warns by default.

    Raises:
        DataError: nothing that can be read, or a file whose structure is broken.
        SettingsError: columns or cutting for a format that has none.
    """
    problems = problems or Problems()
    return distinct(_pick(Path(source), columns, cutting, problems), problems)


def _pick(path: Path, columns: Columns | None, cutting: Cutting | None, problems: Problems) -> Iterator[PlacedPassage]:
    """Choose the format by the path, and by the first line where the path leaves it open."""
    suffix = bare_suffix(path)
    if path.is_dir():
        layout = layout_of(path)
        if layout:
            _refuse(path, f"a {layout.name} folder", columns=columns, cutting=cutting)
            return layout.read_passages(path, problems=problems)
        if next(folder.files(path, problems=Problems(quiet=True)), None):
            _refuse(path, "a folder of texts", columns=columns)
            return folder.read_passages(path, cutting=cutting, problems=problems)
    elif not path.exists():
        raise DataError(f"{path}: is not there; wanted {READABLE}")
    elif suffix in folder.SUFFIXES:
        _refuse(path, "a text", columns=columns)
        return folder.read_file(path, path.name, cutting=cutting, problems=problems)
    elif suffix in (".jsonl", ".ndjson", ".csv", ".tsv"):
        _refuse(path, "a table", cutting=cutting)
        if suffix in (".jsonl", ".ndjson"):
            return jsonl.read_passages(path, columns=columns, problems=problems)
        if suffix == ".csv" or columns or _has_header(path):
            return tables.read_passages(path, columns=columns, problems=problems)
        return msmarco.read_passages(path, problems=problems)
    raise DataError(f"{path}: found nothing that can be read; wanted {READABLE}")


def _has_header(path: Path) -> bool:
    """Whether the first line of a .tsv names a column `text`; else it must have MS MARCO's two columns."""
    first = next((line for _, line in lines(path)), b"")
    fields = first.split(b"\t")
    if Columns().text.encode() in fields:
        return True
    if len(fields) == 2 or not first:
        msmarco.refuse_header(path)
        return False
    found = f"{len(fields)} columns in {shown(first)}"
    raise DataError(f"{path}:1: found {found}; wanted id and text, or a header: name the columns to read if it is one")


def _refuse(path: Path, what: str, *, columns: Columns | None = None, cutting: Cutting | None = None) -> None:
    given = [name for name, value in (("columns", columns), ("cutting", cutting)) if value is not None]
    if given:
        raise SettingsError(f"found {' and '.join(given)} for {path}, which is {what}; leave them out")


def distinct(placed: Iterator[PlacedPassage], problems: Problems) -> Iterator[Passage]:
    """The passages without their places; of those with one id only the first, the others are noted."""
    seen = SeenIds()
    while batch := _batch(placed):
        fresh = seen.add([passage.id for passage, _ in batch]).tolist()
        for (passage, where), is_fresh in zip(batch, fresh, strict=True):
            if is_fresh:
                yield passage
            else:
                problems.note("duplicate_id", where, passage.id)


def _batch(placed: Iterator[PlacedPassage]) -> list[PlacedPassage]:
    batch, characters = [], 0
    for one in islice(placed, _BATCH_PASSAGES):
        batch.append(one)
        characters += len(one[0].text)
        if characters >= _BATCH_CHARACTERS:
            break
    return batch
