"""Whatever bytes a file holds, its reader gives records or a DataError; what is written is read again."""

import contextlib
import io
import logging
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.core.errors import DataError, VizslaError
from vizsla.core.protocols import Passage
from vizsla.data import wire
from vizsla.data.conversion import ConversionSettings, convert
from vizsla.data.detection import detect
from vizsla.data.examples import Example
from vizsla.data.formats import (
    bulk,
    ciff,
    dureader,
    flagembedding,
    msmarco,
    multicpr,
    parquet,
    pyserini,
    rocketqa,
    t2ranking,
    tevatron,
    trec,
)
from vizsla.data.layouts import LAYOUTS
from vizsla.data.problems import Problems
from vizsla.data.records import TermWeights

from .test_readers import HOSTILE

Reader: TypeAlias = Callable[[Path, Problems], Iterator[Any]]

READERS: dict[str, Reader] = {
    "triples.tsv": lambda path, problems: msmarco.read_triples(path, problems=problems),
    "top1000.dev": lambda path, problems: msmarco.read_candidates(path, problems=problems),
    "qrels.retrieval.train.tsv": lambda path, problems: t2ranking.read_pairs(path, problems=problems),
    "train.mined.tsv": lambda path, problems: t2ranking.read_examples(path, {"1": {"7": 1}}, problems=problems),
    "corpus.tsv": lambda path, problems: multicpr.read_passages(path.parent, problems=problems),
    "corpus_split_1.tsv": lambda path, problems: multicpr.read_passages(path.parent, problems=problems),
    "dev.query.txt": lambda path, problems: multicpr.read_queries(path.parent, split="dev", problems=problems),
    "rocketqa.tsv": lambda path, problems: rocketqa.read_examples(path, problems=problems),
    "dual.tsv": lambda path, problems: rocketqa.read_examples(path, problems=problems),
    "q2qid.dev.json": lambda path, problems: dureader.read_queries(path, problems=problems),
    "dev.json": lambda path, problems: dureader.read_judgements(path, problems=problems),
    "train.json": lambda path, problems: dureader.read_examples(path, problems=problems),
    "submit.json": lambda path, _: dureader.read_run(path),
    "tevatron.jsonl": lambda path, problems: tevatron.read_examples(path, problems=problems),
    "newer.jsonl": lambda path, problems: tevatron.read_examples(path, problems=problems),
    "tevatron-corpus.jsonl": lambda path, problems: tevatron.read_passages(path, problems=problems),
    "flag.jsonl": lambda path, problems: flagembedding.read_examples(path, problems=problems),
    "pyserini.jsonl": lambda path, problems: pyserini.read_passages(path, problems=problems),
    "vectors.jsonl": lambda path, problems: pyserini.read_weights(path, problems=problems),
    "bulk.ndjson": lambda path, problems: bulk.read(path, problems=problems),
    "x.ciff": lambda path, problems: ciff.read_weights(path, problems=problems),
    "y.ciff": lambda path, problems: ciff.read(path, problems=problems),
}
PARAGRAPHS = '"answer_paragraphs": [{"paragraph_id": "a1", "paragraph_text": "文本"}]'
OLDER = '{"query_id": "1", "query": "q", "positive_passages": [{"docid": "7", "title": "t", "text": "文"}]'


def small_ciff() -> bytes:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "x.ciff")
        ciff.write_weights(path, [TermWeights("a", {"x": 1.0, "文": 300.0}), TermWeights("b", {"文": 2.0})])
        return path.read_bytes()


