"""Exports: what is written is what is there, and what JSON lines hold can be added again."""

import json
from datetime import date
from pathlib import Path

import pytest
from tests.integration.collection_model import ENCODERS, DenseToy, SparseToy, toy

from vizsla.collections.collection import Collection
from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Passage

PASSAGES = [
    Passage("a", "vizslas point"),
    Passage("b", "维兹拉犬", "title", {"year": 2020, "tags": ["x"]}, "book"),
    Passage("c", "", "", {"late": True}),
]


@pytest.fixture
def collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collection:
    monkeypatch.setattr("vizsla.assembly.load", toy)
    made = Collection.create(tmp_path / "c", ENCODERS)
    made.add([Passage("gone", "t"), *PASSAGES])
    made.delete(["gone"])
    return made


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_json_lines_can_be_added_again(collection: Collection, tmp_path: Path) -> None:
    assert collection.export_to(tmp_path / "x.jsonl") == 3
    assert lines(tmp_path / "x.jsonl")[0] == {"id": "a", "text": "vizslas point"}
    other = Collection.create(tmp_path / "other")
    other.add(lines(tmp_path / "x.jsonl"))
    assert list(other.export()) == list(collection.export()) == PASSAGES


def test_a_beir_corpus_has_its_own_names(collection: Collection, tmp_path: Path) -> None:
    collection.export_to(tmp_path / "beir", form="beir")
    wanted = {
        "_id": "b",
        "title": "title",
        "text": "维兹拉犬",
        "metadata": {"year": 2020, "tags": ["x"], "parent": "book"},
    }
    assert lines(tmp_path / "beir/corpus.jsonl")[1] == wanted
    with pytest.raises(DataError, match="cannot be written"):
        collection.export_to(tmp_path / "beir/corpus.jsonl", form="beir")


def test_vectors_come_on_wish(collection: Collection, tmp_path: Path) -> None:
    collection.export_to(tmp_path / "x.jsonl", vectors=["toy", "terms"])
    vectors = lines(tmp_path / "x.jsonl")[1]["vectors"]
    text = [("title", "维兹拉犬")]
    row = SparseToy().encode_passages(text)
    weights = dict(zip(map(str, row.indices.tolist()), row.data.tolist(), strict=True))
    assert vectors == {"toy": DenseToy().encode_passages(text)[0].tolist(), "terms": weights}


def test_a_date_is_written_as_iso_8601(collection: Collection, tmp_path: Path) -> None:
    collection.add([Passage("d", "t", metadata={"day": date(2024, 5, 1)})])
    collection.export_to(tmp_path / "x.jsonl")
    assert lines(tmp_path / "x.jsonl")[3]["metadata"] == {"day": "2024-05-01"}


@pytest.mark.parametrize(("name", "said"), [("bm25", "counts of terms"), ("tory", "did you mean 'toy'")])
def test_vectors_that_are_not_there_are_refused(collection: Collection, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        collection.export_to(tmp_path / "x.jsonl", vectors=[name])
    with pytest.raises(SettingsError, match="wanted 'jsonl' or 'beir'"):
        collection.export_to(tmp_path / "x.jsonl", form="csv")  # type: ignore[arg-type]
    assert not (tmp_path / "x.jsonl").exists()
