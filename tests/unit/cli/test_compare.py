import json
from pathlib import Path

import pytest

from .conftest import Call


@pytest.fixture
def runs(call: Call, built: Path, data: Path, tmp_path: Path) -> tuple[Path, Path]:
    call("evaluate", built, data, "--save-run", tmp_path / "all.trec")
    lines = (tmp_path / "all.trec").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "less.trec").write_text("".join(line for line in lines if not line.startswith("q2")), encoding="utf-8")
    return tmp_path / "all.trec", tmp_path / "less.trec"


def test_runs_and_indexes_are_compared(call: Call, data: Path, built: Path, runs: tuple[Path, Path]) -> None:
    done = call("compare", data, *runs, built, "--measures", "RR@10", "--test", "randomisation", "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert found["runs"] == ["all", "less", "dogs"]
    assert (found["test"], found["correction"]) == ("randomisation", "holm")
    less, same = found["contrasts"]
    assert (less["losses"], less["ties"], same["ties"]) == (1, 2, 3)
    assert [mover["query"] for mover in less["movers"]] == ["q2"]


def test_tables_come_in_three_forms(call: Call, data: Path, runs: tuple[Path, Path]) -> None:
    assert "the queries that moved most" in call("compare", data, *runs).out
    assert "the queries that moved most" not in call("compare", data, *runs, "--movers", 0).out
    assert "| all |" in call("compare", data, *runs, "--markdown").out
    assert r"\toprule" in call("compare", data, *runs, "--latex", "--correction", "bonferroni").out


def test_runs_of_one_name_are_told_apart_by_their_paths(call: Call, data: Path, runs: tuple[Path, Path]) -> None:
    (other := runs[0].parent / "other").mkdir()
    copy = other / "all.trec"
    copy.write_bytes(runs[0].read_bytes())
    assert json.loads(call("compare", data, runs[0], copy, "--json").out)["runs"] == [str(runs[0]), str(copy)]


def test_one_run_is_nothing_to_compare(call: Call, data: Path, runs: tuple[Path, Path]) -> None:
    done = call("compare", data, runs[0])
    assert done.code == 2
    assert "wanted at least two" in done.err


def test_an_unknown_test_is_refused(call: Call, data: Path, runs: tuple[Path, Path]) -> None:
    done = call("compare", data, *runs, "--test", "wilcoxon")
    assert done.code == 2
    assert "randomisation" in done.err
