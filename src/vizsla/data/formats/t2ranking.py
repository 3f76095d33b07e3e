"""T2Ranking: a folder with collection.tsv, queries.{split}.tsv, two kinds of qrels and mined candidates.

`qrels.retrieval.{split}.tsv` has two columns, query and passage; `qrels.{split}.tsv` is TREC's and
graded, for reranking. `train.bm25.tsv` and `train.mined.tsv` list candidates of each query, the
positives among them. Knows these layouts, both ways. Refuses to know the texts behind ids.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.examples import Example, PlacedExample
from vizsla.data.formats import msmarco, trec, tsv
from vizsla.data.opening import bare_suffix, find
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedGrade, PlacedPassage, PlacedQuery, make_id

CORPUS = "collection.tsv"
QUERIES, JUDGEMENTS, GRADES = "queries.", "qrels.retrieval.", "qrels."
MINED = ("train.mined.tsv", "train.bm25.tsv")
_PAIR = "query id, passage id"
_CANDIDATE = "query id, passage id, rank, score"
_HEADER = {("qid", "pid"), ("qid", "pid", "index"), ("qid", "pid", "index", "score"), ("pid", "text"), ("qid", "text")}


def is_folder(path: str | Path) -> bool:
    """Whether a folder has this layout: a collection, and queries beside it."""
    return bool(corpus_files(path)) and bool(splits(path, QUERIES))


def corpus_files(folder: str | Path) -> list[Path]:
    """The file of the collection; empty where there is none."""
    path = find(Path(folder), CORPUS)
    return [path] if path else []


def splits(folder: str | Path, prefix: str) -> list[str]:
    """The splits for which a file `{prefix}{split}.tsv` is there, sorted."""
    names = (path.name for path in Path(folder).glob(f"{prefix}*") if bare_suffix(path) == ".tsv")
    found = {name[len(prefix) : name.lower().index(".tsv")] for name in names}
    other = JUDGEMENTS.removeprefix(prefix) if prefix == GRADES else None
    return sorted(one for one in found if other is None or not one.startswith(other))


def read_passages(folder: str | Path, *, problems: Problems) -> Iterator[PlacedPassage]:
    """Every passage of the collection, with its place.

    Raises:
        DataError: no collection, or a line that is not one.
    """
    return msmarco.read_passages(_required(folder, CORPUS), problems=problems)


def read_queries(folder: str | Path, *, split: str, problems: Problems) -> Iterator[PlacedQuery]:
    """Every query of one split, with its place.

    Raises:
        DataError: no such split, or a line that is not one.
    """
    return msmarco.read_queries(_required(folder, f"{QUERIES}{split}.tsv"), problems=problems)


def read_judgements(folder: str | Path, *, split: str, problems: Problems) -> Iterator[PlacedGrade]:
    """Every judgement for retrieval of one split, with its place; each has grade 1.

    Raises:
        DataError: no such split, or a line that is not one.
    """
    return read_pairs(_required(folder, f"{JUDGEMENTS}{split}.tsv"), problems=problems)


def read_grades(folder: str | Path, *, split: str, problems: Problems) -> Iterator[PlacedGrade]:
    """Every graded judgement (0 to 3) for reranking of one split, with its place.

    Raises:
        DataError: no such split, or a line that is not one.
    """
    return trec.read_grades(_required(folder, f"{GRADES}{split}.tsv"), problems=problems)


def read_pairs(path: str | Path, *, problems: Problems) -> Iterator[PlacedGrade]:
    """Every judgement of a file of two columns, query and passage; a header `qid pid` is passed over.

    Raises:
        DataError: another number of columns, or an empty id.
    """
    for (query, passage), where in _rows(path, _PAIR, problems):
        yield make_id(query, where), make_id(passage, where), 1, where


def read_examples(
    path: str | Path, positives: Mapping[str, Mapping[str, int]], *, problems: Problems
) -> Iterator[PlacedExample]:
    """Every query of a file of mined candidates as one example of ids; lines of a query must stand together.

    Args:
        path: `train.bm25.tsv` or `train.mined.tsv`.
        positives: the judgements for retrieval: grade by passage, by query. They are taken out of the negatives.
        problems: a candidate that comes twice for a query is a `duplicate_hit`, a query that is not
            judged an `unknown_id`, left out.

    Raises:
        DataError: another number of columns, an empty id, or a score that is no number.
    """
    for query, rows in groupby(_candidates(path, problems), key=lambda row: row[0]):
        found: dict[str, float | None] = {}
        place = ""
        for _, passage, score, where in rows:
            place = place or where
            if passage in found:
                problems.note("duplicate_hit", where, f"{query} {passage}")
            else:
                found[passage] = score
        right = [passage for passage, grade in positives.get(query, {}).items() if grade > 0]
        if right:
            yield _example(query, right, found), place
        else:
            problems.note("unknown_id", place, query)


def mined(folder: str | Path) -> Path | None:
    """The file of mined candidates, those of a dense model before BM25's; None where there is neither."""
    return next((path for name in MINED if (path := find(Path(folder), name))), None)


