"""Queries: a file of them to texts by id.

Knows which name belongs to which format. Refuses to know what stands in a record.
"""

from collections.abc import Iterator
from pathlib import Path

from vizsla.core.errors import DataError
from vizsla.data.columns import Columns
from vizsla.data.formats import beir, jsonl, msmarco
from vizsla.data.opening import bare_suffix
from vizsla.data.problems import Problems
from vizsla.data.records import PlacedQuery


def read_queries(path: Path) -> dict[str, str]:
    """Query texts by id; of those with one id only the first is kept, and the others are said.

    Raises:
        DataError: nothing that can be read, no queries, or a record that is not one.
    """
    problems, texts = Problems(), dict[str, str]()
    for id_, text, where in _pick(path, problems):
        if id_ in texts:
            problems.note("duplicate_id", where, id_)
        else:
            texts[id_] = text
    if not texts:
        raise DataError(f"{path}: found no queries; wanted at least one")
    return texts


def _pick(path: Path, problems: Problems) -> Iterator[PlacedQuery]:
    suffix = bare_suffix(path)
    if path.is_dir():
        return beir.read_queries(path, problems=problems)
    if suffix == ".tsv":
        msmarco.refuse_header(path)
        return msmarco.read_queries(path, problems=problems)
    if suffix in (".jsonl", ".ndjson"):
        found = jsonl.read_passages(path, columns=Columns(), problems=problems)
        return ((query.id, query.text, where) for query, where in found)
    wanted = "a .tsv of id and text, a .jsonl with id and text, or a folder in the layout of BEIR"
    raise DataError(f"{path}: found no format of queries in this name; wanted {wanted}")
