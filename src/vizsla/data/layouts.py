"""Layouts: every format by its name, with what it holds and how each kind of record is read and written.

A literal table over `formats/`. Refuses to know how one becomes another (`conversion`) and how a path
tells its format (`detection`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from vizsla.data.formats import (
    beir,
    bulk,
    ciff,
    dureader,
    flagembedding,
    irds,
    jsonl,
    msmarco,
    multicpr,
    parquet,
    pyserini,
    rocketqa,
    t2ranking,
    tables,
    tevatron,
    trec,
)
from vizsla.data.opening import bare_suffix, find
from vizsla.data.problems import Problems

PASSAGES, QUERIES, JUDGEMENTS = "passages", "queries", "judgements"
EXAMPLES, WEIGHTS, RUN = "examples", "weights", "run"
KINDS = (PASSAGES, QUERIES, JUDGEMENTS, EXAMPLES, WEIGHTS, RUN)
"""The kinds of records; examples are a query with positives and negatives, weights a passage's terms."""


class Stream(NamedTuple):
    """One kind of record of a source, of one split where it has splits."""

    kind: str
    split: str
    read: Callable[[], Iterator[Any]]


class Options(NamedTuple):
    """What writers are told besides records: where problems go, and the scale of whole-number weights."""

    problems: Problems
    scale: float | None


class Outlet(NamedTuple):
    """How records of one kind are written.

    Attributes:
        write: path, records and options to how many were written.
        place: folder and split to the file; None where the path that is given is the file.
        texts: whether examples need the texts of their passages.
        metadata: whether passages keep their metadata and parents.
    """

    write: Callable[[Path, Any, Options], int]
    place: Callable[[Path, str], Path] | None = None
    texts: bool = True
    metadata: bool = False

    @property
    def has_splits(self) -> bool:
        """Whether each split has a file of its own."""
        return self.place is not None and self.place(Path(), "a") != self.place(Path(), "b")


@dataclass(frozen=True, slots=True)
class Layout:
    """One format.

    Attributes:
        about: what it is, for people.
        streams: a path to what may be read there; every kind that a single file could hold.
        outlets: how each kind is written; empty where the format is only read.
        is_folder: whether it is a folder of files; then all its streams are really there.
    """

    about: str
    streams: Callable[[Path, Problems], list[Stream]]
    outlets: Mapping[str, Outlet]
    is_folder: bool = False


def _file(**readers: Callable[..., Iterator[Any]]) -> Callable[[Path, Problems], list[Stream]]:
    """The streams of one file that may hold any of these kinds."""

    def streams(path: Path, problems: Problems) -> list[Stream]:
        return [Stream(kind, "", lambda read=read: read(path, problems=problems)) for kind, read in readers.items()]  # type: ignore[misc]

    return streams


