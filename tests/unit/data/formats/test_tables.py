from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.columns import Columns
from vizsla.data.formats import tables
from vizsla.data.problems import Problems


def read(
    path: Path, content: bytes | str, columns: Columns | None = None
) -> tuple[list[Passage], list[str], dict[str, int]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    problems = Problems()
    found = list(tables.read_passages(path, columns=columns, problems=problems))
    return [one for one, _ in found], [where.rpartition(":")[2] for _, where in found], problems.counts


def test_quoted_fields_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    content = 'id,text\r\n1,"a, ""b""\r\nc"\r\n\r\n2,d\r\n'
    found, places, counts = read(tmp_path / "a.csv", content)
    assert found == [Passage("1", 'a, "b"\nc'), Passage("2", "d")]
    assert places == ["2", "5"]
    assert counts == {}


def test_a_quote_in_tsv_is_a_character(tmp_path: Path) -> None:
    assert read(tmp_path / "a.tsv", 'text\ttitle\n"open\t5"\n')[0] == [Passage("0", '"open', title='5"')]


def test_records_are_numbered_where_no_column_holds_an_id(tmp_path: Path) -> None:
    content = b"text,more\na,1\n\xff,1\n ,1\nb,1\n"
    found, _, counts = read(tmp_path / "a.csv", content)
    assert found == [Passage("0", "a"), Passage("3", "b")]
    assert counts == {"broken_utf8": 1, "empty": 1}


def test_a_long_field_is_read(tmp_path: Path) -> None:
    long = "word " * 100_000
    assert read(tmp_path / "a.csv", f"text\n{long}\n")[0] == [Passage("0", long)]


def test_a_field_that_is_never_closed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv:3: found a row whose quoting is broken"):
        read(tmp_path / "a.csv", 'text\nx\n"y\nz\n')


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_row_of_another_width_is_refused(tmp_path: Path, name: str) -> None:
    tab = "\t" if name == "a.tsv" else ","
    with pytest.raises(DataError, match=rf"{name}:3: found 3 columns in .*; wanted 2"):
        read(tmp_path / name, f"id{tab}text\n1{tab}x\n2{tab}y{tab}z\n")


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        ("id,body", Columns(), "wanted 'text'"),
        ("id,text", Columns(id="nr"), "wanted 'nr'"),
        ("id,text", Columns(title="head"), "wanted 'head'"),
        ("id,text,id", Columns(), "name twice"),
        ("", Columns(), "no header"),
        ("\x80".encode("latin-1"), Columns(), "no header"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(
    tmp_path: Path, header: str | bytes, columns: Columns, message: str
) -> None:
    with pytest.raises(DataError, match=rf"a\.csv:1: found .*{message}"):
        read(tmp_path / "a.csv", header, columns)


def test_an_empty_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.tsv:2: found an empty id"):
        read(tmp_path / "a.tsv", "id\ttext\n\tx\n")


def test_numbers_for_ids_are_warned_of_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = "text,docno\na,x\nb,y\n"
    read(tmp_path / "a.csv", content)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said == (
        f"{tmp_path / 'a.csv'}:1: found no id among the columns 'text, docno'; "
        "ids are numbered 0, 1, …; name the column with --columns id=…"
    )
    read(tmp_path / "a.csv", content, Columns(id="docno"))
    assert len(caplog.records) == 1
