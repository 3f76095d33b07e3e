import json
from pathlib import Path

import pytest

from vizsla.data.judgements import Judgements
from vizsla.data.runs import Run
from vizsla.evaluating.measuring import measure

from .conftest import Call


def test_json_is_one_line_with_measures_as_keys(call: Call, built: Path, data: Path) -> None:
    done = call("evaluate", built, data, "--split", "test", "--measures", "RR@10 nDCG@10 R@50", "--json")
    assert done.code == 0
    (line,) = done.out.splitlines()
    found = json.loads(line)
    assert {"RR@10", "nDCG@10", "R@50"} < found.keys()
    assert found["RR@10"] == pytest.approx(2 / 3)
    assert (found["queries"], found["run"], found["without_hits"]) == (3, "dogs.index", 1)


def test_judgements_of_absent_passages_are_said_and_counted(call: Call, built: Path, data: Path) -> None:
    done = call("evaluate", built, data, "--json")
    assert "found 'absent', an id that nothing carries" in done.err
    assert "vizsla: judgements of passages that are not in the index: 1; they count, and cannot be found" in done.err


def test_the_saved_run_has_the_measures_that_were_shown(call: Call, built: Path, data: Path, tmp_path: Path) -> None:
    done = call("evaluate", built, data, "--save-run", tmp_path / "r.trec", "--json", "--k", 2)
    run = Run.read(tmp_path / "r.trec")
    assert max(map(len, run.rankings.values())) == 2
    means = measure(run, Judgements.read(data), "RR@10 nDCG@10 R@50").means
    assert means == {name: json.loads(done.out)[name] for name in means}


def test_tables_come_in_three_forms(call: Call, built: Path, data: Path) -> None:
    assert "Means over 3 judged queries." in call("evaluate", built, data).out
    assert "| RR@10 | 0.6667 |" in call("evaluate", built, data, "--markdown").out
    assert r"\begin{tabular}" in call("evaluate", built, data, "--latex").out


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (["--split", "dev"], "splits that are there: test"),
        (["--measures", "nDGC@10"], "did you mean 'nDCG'?"),
        (["--json", "--latex"], "found --json and --latex; wanted one of them"),
    ],
)
def test_what_cannot_be_measured_is_refused(call: Call, built: Path, data: Path, flags: list[str], wanted: str) -> None:
    done = call("evaluate", built, data, *flags)
    assert (done.code, done.out) == (2, "")
    assert wanted in done.err