def _unworried(read: Callable[[Any], Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """A reader in which nothing can be passed over, as the others are called."""
    return lambda path, problems: read(path)  # noqa: ARG005 - the others count problems


def _beir(folder: Path, problems: Problems) -> list[Stream]:
    found = [Stream(PASSAGES, "", lambda: beir.read_passages(folder, problems=problems))]
    if find(folder, beir.QUERIES):
        found.append(Stream(QUERIES, "", lambda: beir.read_queries(folder, problems=problems)))
    return found + [_split(JUDGEMENTS, one, beir.read_judgements, folder, problems) for one in beir.splits(folder)]


def _t2ranking(folder: Path, problems: Problems, *, graded: bool = False) -> list[Stream]:
    prefix = t2ranking.GRADES if graded else t2ranking.JUDGEMENTS
    read = t2ranking.read_grades if graded else t2ranking.read_judgements
    found = [Stream(PASSAGES, "", lambda: t2ranking.read_passages(folder, problems=problems))]
    splits = t2ranking.splits(folder, t2ranking.QUERIES)
    found += [_split(QUERIES, one, t2ranking.read_queries, folder, problems) for one in splits]
    found += [_split(JUDGEMENTS, one, read, folder, problems) for one in t2ranking.splits(folder, prefix)]
    if not graded and t2ranking.mined(folder):
        found.append(Stream(EXAMPLES, "train", lambda: t2ranking.read_training(folder, problems=problems)))
    return found


def _multicpr(folder: Path, problems: Problems) -> list[Stream]:
    found = [Stream(PASSAGES, "", lambda: multicpr.read_passages(folder, problems=problems))]
    for split in multicpr.splits(folder):
        found.append(_split(QUERIES, split, multicpr.read_queries, folder, problems))
        if find(folder, f"qrels.{split}.tsv"):
            found.append(_split(JUDGEMENTS, split, multicpr.read_judgements, folder, problems))
    return found


def _dureader(folder: Path, problems: Problems) -> list[Stream]:
    found = [Stream(PASSAGES, "", lambda: dureader.read_passages(folder, problems=problems))]
    for kind, split, path in dureader.question_files(folder):
        if kind == "map":
            found.append(_split(QUERIES, split, _at(dureader.read_queries), path, problems))
        else:
            found.append(_split(JUDGEMENTS, split, _at(dureader.read_judgements), path, problems))
            found.append(_split(EXAMPLES, split, _at(dureader.read_examples), path, problems))
    return found


def _irds(path: Path, problems: Problems) -> list[Stream]:
    name = str(path).removeprefix(irds.PREFIX)
    passages, queries, judgements = irds.kinds(name)
    found = [
        (passages, Stream(PASSAGES, "", lambda: irds.read_passages(name, problems=problems))),
        (queries, Stream(QUERIES, "", lambda: irds.read_queries(name, problems=problems))),
        (judgements, Stream(JUDGEMENTS, "", lambda: irds.read_judgements(name))),
    ]
    return [stream for is_there, stream in found if is_there]


def _split(kind: str, split: str, read: Callable[..., Iterator[Any]], path: Path, problems: Problems) -> Stream:
    return Stream(kind, split, lambda: read(path, split=split, problems=problems))


def _at(read: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    return lambda path, split, problems: read(path, problems=problems)  # noqa: ARG005 - the file is the split's


def _weights(path: Path, problems: Problems) -> Iterator[Any]:
    for record, where in bulk.read(path, problems=problems):
        yield bulk.weights_of(record), where


def _bulk_passages(path: Path, problems: Problems) -> Iterator[Any]:
    for record, where in bulk.read(path, problems=problems):
        yield record.passage, where


def _in(name: str) -> Callable[[Path, str], Path]:
    """The place of a file in a folder, `{}` standing for the split."""
    return lambda folder, split: folder / name.format(split)


def _plain(write: Callable[[Path, Any], int]) -> Callable[[Path, Any, Options], int]:
    return lambda path, records, _: write(path, records)


def _spaced(write: Callable[..., int]) -> Callable[[Path, Any, Options], int]:
    return lambda path, records, options: write(path, records, problems=options.problems)


def _scaled(write: Callable[..., int]) -> Callable[[Path, Any, Options], int]:
    return lambda path, records, options: write(path, records, scale=options.scale)


_T2_TARGETS = {
    PASSAGES: Outlet(_spaced(msmarco.write_passages), _in(t2ranking.CORPUS)),
    QUERIES: Outlet(_spaced(msmarco.write_queries), _in("queries.{}.tsv")),
}

LAYOUTS: dict[str, Layout] = {
    "beir": Layout(
        "a folder: corpus.jsonl, queries.jsonl, qrels/{split}.tsv",
        _beir,
        {
            PASSAGES: Outlet(_plain(beir.write_passages), _in(beir.CORPUS), metadata=True),
            QUERIES: Outlet(_plain(beir.write_queries), _in(beir.QUERIES)),
            JUDGEMENTS: Outlet(_plain(beir.write_grades), _in("qrels/{}.tsv")),
        },
        is_folder=True,
    ),
    "t2ranking": Layout(
        "a folder: collection.tsv, queries.{split}.tsv, qrels.retrieval.{split}.tsv, train.mined.tsv",
        _t2ranking,
        {
            **_T2_TARGETS,
            JUDGEMENTS: Outlet(_plain(t2ranking.write_judgements), _in("qrels.retrieval.{}.tsv")),
            EXAMPLES: Outlet(_plain(t2ranking.write_examples), _in("train.mined.tsv"), texts=False),
        },
        is_folder=True,
    ),
    "t2ranking-graded": Layout(
        "the same with qrels.{split}.tsv, graded; also a folder of MS MARCO",
        lambda folder, problems: _t2ranking(folder, problems, graded=True),
        {**_T2_TARGETS, JUDGEMENTS: Outlet(_plain(multicpr.write_judgements), _in("qrels.{}.tsv"))},
        is_folder=True,
    ),
    "multicpr": Layout(
        "a folder of one domain: corpus.tsv or corpus_split_1.tsv and on, {split}.query.txt, qrels.{split}.tsv",
        _multicpr,
        {
            PASSAGES: Outlet(_spaced(multicpr.write_passages), _in(multicpr.CORPUS)),
            QUERIES: Outlet(_spaced(msmarco.write_queries), _in("{}.query.txt")),
            JUDGEMENTS: Outlet(_plain(multicpr.write_judgements), _in("qrels.{}.tsv")),
        },
        is_folder=True,
    ),
    "dureader": Layout(
        "a folder: passage-collection/, {split}/q2qid.{split}.json, {split}/{split}.json",
        _dureader,
        {
            PASSAGES: Outlet(_spaced(dureader.write_passages), lambda folder, _: folder),
            QUERIES: Outlet(_plain(dureader.write_queries), lambda folder, one: folder / one / f"q2qid.{one}.json"),
            EXAMPLES: Outlet(_plain(dureader.write_examples), lambda folder, one: folder / one / f"{one}.json"),
        },
        is_folder=True,
    ),
    "dureader-questions": Layout(
        "DuReader-retrieval's questions with answers, one object a line",
        _file(examples=dureader.read_examples, judgements=dureader.read_judgements),
        {EXAMPLES: Outlet(_plain(dureader.write_examples))},
    ),
    "dureader-run": Layout(
        "DuReader-retrieval's submission: {query id: [passage id, ...]}",
        _file(run=_unworried(dureader.read_run)),
        {RUN: Outlet(_plain(dureader.write_run))},
    ),
    "msmarco": Layout(
        "tab-separated id and text",
        _file(passages=msmarco.read_passages, queries=msmarco.read_queries),
        {PASSAGES: Outlet(_spaced(msmarco.write_passages)), QUERIES: Outlet(_spaced(msmarco.write_queries))},
    ),
    "msmarco-triples": Layout(
        "tab-separated query, positive, negative",
        _file(examples=msmarco.read_triples),
        {EXAMPLES: Outlet(_spaced(msmarco.write_triples))},
    ),
    "msmarco-top1000": Layout(
        "tab-separated query id, passage id, query, passage",
        _file(passages=msmarco.read_candidate_passages, queries=msmarco.read_candidate_queries),
        {},
    ),
    "trec-run": Layout("a TREC run", _file(run=trec.read_run), {RUN: Outlet(_plain(trec.write_run))}),
    "trec-qrels": Layout(
        "TREC's judgements", _file(judgements=trec.read_grades), {JUDGEMENTS: Outlet(_plain(trec.write_grades))}
    ),
    "jsonl": Layout(
        "a passage a line: _id or id, title, text, metadata, parent",
        _file(passages=jsonl.read_passages),
        {PASSAGES: Outlet(_plain(beir.write_passages), metadata=True), QUERIES: Outlet(_plain(beir.write_queries))},
    ),
    "table": Layout("CSV or TSV with a header", _file(passages=tables.read_passages), {}),
    "rocketqa": Layout(
        "tab-separated query, title, passage, label; reads six columns too",
        _file(examples=rocketqa.read_examples),
        {EXAMPLES: Outlet(_spaced(rocketqa.write_examples))},
    ),
    "rocketqa-pairs": Layout(
        "tab-separated query, title, positive, title, negative, 0",
        _file(examples=rocketqa.read_examples),
        {EXAMPLES: Outlet(_spaced(rocketqa.write_pairs))},
    ),
    "tevatron": Layout(
        "training examples with their passages' texts; reads both generations",
        _file(examples=tevatron.read_examples),
        {EXAMPLES: Outlet(_plain(tevatron.write_examples))},
    ),
    "tevatron-ids": Layout(
        "training examples with their passages' ids; reads both generations",
        _file(examples=tevatron.read_examples),
        {EXAMPLES: Outlet(_plain(tevatron.write_named_examples), texts=False)},
    ),
    "tevatron-corpus": Layout(
        "a passage a line: docid, title, text",
        _file(passages=tevatron.read_passages),
        {PASSAGES: Outlet(_plain(tevatron.write_passages))},
    ),
    "flagembedding": Layout(
        "training examples: query, pos, neg, pos_scores, neg_scores, prompt",
        _file(examples=flagembedding.read_examples),
        {EXAMPLES: Outlet(_plain(flagembedding.write_examples))},
    ),
    "pyserini": Layout(
        "JsonCollection: id, contents",
        _file(passages=pyserini.read_passages),
        {PASSAGES: Outlet(_plain(pyserini.write_passages))},
    ),
    "pyserini-vectors": Layout(
        "JsonVectorCollection: id, contents, vector",
        _file(weights=pyserini.read_weights, passages=pyserini.read_passages),
        {WEIGHTS: Outlet(_scaled(pyserini.write_weights))},
    ),
    "ciff": Layout(
        "Common Index File Format", _file(weights=ciff.read_weights), {WEIGHTS: Outlet(_scaled(ciff.write_weights))}
    ),
    "parquet": Layout(
        "a table, or a folder of them",
        _file(
            passages=parquet.read_passages,
            queries=parquet.read_queries,
            judgements=_unworried(parquet.read_judgements),
            examples=parquet.read_examples,
        ),
        {
            PASSAGES: Outlet(_plain(parquet.write_passages)),
            QUERIES: Outlet(_plain(parquet.write_queries)),
            JUDGEMENTS: Outlet(_plain(parquet.write_judgements)),
            EXAMPLES: Outlet(_plain(parquet.write_examples)),
        },
    ),
    "ir_datasets": Layout("ir_datasets:ID, read by that package", _irds, {}, is_folder=True),
    "bulk": Layout(
        "lines for Elasticsearch and OpenSearch",
        _file(passages=_bulk_passages, weights=_weights),
        {
            PASSAGES: Outlet(_plain(bulk.write_passages)),
            WEIGHTS: Outlet(_plain(bulk.write_weights)),
        },
    ),
}
"""Every format by the name that `vizsla convert` takes."""


def target_of(path: Path) -> str | None:
    """The format that a name to be written says for certain; None where it says none."""
    return {".parquet": "parquet", ".ciff": "ciff"}.get(bare_suffix(path))
