from pathlib import Path
from typing import Any

import pytest

from vizsla.core.errors import DataError, MissingExtraError
from vizsla.core.protocols import Passage
from vizsla.data.columns import Columns
from vizsla.data.examples import Example
from vizsla.data.formats import parquet
from vizsla.data.problems import Problems

STRICT = Problems(strict=True)


@pytest.fixture
def put(tmp_path: Path) -> Any:
    arrow = pytest.importorskip("pyarrow", reason="needs the extra parquet")
    tables = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")

    def write(columns: dict[str, list[Any]], name: str = "x.parquet") -> Path:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        tables.write_table(arrow.table(columns), tmp_path / name)
        return tmp_path / name

    return write


def test_the_hubs_names_of_columns(put: Any) -> None:
    for id_, text in (("_id", "text"), ("docid", "text"), ("pid", "passage"), ("id", "contents")):
        path = put({"more": [0, 0, 0], id_: [1, 2, 3], text: ["a", "文", None]})
        problems = Problems()
        assert list(parquet.read_passages(path, problems=problems)) == [
            (Passage("1", "a"), f"{path}: row 1"),
            (Passage("2", "文"), f"{path}: row 2"),
        ]
        assert problems.counts == {"empty": 1}
    path = put({"qid": ["1", "2"], "query": ["what", ""]})
    problems = Problems()
    assert [one[:2] for one in parquet.read_queries(path, problems=problems)] == [("1", "what"), ("2", "")]
    assert problems.counts == {"empty_query": 1}


def test_columns_may_be_named(put: Any) -> None:
    path = put({"nr": ["1"], "body": ["a"], "head": ["t"]})
    found = parquet.read_passages(path, columns=Columns("nr", "head", "body"), problems=STRICT)
    assert [one for one, _ in found] == [Passage("1", "a", "t")]
    with pytest.raises(DataError, match="'nr, body, head'; wanted one of _id"):
        list(parquet.read_passages(path, problems=STRICT))


def test_judgements_with_and_without_grades(put: Any) -> None:
    path = put({"query-id": ["q"], "corpus-id": ["p"], "score": [2.0]})
    assert [one[:3] for one in parquet.read_judgements(path)] == [("q", "p", 2)]
    path = put({"qid": [1], "pid": [7]})
    assert [one[:3] for one in parquet.read_judgements(path)] == [("1", "7", 1)]
    for score in (1.5, None):
        path = put({"qid": ["q"], "pid": ["p"], "score": [score]})
        with pytest.raises(DataError, match=r"row 1: found .* as a grade"):
            list(parquet.read_judgements(path))


def test_training_tables(put: Any) -> None:
    path = put({"query": ["q"], "positive": ["a"], "negative_1": ["b"], "negative_2": [None], "score": [1]})
    problems = Problems()
    assert [one for one, _ in parquet.read_examples(path, problems=problems)] == [
        Example("q", (Passage("", "a"),), (Passage("", "b"),))
    ]
    assert problems.counts == {"empty": 1}
    path = put({"anchor": ["q"], "positive": ["a"], "negative": [["b", "c"]]})
    (found, _), *_ = parquet.read_examples(path, problems=STRICT)
    assert [one.text for one in found.negatives] == ["b", "c"]


def test_a_folder_of_tables_is_one_table(put: Any, tmp_path: Path) -> None:
    put({"_id": ["2"], "text": ["b"]}, "parts/1.parquet")
    put({"_id": ["1"], "text": ["a"]}, "parts/0.parquet")
    found = parquet.read_passages(tmp_path / "parts", problems=STRICT)
    assert [one.id for one, _ in found] == ["1", "2"]
    with pytest.raises(DataError, match=r"nothing: is not there, or a folder without"):
        list(parquet.read_passages(tmp_path / "nothing", problems=STRICT))


def test_what_is_written_is_read(put: Any, tmp_path: Path) -> None:
    passages = [Passage(str(row), "文", "t" if row % 2 else "") for row in range(5000)]
    assert parquet.write_passages(tmp_path / "p.parquet", iter(passages)) == 5000
    assert [one for one, _ in parquet.read_passages(tmp_path / "p.parquet", problems=STRICT)] == passages
    assert parquet.write_queries(tmp_path / "q.parquet", {"1": "what"}) == 1
    assert [one[:2] for one in parquet.read_queries(tmp_path / "q.parquet", problems=STRICT)] == [("1", "what")]
    assert parquet.write_judgements(tmp_path / "j.parquet", {"1": {"2": 3}}) == 1
    assert [one[:3] for one in parquet.read_judgements(tmp_path / "j.parquet")] == [("1", "2", 3)]
    example = Example("q", (Passage("", "a"),), (Passage("", "b"), Passage("", "c")))
    assert parquet.write_examples(tmp_path / "e.parquet", [example]) == 2
    found = [one for one, _ in parquet.read_examples(tmp_path / "e.parquet", problems=STRICT)]
    assert [one.negatives[0].text for one in found] == ["b", "c"]
    with pytest.raises(DataError, match="half a surrogate pair"):
        parquet.write_queries(tmp_path / "s.parquet", {"1": "\ud800"})
    assert not (tmp_path / "s.parquet").exists()


def test_values_of_other_types_are_refused(put: Any) -> None:
    path = put({"_id": [1.5], "text": ["a"]})
    with pytest.raises(DataError, match=r"row 1: found '1\.5' as an id"):
        list(parquet.read_passages(path, problems=STRICT))
    path = put({"_id": ["1"], "text": [["a"]]})
    with pytest.raises(DataError, match=r"row 1: found text"):
        list(parquet.read_passages(path, problems=STRICT))


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name.partition(".")[0])

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(MissingExtraError, match=r"vizsla\[parquet\]"):
        list(parquet.read_passages(tmp_path, problems=STRICT))
