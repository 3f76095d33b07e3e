from pathlib import Path

import pytest

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.examples import Example
from vizsla.data.formats import msmarco, rocketqa, tsv
from vizsla.data.problems import Problems

STRICT = Problems(strict=True)


def test_triples(tmp_path: Path) -> None:
    path = tmp_path / "triples.tsv"
    path.write_text("q\tyes\tno\nq\t \tno\n", encoding="utf-8")
    problems = Problems()
    found = list(msmarco.read_triples(path, problems=problems))
    assert found == [(Example("q", (Passage("", "yes"),), (Passage("", "no"),)), f"{path}:1")]
    assert problems.counts == {"empty": 1}
    path.write_text("q\tyes\n")
    with pytest.raises(DataError, match=r"triples\.tsv:1: found 2 tab-separated columns .*query, positive, negative"):
        list(msmarco.read_triples(path, problems=STRICT))


def test_top1000_gives_candidates_passages_and_queries(tmp_path: Path) -> None:
    path = tmp_path / "top1000.dev"
    lines = [msmarco.Candidate("1", "7", "q", "a"), msmarco.Candidate("1", "8", "q", "b\tc")]
    problems = Problems()
    assert msmarco.write_candidates(path, lines, problems=problems) == 2
    assert problems.counts == {"spaced": 1}
    assert [one for one, _ in msmarco.read_candidates(path, problems=STRICT)] == [lines[0], ("1", "8", "q", "b c")]
    assert [one.id for one, _ in msmarco.read_candidate_passages(path, problems=STRICT)] == ["7", "8"]
    assert list(msmarco.read_candidate_queries(path, problems=STRICT)) == [("1", "q", f"{path}:1")]


def test_a_title_stands_before_its_text_and_line_ends_become_spaces(tmp_path: Path) -> None:
    problems = Problems()
    msmarco.write_passages(tmp_path / "c.tsv", [Passage("1", "a\r\n\tb", "t")], problems=problems)
    assert (tmp_path / "c.tsv").read_text() == "1\tt a b\n"
    assert problems.counts == {"spaced": 1}


@pytest.mark.parametrize("rows", [[("a\tb", "c")], [("a", "b\n")], [("a\r", "b")], [("\ufeffa", "b")], [(" ", "")]])
def test_rows_that_would_be_read_otherwise_are_refused(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    with pytest.raises(DataError, match="found "):
        tsv.write_rows(tmp_path / "x.tsv", rows)
    assert not list(tmp_path.iterdir())


def test_examples_without_texts_are_refused(tmp_path: Path) -> None:
    bare = Example("q", (Passage("7", ""),), (Passage("8", "text"),))
    for write in (msmarco.write_triples, rocketqa.write_examples, rocketqa.write_pairs):
        with pytest.raises(DataError, match="without its text; wanted texts"):
            write(tmp_path / "x", [bare], problems=STRICT)


def test_four_columns_gather_a_querys_lines_and_six_do_not(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    path.write_text("q\t-\tyes\t1\nq\tt\tno\t0\nr\t\tno\t0\nr\t-\ta\t-\tb\t0\nr\t-\ta\t-\t \t0\n")
    problems = Problems()
    assert [one for one, _ in rocketqa.read_examples(path, problems=problems)] == [
        Example("q", (Passage("", "yes"),), (Passage("", "no", "t"),)),
        Example("r", (), (Passage("", "no"),)),
        Example("r", (Passage("", "a"),), (Passage("", "b"),)),
        Example("r", (Passage("", "a"),), ()),
    ]
    assert problems.counts == {"empty": 1}


@pytest.mark.parametrize(("line", "message"), [("q\tt\tp\t2", "'2' as a label"), ("q\tp\t1", "3 tab"), ("q", "1 tab")])
def test_another_shape_is_refused(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "x.tsv").write_text(f"q\t-\tp\t1\n{line}\n")
    with pytest.raises(DataError, match=rf"x\.tsv:2: found .*{message}"):
        list(rocketqa.read_examples(tmp_path / "x.tsv", problems=STRICT))


def test_an_empty_title_is_written_as_a_dash(tmp_path: Path) -> None:
    example = Example("q", (Passage("", "yes"),), (Passage("", "no", "t"),))
    assert rocketqa.write_examples(tmp_path / "x", [example], problems=STRICT) == 2
    assert (tmp_path / "x").read_text() == "q\t-\tyes\t1\nq\tt\tno\t0\n"
    assert rocketqa.write_pairs(tmp_path / "y", [example], problems=STRICT) == 1
    assert (tmp_path / "y").read_text() == "q\t-\tyes\tt\tno\t0\n"
