from collections.abc import Iterator
from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.examples import Example
from vizsla.data.formats import t2ranking
from vizsla.data.problems import Problems

STRICT = Problems(strict=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "collection.tsv": "0\tein Text\n1\t文本\n2\tmore\n",
        "queries.train.tsv": "7\twhat\n8\t谁\n",
        "queries.dev.tsv": "7\tanother\n",
        "qrels.retrieval.train.tsv": "7\t1\n8\t0\n",
        "qrels.retrieval.dev.tsv": "qid\tpid\n7\t2\n",
        "qrels.train.tsv": "7 0 1 3\n7 0 0 0\n",
        "train.bm25.tsv": "7\t0\t0\n7\t1\t1\n7\t2\t2\n8\t2\t0\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def test_the_folder_is_known_and_its_splits_told_apart(folder: Path) -> None:
    assert t2ranking.is_folder(folder)
    assert t2ranking.splits(folder, t2ranking.QUERIES) == ["dev", "train"]
    assert t2ranking.splits(folder, t2ranking.JUDGEMENTS) == ["dev", "train"]
    assert t2ranking.splits(folder, t2ranking.GRADES) == ["train"]
    (folder / "queries.train.tsv").unlink()
    (folder / "queries.dev.tsv").unlink()
    assert not t2ranking.is_folder(folder)


def test_both_kinds_of_qrels(folder: Path) -> None:
    found = t2ranking.read_judgements(folder, split="dev", problems=STRICT)
    assert list(found) == [("7", "2", 1, f"{folder / 'qrels.retrieval.dev.tsv'}:2")]
    graded = [one[:3] for one in t2ranking.read_grades(folder, split="train", problems=STRICT)]
    assert graded == [("7", "1", 3), ("7", "0", 0)]
    queries = [one[:2] for one in t2ranking.read_queries(folder, split="dev", problems=STRICT)]
    assert queries == [("7", "another")]


def test_mined_candidates_are_examples_of_ids_without_the_positives(folder: Path) -> None:
    found = [one for one, _ in t2ranking.read_training(folder, problems=STRICT)]
    assert found == [
        Example("", (Passage("1", ""),), (Passage("0", ""), Passage("2", "")), query_id="7"),
        Example("", (Passage("0", ""),), (Passage("2", ""),), query_id="8"),
    ]


def test_scores_and_problems_of_candidates(tmp_path: Path) -> None:
    path = tmp_path / "train.mined.tsv"
    path.write_text("7\t0\t0\t2.5\n7\t0\t1\t2.5\n7\t1\t2\t-1e0\n9\t0\t0\t1\n")
    problems = Problems()
    found = list(t2ranking.read_examples(path, {"7": {"5": 1}}, problems=problems))
    assert [(one.negative_scores, place) for one, place in found] == [((2.5, -1.0), f"{path}:1")]
    assert problems.counts == {"duplicate_hit": 1, "unknown_id": 1}
    t2ranking.write_examples(tmp_path / "again.tsv", [found[0][0]])
    assert (tmp_path / "again.tsv").read_text() == "7\t0\t0\t2.5\n7\t1\t1\t-1\n"


def test_judgements_are_written_as_pairs(tmp_path: Path) -> None:
    assert t2ranking.write_judgements(tmp_path / "q.tsv", {"7": {"1": 2, "0": 0}}) == 1
    assert (tmp_path / "q.tsv").read_text() == "7\t1\n"


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("qrels.retrieval.dev.tsv", "7 2", "found 1 tab-separated columns"),
        ("qrels.retrieval.dev.tsv", "7\t", "found an empty id"),
        ("train.bm25.tsv", "7\t0\t0\tfar", "'far' as a score"),
        ("train.bm25.tsv", "7\t0", "found 2 tab-separated columns"),
    ],
)
def test_another_shape_is_refused(folder: Path, name: str, line: str, message: str) -> None:
    first = "7\t1" if "dev" in name else "7\t1\t0"
    (folder / name).write_text(f"{first}\n{line}\n")
    judged = t2ranking.read_judgements(folder, split="dev", problems=STRICT)
    found: Iterator[object] = judged if "dev" in name else t2ranking.read_training(folder, problems=STRICT)
    with pytest.raises(DataError, match=rf"{name}:2: .*{message}"):
        list(found)


def test_a_missing_split_is_named_with_what_is_there(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no queries\.test\.tsv; .*queries\.dev\.tsv"):
        t2ranking.read_queries(folder, split="test", problems=STRICT)


def test_examples_without_ids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wanted ids"):
        t2ranking.write_examples(tmp_path / "x", [Example("q", (), (Passage("", "text"),))])
