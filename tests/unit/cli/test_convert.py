from pathlib import Path

import pytest

from .conftest import Call


def test_counts_and_problems_are_said(call: Call, data: Path, tmp_path: Path) -> None:
    done = call("convert", data, tmp_path / "t2", "--to", "t2ranking")
    assert done.code == 0, done.err
    lines = dict(line.split(maxsplit=1) for line in done.out.splitlines() if not line.startswith(" "))
    assert (lines["passages"], lines["queries"], lines["judgements"], lines["problems"]) == ("6", "3", "5", "none")
    assert not done.err
    done = call("index", tmp_path / "t2", "--output", tmp_path / "i")
    assert done.code == 0, done.err
    assert str(tmp_path / "t2/collection.tsv") in (tmp_path / "i/manifest.json").read_text()
    done = call("convert", tmp_path / "t2", tmp_path / "p.jsonl", "--to", "pyserini")
    assert done.code == 0, done.err
    assert "pyserini" in done.out


def test_what_is_left_out_is_said(call: Call, data: Path, tmp_path: Path) -> None:
    done = call("convert", data, tmp_path / "du", "--to", "dureader", "--split", "test")
    assert done.code == 0
    assert "left out" in done.out
    assert "left out judgements, which dureader cannot hold" in done.err


def test_options_reach_the_conversion(call: Call, tmp_path: Path) -> None:
    (tmp_path / "v").write_text('{"id": "1", "contents": "", "vector": {"a": 0.25}}\n')
    flags = ["--from", "pyserini-vectors", "--to", "bulk", "--only", "weights"]
    assert call("convert", tmp_path / "v", tmp_path / "b", *flags).code == 0
    assert '"a":0.25' in (tmp_path / "b").read_text()
    done = call("convert", tmp_path / "v", tmp_path / "c.ciff", *flags[:2])
    assert (done.code, "give a scale" in done.err) == (2, True)
    assert call("convert", tmp_path / "v", tmp_path / "c.ciff", *flags[:2], "--scale", 100).code == 0
    (tmp_path / "x.tsv").write_text("1\t\n")
    flags = ["--from", "msmarco", "--to", "jsonl", "--only", "passages", "--strict"]
    done = call("convert", tmp_path / "x.tsv", tmp_path / "y", *flags)
    assert (done.code, "without any text" in done.err) == (2, True)


@pytest.mark.parametrize("arguments", [["x.tsv", "y"], ["x.tsv", "y", "--to", "no"], ["x.tsv"]])
def test_refusals(call: Call, tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "x.tsv").write_text("1\ta\n")
    done = call("convert", *(tmp_path / one if one in ("x.tsv", "y") else one for one in arguments))
    assert done.code == 2
    assert done.err.startswith("vizsla: ")
    assert done.err.count("\n") == 1


def test_the_formats_are_listed(call: Call) -> None:
    done = call("convert", "--formats")
    assert done.code == 0
    assert "ciff" in done.out
    assert "(read only)" in done.out
