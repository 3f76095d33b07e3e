from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.formats import multicpr
from vizsla.data.problems import Problems

STRICT = Problems(strict=True)


def test_a_corpus_in_parts_is_read_in_their_order(tmp_path: Path) -> None:
    for number in (2, 1, 10, 3, 5):
        (tmp_path / f"corpus_split_{number}.tsv").write_text(f"{number}\ttext\n")
    (tmp_path / "dev.query.txt").write_text("q\twhat\n")
    assert multicpr.is_folder(tmp_path)
    # After part 3 there is none numbered 4: 5 and 10 are not its continuation.
    assert [one.id for one, _ in multicpr.read_passages(tmp_path, problems=STRICT)] == ["1", "2", "3"]
    (tmp_path / "corpus.tsv").write_text("1\ttext\n")
    with pytest.raises(DataError, match=r"corpus\.tsv and corpus_split_1\.tsv"):
        multicpr.read_passages(tmp_path, problems=STRICT).__next__()


def test_two_and_three_columns(tmp_path: Path) -> None:
    (tmp_path / "corpus.tsv").write_text("1\ttext\n2\ttitle\t文本\n3\t\t\n4\ttitle\t\n", encoding="utf-8")
    problems = Problems()
    found = [one for one, _ in multicpr.read_passages(tmp_path, problems=problems)]
    assert found == [Passage("1", "text"), Passage("2", "文本", "title"), Passage("4", "", "title")]
    assert problems.counts == {"empty": 1}
    (tmp_path / "corpus.tsv").write_text("1\ta\tb\tc\n")
    with pytest.raises(DataError, match=r"corpus\.tsv:1: found 4 tab"):
        list(multicpr.read_passages(tmp_path, problems=STRICT))


def test_queries_and_judgements_of_a_split(tmp_path: Path) -> None:
    (tmp_path / "train.query.txt").write_text("1\t手机\n", encoding="utf-8")
    assert multicpr.write_judgements(tmp_path / "qrels.train.tsv", {"1": {"9": 1}}) == 1
    assert (tmp_path / "qrels.train.tsv").read_text() == "1\t0\t9\t1\n"
    assert multicpr.splits(tmp_path) == ["train"]
    assert [one[:2] for one in multicpr.read_queries(tmp_path, split="train", problems=STRICT)] == [("1", "手机")]
    judged = multicpr.read_judgements(tmp_path, split="train", problems=STRICT)
    assert [one[:3] for one in judged] == [("1", "9", 1)]
    with pytest.raises(DataError, match=r"no dev\.query\.txt; .*splits there: train"):
        multicpr.read_queries(tmp_path, split="dev", problems=STRICT)


def test_no_corpus_is_said(tmp_path: Path) -> None:
    assert not multicpr.is_folder(tmp_path)
    with pytest.raises(DataError, match=r"no corpus\.tsv and no corpus_split_1\.tsv"):
        list(multicpr.read_passages(tmp_path, problems=STRICT))
