from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.data.formats import trec
from vizsla.data.problems import Problems


def test_any_ascii_white_space_separates_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "qrels"
    path.write_bytes("q1 0 a\u3000b 1\r\n  q1\t0\tc  -2 \n\nq2 Q0 d +3\n".encode())
    found = [one[:3] for one in trec.read_grades(path, problems=Problems(strict=True))]
    assert found == [("q1", "a\u3000b", 1), ("q1", "c", -2), ("q2", "d", 3)]


@pytest.mark.parametrize("line", ["q 0 a", "q 0 a 1 1", "q a 1", "q 0 a 1.0", "q 0 a -", "q 0 a \u0661"])
def test_another_shape_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "qrels"
    path.write_text(f"q 0 a 1\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"qrels:2: found .*; wanted"):
        list(trec.read_grades(path, problems=Problems()))


def test_lines_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_bytes(b"q Q0 a 1 -2.5e-3 tag\nq Q0 \xff 2 1 tag\n")
    problems = Problems()
    assert [line for line, _ in trec.read_run(path, problems=problems)] == [trec.RunLine("q", "a", 1, -0.0025, "tag")]
    assert problems.counts == {"broken_utf8": 1}


def test_written_lines(tmp_path: Path) -> None:
    trec.write_run(tmp_path / "run", [trec.RunLine("q", "a", 1, 0.1, "tag")])
    assert (tmp_path / "run").read_text() == "q Q0 a 1 0.1 tag\n"
    trec.write_grades(tmp_path / "qrels", {"q": {"a": -1}})
    assert (tmp_path / "qrels").read_text() == "q 0 a -1\n"
