import json
from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.formats import bulk
from vizsla.data.problems import Problems
from vizsla.data.records import TermWeights

STRICT = Problems(strict=True)


def test_actions_and_sources_in_turn(tmp_path: Path) -> None:
    fields = bulk.BulkFields(index="dogs", weights="splade", vector="e5")
    record = bulk.BulkRecord(Passage("1", "文", "t"), {"a": 0.5}, [0.25, -1.0])
    assert bulk.write(tmp_path / "x", [record], fields=fields) == 1
    action, source = map(json.loads, (tmp_path / "x").read_text("utf-8").splitlines())
    assert action == {"index": {"_index": "dogs", "_id": "1"}}
    assert source == {"title": "t", "text": "文", "splade": {"a": 0.5}, "e5": [0.25, -1.0]}
    assert list(bulk.read(tmp_path / "x", fields=fields, problems=STRICT)) == [(record, f"{tmp_path / 'x'}:2")]


def test_passages_and_weights_alone(tmp_path: Path) -> None:
    bulk.write_passages(tmp_path / "x", [Passage("1", "a")])
    assert [json.loads(one) for one in (tmp_path / "x").read_text().splitlines()] == [
        {"index": {"_id": "1"}},
        {"text": "a"},
    ]
    bulk.write_weights(tmp_path / "x", [TermWeights("1", {"7": 2.0})])
    assert json.loads((tmp_path / "x").read_text().splitlines()[1]) == {"weights": {"7": 2.0}}
    (found, _), *_ = bulk.read(tmp_path / "x", problems=STRICT)
    assert bulk.weights_of(found) == TermWeights("1", {"7": 2.0})


@pytest.mark.parametrize("weights", [{"a.b": 1.0}, {"a": 0.0}, {"a": -1.0}, {"a": float("nan")}, {"": 1.0}])
def test_weights_that_the_fields_refuse(tmp_path: Path, weights: dict[str, float]) -> None:
    with pytest.raises(DataError, match="wanted weights above 0 and terms without dots"):
        bulk.write_weights(tmp_path / "x", [TermWeights("1", weights)])


def test_a_dot_may_be_given_another_sign(tmp_path: Path) -> None:
    fields = bulk.BulkFields(dot="_")
    bulk.write_weights(tmp_path / "x", [TermWeights("1", {"a.b": 1.0})], fields=fields)
    assert '{"a_b":1.0}' in (tmp_path / "x").read_text()
    with pytest.raises(DataError, match="each once"):
        bulk.write_weights(tmp_path / "x", [TermWeights("1", {"a.b": 1.0, "a_b": 1.0})], fields=fields)


def test_numbers_of_vectors_are_finite(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wanted a finite number"):
        bulk.write(tmp_path / "x", [bulk.BulkRecord(Passage("1", "a"), None, [float("inf")])])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"delete": {"_id": "1"}}\n', "found .*wanted an action"),
        ('{"index": {}}\n{}\n', "wanted '_id'"),
        ('{"index": {"_id": "1"}}\n', "an action for '1' without a source"),
        ('{"index": {"_id": "1"}}\n{"text": 1}\n', "found text = '1'"),
        ('{"index": {"_id": "1"}}\n{"weights": []}\n', "wanted an object of weights"),
        ('{"index": {"_id": "1"}}\n{"vector": ["a"]}\n', "wanted a finite number"),
    ],
)
def test_other_lines_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(DataError, match=message):
        list(bulk.read(tmp_path / "x", problems=STRICT))


def test_a_broken_action_is_never_paired_with_anothers_source(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b'{"index": {"_id": "\xff"}}\n{"text": "a"}\n{"index": {"_id": "2"}}\n{"text": "b"}\n')
    with pytest.raises(DataError, match="not UTF-8"):
        list(bulk.read(tmp_path / "x", problems=Problems()))


def test_a_source_without_anything_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"create": {"_id": "1"}}\n{"other": 1}\n')
    problems = Problems()
    assert list(bulk.read(tmp_path / "x", problems=problems)) == []
    assert problems.counts == {"empty": 1}
