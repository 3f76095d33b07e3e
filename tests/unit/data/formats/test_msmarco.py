from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.formats import msmarco
from vizsla.data.problems import Problems


def test_passages_and_queries(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_bytes("0\tein Text\r\n\n1\t\n乙\t文本\n".encode() + b"3\t\xff\n")
    problems = Problems()
    assert list(msmarco.read_passages(path, problems=problems)) == [
        (Passage("0", "ein Text"), f"{path}:1"),
        (Passage("乙", "文本"), f"{path}:4"),
    ]
    assert problems.counts == {"broken_utf8": 1, "empty": 1}
    problems = Problems()
    assert [one[:2] for one in msmarco.read_queries(path, problems=problems)] == [
        ("0", "ein Text"),
        ("1", ""),
        ("乙", "文本"),
    ]
    assert problems.counts == {"broken_utf8": 1, "empty_query": 1}


@pytest.mark.parametrize(("line", "message"), [("1 x", "1 tab"), ("1\tx\ty", "3 tab"), ("\tx", "empty id")])
def test_another_shape_is_refused(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "x.tsv").write_text(f"0\ty\n{line}\n")
    with pytest.raises(DataError, match=rf"x\.tsv:2: found .*{message}"):
        list(msmarco.read_passages(tmp_path / "x.tsv", problems=Problems()))
