"""Whatever bytes a file holds, a reader gives records or a DataError, and no record is lost unsaid."""

import contextlib
import gzip
import logging
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.columns import Columns
from vizsla.data.corpus import Corpus
from vizsla.data.duplicates import SeenIds
from vizsla.data.formats import beir, folder, html, jsonl, markdown, msmarco, tables, trec
from vizsla.data.judgements import Judgements
from vizsla.data.opening import lines
from vizsla.data.problems import Problems
from vizsla.data.runs import Run
from vizsla.data.sources import read_passages

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Reader: TypeAlias = Callable[[Path, Problems], Iterator[Any]]

READERS: dict[str, Reader] = {
    "a.jsonl": lambda path, problems: jsonl.read_passages(path, problems=problems),
    "b.ndjson": lambda path, problems: read_passages(path, problems=problems),
    "corpus.jsonl": lambda path, problems: beir.read_passages(path.parent, problems=problems),
    "queries.jsonl": lambda path, problems: beir.read_queries(path.parent, problems=problems),
    "qrels/test.tsv": lambda path, problems: beir.read_judgements(path.parents[1], split="test", problems=problems),
    "collection.tsv": lambda path, problems: msmarco.read_passages(path, problems=problems),
    "queries.tsv": lambda path, problems: msmarco.read_queries(path, problems=problems),
    "c.tsv": lambda path, problems: read_passages(path, problems=problems),
    "d.csv": lambda path, problems: tables.read_passages(path, problems=problems),
    "e.tsv": lambda path, problems: tables.read_passages(path, columns=Columns(id="id"), problems=problems),
    "run": lambda path, problems: trec.read_run(path, problems=problems),
    "qrels.txt": lambda path, problems: trec.read_grades(path, problems=problems),
    "run.trec": lambda path, problems: iter(Run.read(path, problems=problems).rankings),
    "f.txt": lambda path, problems: folder.read_passages(path.parent, problems=problems),
    "g.md": lambda path, problems: folder.read_passages(path.parent, problems=problems),
    "h.html": lambda path, problems: folder.read_passages(path.parent, problems=problems),
}
VALID: dict[str, str] = {
    "a.jsonl": '{"id": "1", "text": "ein Text"}\n{"id": 2, "text": "文本", "title": "t"}\n',
    "b.ndjson": '{"text": "one"}\n{"text": "two"}\n',
    "corpus.jsonl": '{"_id": "1", "title": "", "text": "ein Text"}\n{"_id": "1", "title": "t", "text": "文本"}\n',
    "queries.jsonl": '{"_id": "q1", "text": "what?"}\n{"_id": "q2", "text": ""}\n',
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\t1\t1\nq1\t2\t-1\n",
    "collection.tsv": "1\tein Text\n2\t文本\n",
    "queries.tsv": "1\twhat?\n2\t谁\n",
    "c.tsv": "1\tein Text\n2\t文本\n",
    "d.csv": 'id,title,text\n1,,"a ""quoted""\ntext"\n2,t,文本\n',
    "e.tsv": "id\ttext\n1\tein Text\n2\t文本\n",
    "run": "q1 Q0 1 1 2.5 tag\nq1 Q0 2 2 1.5 tag\n",
    "qrels.txt": "q1 0 1 1\nq1 0 2 -1\n",
    "run.trec": "q1 Q0 1 1 2.5 tag\nq1 Q0 2 2 1.5 tag\n",
    "f.txt": "One. Two.\n\nThree. 四五六。\n",
    "g.md": "# A\n\ntext\n\n```\n# code\n```\n## B\n",
    "h.html": "<title>t</title><body><h1>A</h1><p>text &amp; more<pre> x </pre><!-- c --><script>x</script></body>",
}
HOSTILE = [
    *(b"\xef\xbb\xbf", b"\x00", b"\xff", b'{"', b"\\ud800", b'"', b"\r", b"\t", b"\n", b"\x1f\x8b", b"<![x[", b"nan"),
    *(b"1e999", b"1_0", "\u2028".encode(), b"[" * 2000, b"\x28\xb5\x2f\xfd", b"</", b"<!", b"&#x110000;", b"9" * 30),
]


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
        path = Path(place) / name
        path.parent.mkdir(exist_ok=True)
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
    found, problems = read(name, VALID[name].encode())
    assert found
    assert set(problems.counts) <= {"empty_query"}


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60, deadline=None)
@given(content=st.lists(st.binary(max_size=20) | st.sampled_from(HOSTILE), max_size=8).map(b"".join))
def test_any_bytes_give_records_or_a_data_error(name: str, content: bytes) -> None:
    refusal(name, content)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_mutated_files_give_records_or_a_data_error(name: str, data: st.DataObject) -> None:
    content = VALID[name].encode()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(start, min(start + 4, len(content))))
        put = data.draw(st.binary(max_size=3) | st.sampled_from(HOSTILE))
        content = content[:start] + put + content[stop:]
    assert name.rpartition("/")[2] in (refusal(name, content) or name)