TEXTS_OF: dict[str, str] = {
    "triples.tsv": "q\tyes\tno\nq\t是\t不\n",
    "top1000.dev": "1\t7\tq\ttext\n1\t8\tq\t文本\n",
    "qrels.retrieval.train.tsv": "qid\tpid\n1\t7\n1\t8\n",
    "train.mined.tsv": "1\t7\t0\t2.5\n1\t8\t1\t1.5\n",
    "corpus.tsv": "1\ttext\n2\ttitle\t文本\n",
    "corpus_split_1.tsv": "1\ttext\n",
    "dev.query.txt": "1\twhat\n2\t谁\n",
    "rocketqa.tsv": "q\t-\tyes\t1\nq\ttitle\t不\t0\n",
    "dual.tsv": "q\t-\tyes\ttitle\t不\t0\n",
    "q2qid.dev.json": '{"谁\\u0041": "1", "what\\n": "2"}\n',
    "dev.json": f'{{"question_id": "1", "question": "q", {PARAGRAPHS}}}\n',
    "train.json": f'{{"question": "q", {PARAGRAPHS}, "negative_paragraphs": [{{"paragraph_text": "n"}}]}}\n',
    "submit.json": '{"1": ["a", "b"], "2": []}',
    "tevatron.jsonl": OLDER + ', "negative_passages": []}\n',
    "newer.jsonl": '{"query_id": 1, "query_text": "q", "positive_document_ids": ["7"]}\n',
    "tevatron-corpus.jsonl": '{"docid": 1, "text": "文"}\n{"docid": "2", "document_text": "x", "title": "t"}\n',
    "flag.jsonl": '{"query": "q", "pos": ["a"], "neg": ["b", "c"], "neg_scores": [1, 0.5], "prompt": "p"}\n',
    "pyserini.jsonl": '{"id": "1", "contents": "文"}\n',
    "vectors.jsonl": '{"id": "1", "contents": "", "vector": {"a": 1, "文": 2.5}}\n',
    "bulk.ndjson": '{"index": {"_id": "1"}}\n{"text": "x", "weights": {"a": 1}, "vector": [0.5]}\n',
}
VALID: dict[str, bytes] = {name: text.encode() for name, text in TEXTS_OF.items()}
VALID |= dict.fromkeys(("x.ciff", "y.ciff"), small_ciff())


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    log = logging.getLogger("vizsla")
    level = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(level)


def read(name: str, content: bytes) -> tuple[list[Any], Problems]:
    problems = Problems()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, name)
        path.write_bytes(content)
        return list(READERS[name](path, problems)), problems


def refusal(name: str, content: bytes) -> str | None:
    """What a reader says against a file; None where it reads it. Any other error is raised."""
    try:
        read(name, content)
    except DataError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", READERS)
def test_the_valid_files_are_read(name: str) -> None:
    found, problems = read(name, VALID[name])
    assert found
    assert not problems.counts


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=50, deadline=None)
@given(content=st.lists(st.binary(max_size=20) | st.sampled_from(HOSTILE), max_size=8).map(b"".join))
def test_any_bytes_give_records_or_a_data_error(name: str, content: bytes) -> None:
    refusal(name, content)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_mutated_files_give_records_or_a_data_error(name: str, data: st.DataObject) -> None:
    content = VALID[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(start, min(start + 4, len(content))))
        put = data.draw(st.binary(max_size=3) | st.sampled_from(HOSTILE))
        content = content[:start] + put + content[stop:]
    said = refusal(name, content)
    assert said is None or name in said


@settings(max_examples=80, deadline=None)
@given(
    part=st.lists(st.sampled_from([b"-\t-\t\xe6\x96\x87\t-\n", b"\t\t\t\n", *HOSTILE]), max_size=4).map(b"".join),
    ids=st.lists(st.sampled_from([b'{"0": "a"', b', "1": "b"', b"}", b'{"0":"\\u6587"}', *HOSTILE]), max_size=4).map(
        b"".join
    ),
)
def test_a_part_and_its_map_give_passages_or_a_data_error(part: bytes, ids: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        collection = Path(place, "passage-collection")
        collection.mkdir()
        (collection / "part-00").write_bytes(part)
        (collection / "passage2id.map.json").write_bytes(ids)
        with contextlib.suppress(DataError):
            assert len(list(dureader.read_passages(place, problems=Problems()))) <= part.count(b"\n") + 1


@settings(max_examples=80, deadline=None)
@given(
    name=st.sampled_from(["x", "x.tsv", "x.jsonl", "x.json", "x.csv", "qrels.x", "run.gz"]),
    content=st.lists(st.binary(max_size=9) | st.sampled_from([*HOSTILE, *VALID.values()]), max_size=4).map(b"".join),
)
def test_any_bytes_have_a_format_or_are_refused(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place, name).write_bytes(content)
        try:
            assert detect(Path(place, name)) in LAYOUTS
        except VizslaError as error:
            assert name in str(error)  # noqa: PT017 - either of the two is right


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_mutated_tables_give_rows_or_a_data_error(data: st.DataObject) -> None:
    arrow = pytest.importorskip("pyarrow", reason="needs the extra parquet")
    tables = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")
    whole = io.BytesIO()
    tables.write_table(arrow.table({"_id": ["1", "2"], "title": ["", "t"], "text": ["a", "文"]}), whole)
    content = bytearray(whole.getvalue())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "x.parquet")
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
        with contextlib.suppress(DataError):
            list(parquet.read_passages(path, problems=Problems()))