def read_training(folder: str | Path, *, problems: Problems) -> Iterator[PlacedExample]:
    """Every training query of a folder as an example of ids: its judgements and its mined candidates.

    Memory: the judgements of the split `train`.

    Raises:
        DataError: no judgements or no candidates, or a line that is not one.
    """
    path = mined(folder) or _required(folder, MINED[0])
    positives: dict[str, dict[str, int]] = {}
    for query, passage, grade, _ in read_judgements(folder, split="train", problems=problems):
        positives.setdefault(query, {})[passage] = grade
    yield from read_examples(path, positives, problems=problems)


def write_judgements(path: str | Path, grades: Mapping[str, Mapping[str, int]]) -> int:
    """Write judgements of two columns: those above 0; returns how many."""
    pairs = ((query, passage) for query, row in grades.items() for passage, grade in row.items() if grade > 0)
    return tsv.write_rows(path, pairs)


def write_examples(path: str | Path, examples: Iterable[Example]) -> int:
    """Write the negatives of examples as mined candidates, ranks from 0; returns how many lines.

    Raises:
        DataError: an example without ids.
    """
    return tsv.write_rows(path, _mined(path, examples))


def _mined(path: str | Path, examples: Iterable[Example]) -> Iterator[tuple[str, ...]]:
    for example in examples:
        for rank, passage in enumerate(example.negatives):
            if not example.query_id or not passage.id:
                found = f"the query {shown(example.query or example.query_id)} or a passage of it without id"
                raise DataError(f"{path}: found {found}; wanted ids: T2Ranking's lists hold nothing else")
            score = [f"{example.negative_scores[rank]:.9g}"] if example.negative_scores else []
            yield example.query_id, passage.id, str(rank), *score


def _example(query: str, right: list[str], found: Mapping[str, float | None]) -> Example:
    wrong = [passage for passage in found if passage not in right]
    scores = [score for passage in wrong if (score := found[passage]) is not None]
    return Example(
        "",
        tuple(Passage(passage, "") for passage in right),
        tuple(Passage(passage, "") for passage in wrong),
        query_id=query,
        negative_scores=tuple(scores) if len(scores) == len(wrong) else (),
    )


def _candidates(path: str | Path, problems: Problems) -> Iterator[tuple[str, str, float | None, str]]:
    for fields, where in _rows(path, _CANDIDATE, problems, also=3):
        score = trec.score_of(fields[3].encode(), where) if len(fields) == 4 else None
        yield make_id(fields[0], where), make_id(fields[1], where), score, where


def _rows(path: str | Path, columns: str, problems: Problems, *, also: int = 0) -> Iterator[tuple[list[str], str]]:
    for number, (fields, where) in enumerate(tsv.rows(path, columns, problems=problems, also=also)):
        if number or tuple(fields) not in _HEADER:
            yield fields, where


def _required(folder: str | Path, name: str) -> Path:
    path = find(Path(folder), name)
    if path is None:
        there = ", ".join(sorted(one.name for one in Path(folder).glob("*.tsv*"))) or "none"
        raise DataError(f"{folder}: found no {name}; wanted a folder in the layout of T2Ranking; tables there: {there}")
    return path