@given(text=st.text(st.sampled_from("ab#`~ \n<>/!-[]&;h1pre\"='")))
@example(text="<![foo[bar]]>")
@example(text="<h1>a<br>b</h1><pre>\n x")
@settings(max_examples=300, deadline=None)
def test_markup_is_never_an_error(text: str) -> None:
    html.sections(text)
    markdown.sections(text)


PACKED = [gzip.compress, zstd.compress]


@pytest.mark.parametrize("pack", PACKED)
@given(cut=st.integers(1, 200), rows=st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_a_truncated_compressed_file_is_refused(pack: Callable[[bytes], bytes], cut: int, rows: int) -> None:
    whole = pack(b"".join(b'{"id": %d, "text": "%d"}\n' % (row, row**7) for row in range(rows)))
    name = f"x.jsonl{'.gz' if pack is gzip.compress else '.zst'}"
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, name)
        path.write_bytes(whole)
        assert len(list(read_passages(path))) == rows
        path.write_bytes(whole[: -min(cut, len(whole))])
        with pytest.raises(DataError, match=name):
            list(read_passages(path))


@pytest.mark.parametrize("pack", PACKED)
@given(place=st.integers(0, 400), value=st.integers(1, 255))
@settings(max_examples=60, deadline=None)
def test_a_damaged_compressed_file_gives_lines_or_a_data_error(
    pack: Callable[[bytes], bytes], place: int, value: int
) -> None:
    content = bytearray(pack(b"".join(b"%d\n" % row**7 for row in range(100))))
    content[place % len(content)] ^= value
    with tempfile.TemporaryDirectory() as folder_:
        path = Path(folder_, "x")
        path.write_bytes(content)
        with contextlib.suppress(DataError):
            list(lines(path))


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=5)
RECORDS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d", "e"]), st.sampled_from(["good", "empty", "broken"]), WORDS),
    max_size=20,
)


FORMS: dict[str, tuple[bytes, Callable[[bytes, bytes], bytes]]] = {
    "x.jsonl": (b"", lambda id_, text: b'{"_id":"%s","text":"%s"}' % (id_, text)),
    "x.tsv": (b"", lambda id_, text: id_ + b"\t" + text),
    "y.tsv": (b"id\ttext\ttitle\n", lambda id_, text: id_ + b"\t" + text + b"\t"),
    "x.csv": (b"text,id\n", lambda id_, text: b'"%s",%s' % (text.replace(b'"', b'""'), id_)),
}


