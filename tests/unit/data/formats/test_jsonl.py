from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.columns import Columns
from vizsla.data.formats import jsonl
from vizsla.data.problems import Problems


def read(tmp_path: Path, content: bytes | str, columns: Columns | None = None) -> tuple[list[Passage], dict[str, int]]:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = Problems()
    found = list(jsonl.read_passages(path, columns=columns, problems=problems))
    assert all(where.startswith(f"{path}:") for _, where in found)
    return [passage for passage, _ in found], problems.counts


def test_places_count_lines_and_numbers_count_records(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\n{"text": "a"}\r\n  \n{"text": "\xff"}\n{"text": ""}\n{"text": "b"}')
    problems = Problems()
    found = list(jsonl.read_passages(path, problems=problems))
    assert found == [(Passage("0", "a"), f"{path}:2"), (Passage("3", "b"), f"{path}:6")]
    assert problems.counts == {"broken_utf8": 1, "empty": 1}


def test_columns_name_the_keys(tmp_path: Path) -> None:
    content = '{"docid": 7, "head": "h", "contents": "c", "title": "no", "id": "no"}'
    found, _ = read(tmp_path, content, Columns(id="docid", title="head", text="contents"))
    assert found == [Passage("7", "c", title="h")]


@pytest.mark.parametrize("text", ['"a\\ud800"', '"\\uDC00 b"', '"\\ud83d\\u0041"'])
def test_half_a_surrogate_pair_is_broken_text(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f'{{"id": "1", "text": {text}}}') == ([], {"broken_utf8": 1})
    assert read(tmp_path, '{"id": "1", "text": "\\ud83d\\udc15"}') == ([Passage("1", "\U0001f415")], {})


def test_a_title_alone_is_a_passage_and_white_space_is_not(tmp_path: Path) -> None:
    content = '{"id": "1", "text": "", "title": "t"}\n{"id": "2", "text": " \\n", "title": "\\u3000"}\n'
    content += '{"id": "3", "text": null}'
    assert read(tmp_path, content) == ([Passage("1", "", title="t")], {"empty": 2})


def test_a_later_record_may_lack_its_text_and_the_first_may_not(tmp_path: Path) -> None:
    content = '{"id": "1", "text": "x"}\n{"id": "2", "title": "t"}\n{"id": "3"}'
    assert read(tmp_path, content) == ([Passage("1", "x"), Passage("2", "", title="t")], {"empty": 1})
    with pytest.raises(DataError, match=r"a\.jsonl:1: found the keys .*; wanted 'text'"):
        read(tmp_path, '{"id": "2", "body": "t"}')


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "1", "text": "x"', "is not JSON"),
        ('{"id": "1", "text": "\\ud800"', "is not JSON"),
        ("[1]", "wanted a JSON object"),
        ('"text"', "wanted a JSON object"),
        ('{"text": "x"}', "wanted 'id'"),
        ('{"id": "", "text": "x"}', "an empty id"),
        ('{"id": true, "text": "x"}', "'True' as an id"),
        ('{"id": null, "text": "x"}', "'None' as an id"),
        ('{"id": 1.5, "text": "x"}', "'1.5' as an id"),
        ('{"id": 123456789012345678901234567890, "text": "x"}', "as an id"),
        ('{"id": "1", "text": 5}', r"text = '5' \(int\)"),
        ('{"id": "1", "text": "x", "title": ["t"]}', r"title = .* \(list\)"),
        ("[" * 100_000, "is not JSON"),
        ("\x00", "is not JSON"),
    ],
)
def test_a_broken_record_names_file_line_and_text(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"a\.jsonl:2: found .*{message}"):
        read(tmp_path, f'{{"id": "0", "text": "x"}}\n{line}\n')


def test_a_key_that_is_named_must_be_there(tmp_path: Path) -> None:
    for columns in (Columns(id="nr"), Columns(title="head"), Columns(text="body")):
        with pytest.raises(DataError, match=r"a\.jsonl:1: found the keys 'id, text'; wanted '(nr|head|body)'"):
            read(tmp_path, '{"id": "1", "text": "x"}', columns)


def test_ids_stand_in_every_record_or_in_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.jsonl:2: found 'id', which earlier records lack"):
        read(tmp_path, '{"text": "x"}\n{"id": "1", "text": "x"}')
    # The first record's bytes are broken; that says nothing about its keys.
    assert read(tmp_path, b'{"text": "\xff"}\n{"id": "1", "text": "x"}')[0] == [Passage("1", "x")]


def test_numbers_for_ids_are_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = '{"text": "a", "docno": "x"}\n{"text": "b", "docno": "y"}\n'
    read(tmp_path, content)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == (
        f"{tmp_path / 'a.jsonl'}:1: found no id among the keys 'text, docno'; "
        "ids are numbered 0, 1, …; name the column with --columns id=…"
    )
    read(tmp_path, content, Columns(id="docno"))
    assert len(caplog.records) == 1


def test_metadata_and_parents_are_the_passages_own(tmp_path: Path) -> None:
    content = """
        {"id": 1, "text": "x", "metadata": {"n": 1, "parent": "in it"}, "parent": 7}
        {"id": 2, "text": "x", "metadata": {"n": 1, "parent": "in it"}}
        {"id": 3, "text": "x", "metadata": {"parent": "in it"}, "parent": null}
        {"id": 4, "text": "x", "metadata": null}
    """
    assert read(tmp_path, content) == (
        [
            Passage("1", "x", metadata={"n": 1, "parent": "in it"}, parent="7"),
            Passage("2", "x", metadata={"n": 1}, parent="in it"),
            Passage("3", "x", metadata={"parent": "in it"}),
            Passage("4", "x"),
        ],
        {},
    )


@pytest.mark.parametrize("metadata", ['"m"', "[1]", "1", "false"])
@pytest.mark.parametrize("parent", ["1.5", "true", "[]", "{}"])
def test_metadata_that_is_no_object_and_parents_that_are_no_ids_are_noted(
    tmp_path: Path, metadata: str, parent: str
) -> None:
    content = f'{{"id": "1", "text": "x", "metadata": {metadata}, "parent": {parent}}}'
    assert read(tmp_path, content) == ([Passage("1", "x")], {"metadata": 1, "parent": 1})