IDS = st.text("abc1_文", min_size=1, max_size=4)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=8).filter(
    lambda text: bool(text.strip()) and not text.startswith("\ufeff") and text.strip() != "-"
)
PASSAGES = st.lists(st.builds(Passage, id=IDS, text=TEXTS), max_size=6, unique_by=lambda one: one.id)
TITLED = st.lists(
    st.builds(Passage, id=IDS, text=TEXTS, title=TEXTS | st.just("")), max_size=6, unique_by=lambda one: one.id
)


@st.composite
def examples(draw: st.DrawFn, *, scores: bool = False, ids: bool = False, titles: bool = True) -> Example:
    one = st.builds(
        Passage, id=IDS if ids else st.just(""), text=TEXTS, title=TEXTS | st.just("") if titles else st.just("")
    )
    positives, negatives = draw(st.lists(one, min_size=1, max_size=3)), draw(st.lists(one, min_size=1, max_size=3))
    numbers = st.floats(-1e6, 1e6, width=32)
    more: dict[str, Any] = {}
    if scores:
        more["positive_scores"] = tuple(draw(numbers) for _ in positives)
        more["negative_scores"] = tuple(draw(numbers) for _ in negatives)
        more["prompt"] = draw(TEXTS | st.just(""))
    return Example(draw(TEXTS), tuple(positives), tuple(negatives), query_id=draw(IDS) if ids else "", **more)