@pytest.mark.parametrize("name", FORMS)
@given(records=RECORDS)
@settings(max_examples=60, deadline=None)
def test_no_record_is_lost_unsaid(name: str, records: list[tuple[str, str, str]]) -> None:
    header, form = FORMS[name]
    rows, kept, seen = [], 0, set()
    for id_, kind, word in records:
        text = {"good": word.replace('"', "'").replace("\\", "/").encode(), "empty": b"", "broken": b"x\xe9y"}[kind]
        rows.append(form(id_.encode(), text))
        kept += kind == "good" and id_ not in seen
        seen |= {id_} if kind == "good" else set()
    problems = Problems()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, name)
        path.write_bytes(header + b"\n".join(rows) + b"\n")
        found = list(read_passages(path, problems=problems))
    kinds = [kind for _, kind, _ in records]
    wanted = {
        "broken_utf8": kinds.count("broken"),
        "duplicate_id": kinds.count("good") - kept,
        "empty": kinds.count("empty"),
    }
    assert len(found) == kept
    assert problems.counts == {kind: count for kind, count in wanted.items() if count}


@given(
    queries=st.lists(st.sampled_from("abcd"), max_size=5),
    grades=st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xy"), st.integers(-1, 2)), max_size=12),
)
def test_no_judgement_is_lost_unsaid(queries: list[str], grades: list[tuple[str, str, int]]) -> None:
    read_ = Judgements.gather([(q, q, "f:1") for q in queries], [(*one, "f:1") for one in grades])
    problems = read_.problems.counts
    assert read_.counts["judgements"] + problems.get("unknown_id", 0) + problems.get("duplicate_judgement", 0) == len(
        grades
    )
    assert problems.get("duplicate_id", 0) == len(queries) - len(set(queries))
    assert read_.queries.keys() == read_.grades.keys() == {q for q, _, _ in grades} & set(queries)


@given(batches=st.lists(st.lists(st.text(max_size=2), max_size=6), max_size=12))
def test_seen_ids_equal_a_set(batches: list[list[str]]) -> None:
    seen, oracle = SeenIds(), set[str]()
    for batch in batches:
        wanted = []
        for one in batch:
            wanted.append(one not in oracle)
            oracle.add(one)
        assert seen.add(batch).tolist() == wanted


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PASSAGES = st.lists(
    st.builds(Passage, id=TEXTS.filter(bool), text=TEXTS, title=TEXTS), max_size=12, unique_by=lambda one: one.id
)


@given(passages=PASSAGES)
@settings(max_examples=60, deadline=None)
def test_a_corpus_gives_back_what_it_was_given(passages: list[Passage]) -> None:
    wanted = [Passage(one.id, one.text, re.sub("\r\n|\n|\r", " ", one.title)) for one in passages]
    with tempfile.TemporaryDirectory() as place:
        corpora = [Corpus.build(passages), Corpus.build(iter(passages), Path(place, "c"))]
        corpora[0].save(Path(place, "d"))
        corpora.append(Corpus.load(Path(place, "d")))
        for corpus in corpora:
            assert list(corpus) == wanted
            assert [corpus.passage(row) for row in range(len(corpus))] == wanted
            assert corpus.texts(range(len(wanted))) == [(p.title, p.text) if p.title else p.text for p in wanted]
            assert list(corpus.ids) == [one.id for one in wanted]
            assert corpus.ids.positions([one.id for one in wanted]).tolist() == list(range(len(wanted)))
            assert corpus.ids.positions([f"{one.id}!!" for one in wanted]).tolist() == [
                next((row for row, other in enumerate(wanted) if other.id == f"{one.id}!!"), -1) for one in wanted
            ]


VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS | st.lists(TEXTS, max_size=2)
SAID = st.dictionaries(TEXTS | st.just("parent"), VALUES, max_size=3)
WHOLE = st.lists(
    st.builds(Passage, id=TEXTS.filter(bool), text=TEXTS, title=TEXTS, metadata=SAID, parent=TEXTS),
    max_size=12,
    unique_by=lambda one: one.id,
)


@given(passages=WHOLE)
@settings(max_examples=60, deadline=None)
def test_what_is_written_as_beir_is_read_again(passages: list[Passage]) -> None:
    with tempfile.TemporaryDirectory() as place:
        beir.write_passages(Path(place, "corpus.jsonl.zst"), passages)
        kept = [one for one in passages if one.text.strip() or one.title.strip()]
        assert list(read_passages(place)) == kept
