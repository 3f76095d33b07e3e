import json
from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.formats import beir
from vizsla.data.problems import Problems


def test_a_folder_without_its_files_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"found no corpus\.jsonl, corpus\.jsonl\.gz"):
        beir.read_passages(tmp_path, problems=Problems())
    with pytest.raises(DataError, match=r"found no queries\.jsonl"):
        list(beir.read_queries(tmp_path, problems=Problems()))


def test_every_passage_needs_its_id(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"id": "1", "text": "x"}')
    with pytest.raises(DataError, match=r"corpus\.jsonl:1: found the keys 'id, text'; wanted '_id'"):
        list(beir.read_passages(tmp_path, problems=Problems()))


def test_ids_may_be_numbers(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id": 1, "text": "x"}\n{"_id": -2, "title": "t", "text": "y"}')
    (tmp_path / "queries.jsonl").write_text('{"_id": 3, "text": "q", "metadata": {}}')
    assert [one for one, _ in beir.read_passages(tmp_path, problems=Problems())] == [
        Passage("1", "x"),
        Passage("-2", "y", title="t"),
    ]
    assert list(beir.read_queries(tmp_path, problems=Problems())) == [("3", "q", f"{tmp_path / 'queries.jsonl'}:1")]


def test_splits_are_named_once_and_sorted(tmp_path: Path) -> None:
    (tmp_path / "qrels").mkdir()
    for name in ("test.tsv", "dev.tsv.gz", "train.tsv.zst", "notes.txt"):
        (tmp_path / "qrels" / name).write_bytes(b"")
    assert beir.splits(tmp_path) == ["dev", "test", "train"]
    assert beir.splits(tmp_path / "qrels") == []


def test_the_header_is_optional_and_broken_ids_are_noted(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_bytes(b"q 1\tp\t 1 \r\n\nq\t\xff\t1\n")
    problems = Problems()
    assert list(beir.read_grades(tmp_path / "x.tsv", problems=problems)) == [("q 1", "p", 1, f"{tmp_path / 'x.tsv'}:1")]
    assert problems.counts == {"broken_utf8": 1}


def test_what_is_written_is_the_outside_layout(tmp_path: Path) -> None:
    assert beir.write_passages(tmp_path / "corpus.jsonl", [Passage("1", "文\n", title="t")]) == 1
    assert json.loads((tmp_path / "corpus.jsonl").read_text("utf-8")) == {"_id": "1", "title": "t", "text": "文\n"}
    assert beir.write_queries(tmp_path / "queries.jsonl", {"q": "?"}) == 1
    assert json.loads((tmp_path / "queries.jsonl").read_text("utf-8")) == {"_id": "q", "text": "?"}
    beir.write_grades(tmp_path / "dev.tsv", {"q": {"1": 2}})
    assert (tmp_path / "dev.tsv").read_text() == "query-id\tcorpus-id\tscore\nq\t1\t2\n"


def test_half_a_surrogate_pair_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="half a surrogate pair"):
        beir.write_passages(tmp_path / "corpus.jsonl", [Passage("1", "\ud800")])
    assert list(tmp_path.iterdir()) == []


def test_metadata_and_parents_come_back(tmp_path: Path) -> None:
    passages = [
        Passage("1", "x", metadata={"lang": "zh", "tags": ["a"], "n": {"deep": None}}, parent="book"),
        Passage("2", "x", metadata={"parent": "a field like others"}),
        Passage("3", "x", parent="3"),
    ]
    beir.write_passages(tmp_path / "corpus.jsonl", passages)
    problems = Problems(strict=True)
    assert [one for one, _ in beir.read_passages(tmp_path, problems=problems)] == passages
    with pytest.raises(DataError, match="which JSON cannot hold"):
        beir.write_passages(tmp_path / "corpus.jsonl", [Passage("1", "x", metadata={"n": object()})])