def back(write: Callable[[Path], int], reading: Callable[[Path], Iterator[tuple[Any, ...]]], count: int) -> list[Any]:
    """What a reader finds in what a writer wrote, the places left off."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "x")
        assert write(path) == count
        return [one[0] if len(one) == 2 else one[:-1] for one in reading(path)]


STRICT = Problems(strict=True)


def writing(write: Callable[..., int], passages: list[Passage]) -> Callable[[Path], int]:
    return lambda path: write(path, passages, problems=STRICT)


def bulk_passages(path: Path) -> Iterator[tuple[Passage, str]]:
    return ((record.passage, where) for record, where in bulk.read(path, problems=STRICT))


@settings(max_examples=40, deadline=None)
@given(passages=PASSAGES, titled=TITLED)
def test_passages_come_back(passages: list[Passage], titled: list[Passage]) -> None:
    ways: list[tuple[Callable[[Path], int], Callable[[Path], Iterator[Any]], list[Passage]]] = [
        (writing(msmarco.write_passages, passages), partial(msmarco.read_passages, problems=STRICT), passages),
        (lambda p: pyserini.write_passages(p, passages), partial(pyserini.read_passages, problems=STRICT), passages),
        (lambda p: tevatron.write_passages(p, titled), partial(tevatron.read_passages, problems=STRICT), titled),
        (lambda p: bulk.write_passages(p, titled), bulk_passages, titled),
    ]
    if titled:
        parts: Callable[[Path], Iterator[Any]] = partial(dureader.read_passages, problems=STRICT)
        ways.append((writing(dureader.write_passages, titled), parts, titled))
    for write, reading, wanted in ways:
        assert back(write, reading, len(wanted)) == wanted
    with tempfile.TemporaryDirectory() as place:
        multicpr.write_passages(Path(place, "corpus.tsv"), titled, problems=STRICT)
        assert [one for one, _ in multicpr.read_passages(place, problems=STRICT)] == titled


@settings(max_examples=40, deadline=None)
@given(
    scored=st.lists(examples(scores=True, titles=False), max_size=4),
    named=st.lists(examples(ids=True), max_size=4),
)
def test_examples_come_back(scored: list[Example], named: list[Example]) -> None:
    found = back(
        lambda p: flagembedding.write_examples(p, scored),
        lambda p: flagembedding.read_examples(p, problems=STRICT),
        len(scored),
    )
    assert found == scored
    found = back(
        lambda p: tevatron.write_examples(p, named), lambda p: tevatron.read_examples(p, problems=STRICT), len(named)
    )
    assert found == named
    found = back(
        lambda p: tevatron.write_named_examples(p, named),
        lambda p: tevatron.read_examples(p, problems=STRICT),
        len(named),
    )
    bare = [[tuple(Passage(p.id, "") for p in side) for side in (one.positives, one.negatives)] for one in named]
    assert [[one.positives, one.negatives] for one in found] == bare


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(examples(), max_size=4, unique_by=lambda one: one.query))
def test_lines_of_texts_come_back(rows: list[Example]) -> None:
    count = sum(len(one.positives) + len(one.negatives) for one in rows)
    found = back(
        lambda p: rocketqa.write_examples(p, rows, problems=STRICT),
        lambda p: rocketqa.read_examples(p, problems=STRICT),
        count,
    )
    assert found == rows
    pairs = [(one.query, p, n) for one in rows for p in one.positives for n in one.negatives]
    found = back(
        lambda p: rocketqa.write_pairs(p, rows, problems=STRICT),
        lambda p: rocketqa.read_examples(p, problems=STRICT),
        len(pairs),
    )
    assert [(one.query, *one.positives, *one.negatives) for one in found] == pairs
    found = back(
        lambda p: msmarco.write_triples(p, rows, problems=STRICT),
        lambda p: msmarco.read_triples(p, problems=STRICT),
        len(pairs),
    )
    joined = [(q, *(Passage("", f"{x.title} {x.text}" if x.title else x.text) for x in (p, n))) for q, p, n in pairs]
    assert [(one.query, *one.positives, *one.negatives) for one in found] == joined


TERMS = st.dictionaries(st.text("abc文 .", min_size=1, max_size=3), st.integers(1, 2**28), max_size=6)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(TERMS, max_size=40))
def test_whole_weights_come_back(rows: list[dict[str, int]]) -> None:
    weights = [TermWeights(f"p{number}", row) for number, row in enumerate(rows)]
    for write, reading in ((ciff.write_weights, ciff.read_weights), (pyserini.write_weights, pyserini.read_weights)):
        found = back(
            lambda p, write=write: write(p, weights),  # type: ignore[misc]
            lambda p, reading=reading: reading(p, problems=STRICT),  # type: ignore[misc]
            len(weights),
        )
        assert found == weights


@given(values=st.lists(st.integers(0, 2**64 - 1), max_size=30))
def test_varints_come_back(values: list[int]) -> None:
    array = np.array(values, dtype=np.uint64)
    content = wire.varint_bytes(array)
    assert content == b"".join(map(wire.varint, values))
    found, sizes = wire.varints(content, "here")
    assert found.tolist() == values
    assert sizes.tolist() == [len(wire.varint(value)) for value in values]


@settings(max_examples=40, deadline=None)
@given(ranking=st.lists(IDS, min_size=1, max_size=5, unique=True))
def test_runs_keep_their_order(ranking: list[str]) -> None:
    run = [trec.RunLine("q", one, rank, float(-rank), "x") for rank, one in enumerate(ranking, 1)]
    with tempfile.TemporaryDirectory() as place:
        trec.write_run(Path(place, "run"), run)
        convert(Path(place, "run"), Path(place, "x.json"), ConversionSettings("trec-run", "dureader-run"))
        assert [line for line, _ in dureader.read_run(Path(place, "x.json"))] == run
