import json
from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.formats import pyserini
from vizsla.data.impacts import impacts
from vizsla.data.problems import Problems
from vizsla.data.records import TermWeights

STRICT = Problems(strict=True)


def test_a_collection_is_a_file_or_a_folder_of_them(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text('{"id": 2, "contents": "zwei", "more": 1}\n')
    (tmp_path / "a.json").write_text('{"id": "1", "contents": "one"}\n{"id": "3", "contents": ""}\n')
    (tmp_path / "readme.txt").write_text("no")
    problems = Problems()
    assert [one for one, _ in pyserini.read_passages(tmp_path, problems=problems)] == [
        Passage("1", "one"),
        Passage("2", "zwei"),
    ]
    assert problems.counts == {"empty": 1}
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"none: found no files ending in \.jsonl"):
        list(pyserini.read_passages(tmp_path / "none", problems=STRICT))


def test_vectors_of_pyserini_and_seismic(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text('{"id": "1", "contents": "t", "vector": {"a": 1}}\n{"id": 2, "content": "u", "vector": {}}\n')
    assert [one for one, _ in pyserini.read_weights(path, problems=STRICT)] == [
        TermWeights("1", {"a": 1.0}, "t"),
        TermWeights("2", {}, "u"),
    ]


@pytest.mark.parametrize(
    "vector", ["[1]", '{"a": "1"}', '{"a": true}', '{"a": null}', f'{{"a": 1{"0" * 400}}}', "null"]
)
def test_other_vectors_are_refused(tmp_path: Path, vector: str) -> None:
    (tmp_path / "v.jsonl").write_text(f'{{"id": "1", "vector": {vector}}}\n')
    with pytest.raises(DataError, match=r"v\.jsonl:1: found"):
        list(pyserini.read_weights(tmp_path / "v.jsonl", problems=STRICT))


def test_weights_are_scaled_and_rounded(tmp_path: Path) -> None:
    one = TermWeights("1", {"a": 1.256, "b": 0.001})
    pyserini.write_weights(tmp_path / "v", [one], scale=100)
    assert json.loads((tmp_path / "v").read_text()) == {"id": "1", "contents": "", "vector": {"a": 126}}
    pyserini.write_weights(tmp_path / "v", [one], whole=False)
    assert json.loads((tmp_path / "v").read_text())["vector"] == {"a": 1.256, "b": 0.001}
    with pytest.raises(DataError, match=r"1: found the weight 1\.256 of 'a'; .*give a scale"):
        pyserini.write_weights(tmp_path / "v", [one])


@pytest.mark.parametrize("weight", [-1.0, 1e300, float("nan"), float("inf")])
def test_what_no_whole_number_stands_for_is_refused(weight: float) -> None:
    with pytest.raises(DataError, match="found the weight"):
        impacts({"a": weight}, "p", scale=100)
