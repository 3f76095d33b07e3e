"""BEIR: a folder with corpus.jsonl, queries.jsonl and qrels/{split}.tsv, each plain, .gz or .zst.

Knows this layout, both ways. Refuses to know what the judgements are for.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.columns import Columns
from vizsla.data.formats import jsonl
from vizsla.data.opening import bare_suffix, find, lines, writing
from vizsla.data.problems import Problems, shown
from vizsla.data.records import (
    PlacedGrade,
    PlacedPassage,
    PlacedQuery,
    decoded,
    encoded,
    is_empty,
    make_id,
    make_text,
    whole_number,
)

CORPUS = "corpus.jsonl"
QUERIES = "queries.jsonl"
JUDGEMENTS = "qrels"
_HEADER = ("query-id", "corpus-id", "score")


def is_folder(path: str | Path) -> bool:
    """Whether a folder has this layout: a corpus is enough."""
    return bool(corpus_files(path))


def corpus_files(folder: str | Path) -> list[Path]:
    """The file of the corpus; empty where there is none."""
    path = find(Path(folder), CORPUS)
    return [path] if path else []


def read_passages(folder: str | Path, *, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of the folder's corpus, with its place.

    Raises:
        DataError: no corpus, or a record that is not one.
    """
    return jsonl.read_passages(_required(Path(folder), CORPUS), columns=Columns(id="_id"), problems=problems)


def read_queries(folder: str | Path, *, problems: Problems) -> Iterator[PlacedQuery]:
    """Every query of the folder, with its place; one without text is noted and kept, for it is judged.

    Raises:
        DataError: no queries, or a record that is not one.
    """
    for _, values, where in jsonl.objects(_required(Path(folder), QUERIES), problems=problems):
        id_ = make_id(jsonl.value_of(values, "_id", where), where)
        text = make_text(jsonl.value_of(values, "text", where), where, "text")
        if is_empty(text):
            problems.note("empty_query", where, id_)
        yield id_, text, where


def splits(folder: str | Path) -> list[str]:
    """The names of the splits that are judged, sorted."""
    files = (path for path in (Path(folder) / JUDGEMENTS).glob("*") if bare_suffix(path) == ".tsv")
    return sorted({path.name[: path.name.lower().index(".tsv")] for path in files})


def read_judgements(folder: str | Path, *, split: str, problems: Problems) -> Iterator[PlacedGrade]:
    """Every judgement of one split, with its place; the file's header is optional.

    Raises:
        DataError: no such split (names those there are), or a line that is not a judgement.
    """
    path = find(Path(folder) / JUDGEMENTS, f"{split}.tsv")
    if path is None:
        if known := ", ".join(splits(folder)):
            raise DataError(f"{folder}: found no judgements of the split '{split}'; splits that are there: {known}")
        found = "found no judgements" if Path(folder).exists() else "is not there"
        raise DataError(
            f"{folder}: {found}; wanted a folder in the layout of BEIR, with {JUDGEMENTS}/{split}.tsv in it"
        )
    return read_grades(path, problems=problems)


def read_grades(path: str | Path, *, problems: Problems) -> Iterator[PlacedGrade]:
    """Every judgement of one file of three tab-separated columns: query id, passage id, grade.

    Raises:
        DataError: another number of columns, an empty id, or a grade that is not a whole number.
    """
    name = str(path)
    for number, line in lines(path):
        if not line or line.isspace():
            continue
        where = f"{name}:{number}"
        fields = line.split(b"\t")
        if len(fields) != len(_HEADER):
            found = f"{len(fields)} tab-separated columns in {shown(line)}"
            raise DataError(f"{where}: found {found}; wanted {len(_HEADER)}: {', '.join(_HEADER)}")
        if number == 1 and fields[2].strip().lower() == b"score":
            continue
        grade = whole_number(fields[2].strip(), where, "a grade")
        ids = decoded(fields[0] + b"\t" + fields[1], where, problems)
        if ids is not None:
            query, passage = ids.split("\t")
            yield make_id(query, where), make_id(passage, where), grade, where


def write_passages(path: str | Path, passages: Iterable[Passage]) -> int:
    """Write a corpus file, compressed as it is named; returns how many passages.

    Raises:
        DataError: text or metadata that JSON cannot hold.
    """
    return jsonl.write_objects(path, map(_object, passages))


def write_queries(path: str | Path, queries: Mapping[str, str]) -> int:
    """Write a file of queries, compressed as it is named; returns how many."""
    return jsonl.write_objects(path, ({"_id": id_, "text": text} for id_, text in queries.items()))


def write_grades(path: str | Path, grades: Mapping[str, Mapping[str, int]]) -> int:
    """Write one split's judgements with the header, compressed as it is named; returns how many.

    Raises:
        DataError: an id with a tab or a line end in it, which this format cannot hold.
    """
    count = 0
    with writing(path) as file:
        file.write("\t".join(_HEADER).encode() + b"\n")
        for query, row in grades.items():
            for passage, grade in row.items():
                line = f"{query}\t{passage}\t{grade}"
                if line.count("\t") != 2 or "\n" in line or "\r" in line:
                    raise DataError(f"{path}: found the ids {shown(line)}; wanted ids without tabs and line ends")
                file.write(encoded(line, str(path)) + b"\n")
                count += 1
    return count


def _object(one: Passage) -> dict[str, Any]:
    """A line of a corpus: metadata and parent where there are any, as `read_passages` takes them."""
    said: dict[str, Any] = {"metadata": dict(one.metadata)} if one.metadata else {}
    if one.parent or "parent" in one.metadata:  # the passage's own says that the metadata's is a field like others
        said["parent"] = one.parent
    return {"_id": one.id, "title": one.title, "text": one.text} | said


def _required(folder: Path, name: str) -> Path:
    path = find(folder, name)
    if path is None:
        raise DataError(f"{folder}: found no {name}, {name}.gz or {name}.zst; wanted a folder in the layout of BEIR")
    return path
