"""Multi-CPR: a folder with corpus.tsv, {train,dev}.query.txt and qrels.{train,dev}.tsv.

The medical corpus stands in corpus_split_1.tsv to corpus_split_4.tsv instead. A passage has two
columns, id and text, or three with a title between. Knows this layout, both ways. Refuses to know
more than one domain at a time: each is a folder of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count, takewhile
from pathlib import Path

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.formats import msmarco, trec, tsv
from vizsla.data.opening import COMPRESSIONS, find
from vizsla.data.problems import Problems
from vizsla.data.records import PlacedGrade, PlacedPassage, PlacedQuery, is_empty, make_id

CORPUS = "corpus.tsv"
_PART, _QUERIES = "corpus_split_{}.tsv", ".query.txt"


def is_folder(path: str | Path) -> bool:
    """Whether a folder has this layout: a corpus, and queries beside it."""
    return bool(splits(path)) and bool(corpus_files(path))


def corpus_files(folder: str | Path) -> list[Path]:
    """The file of the corpus, or its parts in their order; empty where there is none.

    Raises:
        DataError: a corpus and parts of one.
    """
    whole = find(Path(folder), CORPUS)
    parts = list(takewhile(bool, (find(Path(folder), _PART.format(number)) for number in count(1))))
    if whole and parts:
        raise DataError(f"{folder}: found {CORPUS} and {_PART.format(1)}; wanted one of them: remove the other")
    return [whole] if whole else [part for part in parts if part]


def splits(folder: str | Path) -> list[str]:
    """The splits whose queries are there, sorted."""
    names = (path.name for ending in COMPRESSIONS for path in Path(folder).glob(f"*{_QUERIES}{ending}"))
    return sorted({name[: name.index(_QUERIES)] for name in names})


def read_passages(folder: str | Path, *, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of the domain, with its place.

    Raises:
        DataError: no corpus, a line of another number of columns, or an empty id.
    """
    files = corpus_files(folder)
    if not files:
        raise DataError(
            f"{folder}: found no {CORPUS} and no {_PART.format(1)}; wanted a folder of one domain of Multi-CPR"
        )
    rows = (tsv.rows(path, "id, text", problems=problems, also=3) for path in files)
    for fields, where in chain.from_iterable(rows):
        passage = Passage(make_id(fields[0], where), fields[-1], fields[1] if len(fields) == 3 else "")
        if is_empty(passage.text, passage.title):
            problems.note("empty", where, passage.id)
        else:
            yield passage, where


def read_queries(folder: str | Path, *, split: str, problems: Problems) -> Iterator[PlacedQuery]:
    """Every query of one split, with its place.

    Raises:
        DataError: no such split, or a line without two columns.
    """
    return msmarco.read_queries(_required(folder, f"{split}{_QUERIES}"), problems=problems)


def read_judgements(folder: str | Path, *, split: str, problems: Problems) -> Iterator[PlacedGrade]:
    """Every judgement of one split, with its place.

    Raises:
        DataError: no such split, or a line that is not one.
    """
    return trec.read_grades(_required(folder, f"qrels.{split}.tsv"), problems=problems)


def write_passages(path: str | Path, passages: Iterable[Passage], *, problems: Problems) -> int:
    """Write a corpus of three columns where a title stands, else two; returns how many passages."""
    return tsv.write_rows(path, (_fields(one, problems) for one in passages))


def write_judgements(path: str | Path, grades: Mapping[str, Mapping[str, int]]) -> int:
    """Write one split's judgements, tabs between; returns how many."""
    rows = ((query, "0", passage, str(grade)) for query, row in grades.items() for passage, grade in row.items())
    return tsv.write_rows(path, rows)


def _fields(passage: Passage, problems: Problems) -> list[str]:
    texts = [passage.title, passage.text] if passage.title else [passage.text]
    return [passage.id, *(tsv.on_one_line(text, passage.id, problems) for text in texts)]


def _required(folder: str | Path, name: str) -> Path:
    path = find(Path(folder), name)
    if path is None:
        known = ", ".join(splits(folder)) or "none"
        raise DataError(f"{folder}: found no {name}; wanted a folder of one domain of Multi-CPR; splits there: {known}")
    return path
