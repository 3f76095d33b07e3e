"""Sources: looks at a path, picks its format and streams its passages, each id once.

Knows which names and first lines belong to which format. Refuses to know what stands in a record.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Passage
from vizsla.data.columns import Columns
from vizsla.data.cutting import Cutting
from vizsla.data.duplicates import SeenIds
from vizsla.data.formats import beir, folder, jsonl, msmarco, tables
from vizsla.data.opening import bare_suffix, find, lines
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedPassage

READABLE = (
    "a folder in the layout of BEIR (corpus.jsonl), .jsonl or .ndjson, .tsv of MS MARCO (id, text, no header), "
    ".csv or .tsv with a header, a .txt, .md or .html file or a folder of them; files may end in .gz or .zst"
)
"""What `read_passages` reads, for messages."""

_BATCH_PASSAGES = 4096
_BATCH_CHARACTERS = 16 << 20


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
    return _distinct(_pick(Path(source), columns, cutting, problems), problems)


def _pick(path: Path, columns: Columns | None, cutting: Cutting | None, problems: Problems) -> Iterator[PlacedPassage]:
    """Choose the format by the path, and by the first line where the path leaves it open."""
    suffix = bare_suffix(path)
    if path.is_dir():
        if find(path, beir.CORPUS):
            _refuse(path, "a BEIR folder", columns=columns, cutting=cutting)
            return beir.read_passages(path, problems=problems)
        if next(folder.files(path, problems=Problems()), None):
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
        return False
    found = f"{len(fields)} columns in {shown(first)}"
    raise DataError(f"{path}:1: found {found}; wanted id and text, or a header: name the columns to read if it is one")


def _refuse(path: Path, what: str, *, columns: Columns | None = None, cutting: Cutting | None = None) -> None:
    given = [name for name, value in (("columns", columns), ("cutting", cutting)) if value is not None]
    if given:
        raise SettingsError(f"found {' and '.join(given)} for {path}, which is {what}; leave them out")


def _distinct(placed: Iterator[PlacedPassage], problems: Problems) -> Iterator[Passage]:
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
