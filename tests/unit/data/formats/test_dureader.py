from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data import opening
from vizsla.data.examples import Example
from vizsla.data.formats import dureader
from vizsla.data.formats.trec import RunLine
from vizsla.data.problems import Problems

STRICT = Problems(strict=True)


def collection(folder: Path, parts: list[bytes], ids: str) -> None:
    place = folder / "passage-collection"
    place.mkdir()
    for number, part in enumerate(parts):
        (place / f"part-0{number}").write_bytes(part)
    (place / "passage2id.map.json").write_text(ids)


def test_ids_are_those_of_the_lines_over_all_parts(tmp_path: Path) -> None:
    parts = ["-\t-\t文本\t-\n\ttitle\tmore\t\n".encode(), b"-\t-\t\xff\t-\n-\t-\t\t-\n-\t-\tlast\t-\n"]
    collection(tmp_path, parts, '{"0": "ab", "1": "cd", "2": "ef", "3": "gh", "4": "ij"}')
    problems = Problems()
    assert dureader.is_folder(tmp_path)
    assert [one for one, _ in dureader.read_passages(tmp_path, problems=problems)] == [
        Passage("ab", "文本"),
        Passage("cd", "more", "title"),
        Passage("ij", "last"),
    ]
    assert problems.counts == {"broken_utf8": 1, "empty": 1}


@pytest.mark.parametrize("ids", ['{"1": "a", "0": "b"}', '{"0": "a"}', "{}", '{"0": "a", "01": "b"}'])
def test_a_map_of_other_lines_is_refused(tmp_path: Path, ids: str) -> None:
    collection(tmp_path, [b"-\t-\tone\t-\n-\t-\ttwo\t-\n"], ids)
    with pytest.raises(DataError, match=r"passage2id\.map\.json: found the key .*; wanted the lines' numbers"):
        list(dureader.read_passages(tmp_path, problems=STRICT))


@pytest.mark.parametrize(
    "text", ["", "[]", '{"a": 1}', '{"a": "b"', '{"a": "b"}}', '{"a": "b"} x', '{"a" "b"}', '{"a": "\\ud800"}', "{x}"]
)
def test_only_an_object_of_strings_is_a_map(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=r"x\.json: found .*; wanted"):
        list(dureader.pairs(tmp_path / "x.json"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_map_is_read_over_the_ends_of_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(opening, "_BUFFER_BYTES", size)
    (tmp_path / "x.json").write_bytes(b'\xef\xbb\xbf { "a\\"\\\\" : "1" ,\n"\\u6587": "b}" } \n')
    assert list(dureader.pairs(tmp_path / "x.json")) == [('a"\\', "1"), ("文", "b}")]
    (tmp_path / "x.json").write_text(" { } ")
    assert list(dureader.pairs(tmp_path / "x.json")) == []


def test_questions_are_examples_and_judgements(tmp_path: Path) -> None:
    path = tmp_path / "dev.json"
    path.write_text(
        '{"question_id": "q", "question": "谁", "answer_paragraphs": [{"paragraph_id": "a", "paragraph_text": "他"}],'
        ' "hard_negatives": [{"paragraph_text": "她"}, {"paragraph_text": " "}]}\n',
        encoding="utf-8",
    )
    problems = Problems()
    (found, where), *_ = dureader.read_examples(path, problems=problems)
    assert found == Example("谁", (Passage("a", "他"),), (Passage("", "她"),), query_id="q")
    assert (where, problems.counts) == (f"{path}:1", {"empty": 1})
    assert [one[:3] for one in dureader.read_judgements(path, problems=Problems())] == [("q", "a", 1)]
    dureader.write_examples(tmp_path / "again.json", [found])
    assert [one for one, _ in dureader.read_examples(tmp_path / "again.json", problems=STRICT)] == [found]


def test_a_submission(tmp_path: Path) -> None:
    path = tmp_path / "submit.json"
    run = [RunLine("q", "b", 1, 9.0, "x"), RunLine("q", "a", 2, 8.0, "x"), RunLine("r", "a", 1, 1.0, "x")]
    assert dureader.write_run(path, run) == 3
    assert path.read_text() == '{"q":["b","a"],"r":["a"]}\n'
    assert [line for line, _ in dureader.read_run(path)] == [
        RunLine("q", "b", 1, -1.0, "submit"),
        RunLine("q", "a", 2, -2.0, "submit"),
        RunLine("r", "a", 1, -1.0, "submit"),
    ]
    for text in ("[]", '{"q": "a"}', '{"q": [null]}', "x"):
        path.write_text(text)
        with pytest.raises(DataError, match=r"submit\.json: found"):
            list(dureader.read_run(path))


def test_queries_of_one_text_cannot_be_mapped(tmp_path: Path) -> None:
    assert dureader.write_queries(tmp_path / "q.json", {"1": "谁", "2": "what"}) == 2
    assert [one[:2] for one in dureader.read_queries(tmp_path / "q.json", problems=STRICT)] == [
        ("1", "谁"),
        ("2", "what"),
    ]
    with pytest.raises(DataError, match="of one text"):
        dureader.write_queries(tmp_path / "q.json", {"1": "谁", "2": "谁"})
