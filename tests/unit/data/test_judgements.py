import gzip
from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.corpus import Corpus
from vizsla.data.formats import beir, trec
from vizsla.data.judgements import Judgements
from vizsla.data.problems import Problems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    beir.write_queries(tmp_path / "queries.jsonl.gz", {"q1": "one?", "q2": "two?", "q3": "", "7": "seven?"})
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq1\ta\t2\nq1\tb\t0\n7\ta\t-1\n")
    (tmp_path / "qrels" / "test.tsv.gz").write_bytes(gzip.compress(b"q2\tb\t1\nnobody\tb\t1\nq2\tb\t2\nq3\ta\t1\n"))
    return tmp_path


def test_a_split_is_read_without_the_queries_it_leaves_out(folder: Path) -> None:
    read = Judgements.read(folder, split="dev")
    assert read == Judgements({"q1": "one?", "7": "seven?"}, {"q1": {"a": 2, "b": 0}, "7": {"a": -1}})
    assert read.counts == {"queries": 2, "judgements": 3, "relevant": 1}
    assert read.problems.counts == {"empty_query": 1}


def test_what_is_wrong_is_noted_and_what_is_judged_is_kept(folder: Path) -> None:
    problems = Problems()
    read = Judgements.read(folder, problems=problems)
    assert read.grades == {"q2": {"b": 1}, "q3": {"a": 1}}
    assert read.queries["q3"] == ""
    assert problems is read.problems
    assert problems.counts == {"duplicate_judgement": 1, "empty_query": 1, "unknown_id": 1}


def test_an_unknown_split_names_those_that_exist(folder: Path) -> None:
    with pytest.raises(DataError, match=r"'train'; splits that are there: dev, test"):
        Judgements.read(folder, split="train")
    with pytest.raises(DataError, match=r"found no judgements; wanted .* with qrels/test\.tsv"):
        Judgements.read(folder / "qrels")
    with pytest.raises(DataError, match="is not there; wanted a folder in the layout of BEIR"):
        Judgements.read(folder / "absent")


def test_judgements_of_absent_passages_are_counted(folder: Path) -> None:
    read = Judgements.read(folder, split="dev")
    assert read.check(Corpus.build([Passage("a", "x"), Passage("b", "y")]).ids) == 0
    assert read.check(Corpus.build([Passage("b", "y")]).ids) == 2
    assert read.problems.counts["unknown_id"] == 2
    assert read.check(Corpus.build([]).ids) == 3
    assert Judgements({}, {}).check(Corpus.build([]).ids) == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q1\ta", "2 tab-separated columns"),
        ("q1\t0\ta\t1", "4 tab-separated columns"),
        ("q1\ta\t1.0", "'1.0' as a grade"),
        ("q1\ta\tx", "'x' as a grade"),
        ("q1\ta\t1_0", "as a grade"),
        ("q1\ta\t12345678901", "as a grade"),
        ("\ta\t1", "empty id"),
        ("query-id\tcorpus-id\tscore", "'score' as a grade"),
    ],
)
def test_a_line_that_is_no_judgement_is_refused(folder: Path, line: str, message: str) -> None:
    (folder / "qrels" / "dev.tsv").write_text(f"query-id\tcorpus-id\tscore\nq1\tb\t1\n{line}\n")
    with pytest.raises(DataError, match=rf"dev\.tsv:3: found .*{message}"):
        Judgements.read(folder, split="dev")


def test_judgements_are_written_and_read_in_both_formats(tmp_path: Path) -> None:
    grades = {"q1": {"a": 2, "b": 0}, "q 2": {"a": -1}}
    assert beir.write_grades(tmp_path / "qrels" / "dev.tsv.zst", grades) == 3
    read = list(beir.read_judgements(tmp_path, split="dev", problems=Problems(strict=True)))
    assert [one[:3] for one in read] == [("q1", "a", 2), ("q1", "b", 0), ("q 2", "a", -1)]
    with pytest.raises(DataError, match="without tabs"):
        beir.write_grades(tmp_path / "x.tsv", {"q\t": {"a": 1}})
    with pytest.raises(DataError, match="white space"):
        trec.write_grades(tmp_path / "x", grades)
    trec.write_grades(tmp_path / "x.gz", {"q1": grades["q1"]})
    found = list(trec.read_grades(tmp_path / "x.gz", problems=Problems(strict=True)))
    assert [one[:3] for one in found] == [("q1", "a", 2), ("q1", "b", 0)]
