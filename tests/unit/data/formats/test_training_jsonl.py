"""Tevatron's and FlagEmbedding's training lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.examples import Example
from vizsla.data.formats import flagembedding, tevatron
from vizsla.data.problems import Problems

STRICT = Problems(strict=True)


def put(path: Path, *objects: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects), encoding="utf-8")
    return path


def test_both_generations_of_tevatron(tmp_path: Path) -> None:
    path = put(
        tmp_path / "x.jsonl",
        {
            "query_id": 1,
            "query_text": "谁",
            "positive_document_ids": ["7"],
            "negative_document_ids": None,
            "answer": None,
        },
        {"query_id": "2", "query": "q", "positive_passages": [{"docid": 7, "title": "t", "text": "a"}], "answers": []},
        {"query": "q", "positive_passages": [{"text": ""}], "negative_passages": [{"document_text": "n"}]},
    )
    problems = Problems()
    assert [one for one, _ in tevatron.read_examples(path, problems=problems)] == [
        Example("谁", (Passage("7", ""),), (), query_id="1"),
        Example("q", (Passage("7", "a", "t"),), (), query_id="2"),
        Example("q", (), (Passage("", "n"),)),
    ]
    assert problems.counts == {"empty": 1}


@pytest.mark.parametrize(
    "values",
    [
        {"query": "q"},
        {"query": "q", "positive_passages": {}},
        {"query": "q", "positive_passages": ["text"]},
        {"query": "q", "positive_passages": [{"docid": "1"}]},
        {"query_text": "q", "positive_document_ids": [None]},
        {"query_text": 1, "positive_document_ids": []},
    ],
)
def test_other_tevatron_lines_are_refused(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"x\.jsonl:1: found"):
        list(tevatron.read_examples(put(tmp_path / "x.jsonl", values), problems=STRICT))


def test_tevatron_is_written_in_the_outside_layout(tmp_path: Path) -> None:
    example = Example("q", (Passage("7", "a", "t"),), (Passage("8", "b"),), query_id="1")
    assert tevatron.write_examples(tmp_path / "old", [example]) == 1
    assert json.loads((tmp_path / "old").read_text()) == {
        "query_id": "1",
        "query": "q",
        "positive_passages": [{"docid": "7", "title": "t", "text": "a"}],
        "negative_passages": [{"docid": "8", "title": "", "text": "b"}],
    }
    assert tevatron.write_named_examples(tmp_path / "new", [example]) == 1
    assert json.loads((tmp_path / "new").read_text()) == {
        "query_id": "1",
        "query_text": "q",
        "positive_document_ids": ["7"],
        "negative_document_ids": ["8"],
    }
    for bare in (Example("q", (Passage("", "a"),), query_id="1"), Example("q", (Passage("7", "a"),))):
        with pytest.raises(DataError, match="lacks an id"):
            tevatron.write_named_examples(tmp_path / "new", [bare])


def test_flagembedding_keeps_scores_with_their_texts(tmp_path: Path) -> None:
    line = {"query": "q", "pos": ["a", " ", "c"], "neg": [], "pos_scores": [1, 2, 0.5], "prompt": "p"}
    problems = Problems()
    (found, _), *_ = flagembedding.read_examples(put(tmp_path / "x.jsonl", line), problems=problems)
    assert found == Example("q", (Passage("", "a"), Passage("", "c")), (), "", (1.0, 0.5), (), "p")
    assert problems.counts == {"empty": 1}
    flagembedding.write_examples(tmp_path / "y", [found, Example("r", (Passage("", "a", "t"),))])
    first, second = map(json.loads, (tmp_path / "y").read_text().splitlines())
    assert first == {"query": "q", "pos": ["a", "c"], "neg": [], "pos_scores": [1.0, 0.5], "prompt": "p"}
    assert second == {"query": "r", "pos": ["t a"], "neg": []}


@pytest.mark.parametrize(
    "values",
    [
        {"query": "q", "pos": ["a"]},
        {"query": "q", "pos": "a", "neg": []},
        {"query": "q", "pos": [1], "neg": []},
        {"query": "q", "pos": ["a"], "neg": [], "pos_scores": [1, 2]},
        {"query": "q", "pos": ["a"], "neg": [], "pos_scores": [True]},
        {"query": "q", "pos": ["a"], "neg": [], "pos_scores": ["1"]},
    ],
)
def test_other_flagembedding_lines_are_refused(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"x\.jsonl:1: found"):
        list(flagembedding.read_examples(put(tmp_path / "x.jsonl", values), problems=STRICT))


def test_scores_are_one_a_passage() -> None:
    with pytest.raises(DataError, match="2 scores for 1 positives"):
        Example("q", (Passage("", "a"),), positive_scores=(1.0, 2.0))
