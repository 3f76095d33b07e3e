"""The benchmarks run on a set of six passages, and say so where there is no data; nothing here is timed."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

FOLDER = Path(__file__).parents[3] / "benchmarks"
COLOURS = ["red", "green", "blue", "white", "black", "grey"]


def run(script: str, *arguments: object) -> list[str]:
    """Lines of output of a script that ends well."""
    command = [sys.executable, str(FOLDER / script), *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parent / "src")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "cacm-en"
    (folder / "qrels").mkdir(parents=True)
    passages = [
        {"_id": f"p{i}", "title": "", "text": f"the {colour} bird of the wood"} for i, colour in enumerate(COLOURS)
    ]
    queries = [{"_id": f"q{i}", "text": f"a {colour} bird"} for i, colour in enumerate(COLOURS)]
    for name, records in (("corpus", passages), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    grades = "".join(f"q{i}\tp{i}\t1\n" for i in range(len(COLOURS)))
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{grades}", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "script",
    ["quality.py", "lexical_speed.py", "calibration.py", "models_speed.py", "models_published.py", "models_light.py"],
)
def test_without_data_a_benchmark_says_why_it_skips(
    script: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING", "vizsla")  # scripts set it too, and it is set back behind the test
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setattr(sys, "argv", [script, str(tmp_path / "nowhere")])
    with mock.patch.dict(os.environ, VIZSLA_CACHE=str(tmp_path / "cache")):  # which scripts change
        runpy.run_path(str(FOLDER / script), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("skipped: found no judged sets at")


def test_quality_of_a_set_where_every_query_has_its_word(data: Path) -> None:
    (row,) = json.loads(run("quality.py", data, "--json", "--sets", "cacm-en")[-1])["results"]
    assert (row["RR@10"], row["nDCG@10"], row["R@50"], row["queries"]) == (1, 1, 1, 6)
    assert row["difference"] == pytest.approx(1 - row["bar"])


@pytest.mark.parametrize("way", ["build_postings", "build_streamed", "build_bm25s"])
def test_every_build_leaves_an_index(data: Path, tmp_path: Path, way: str) -> None:
    made = json.loads(run("lexical_once.py", way, data / "cacm-en", tmp_path / "made")[-1])
    assert made["size_mib"] > 0
    assert made["peak_mib"] >= made["before_mib"] > 0


def test_calibration_prints_its_tables(data: Path) -> None:
    folder = data / "cacm-en"
    for split in ("train", "dev"):
        (folder / "qrels" / f"{split}.tsv").write_bytes((folder / "qrels/test.tsv").read_bytes())
    folder.rename(data / "medquad-en")
    lines = run("calibration.py", data, "--sets", "medquad-en")
    assert any(line.startswith("| vizsla calibrate | ") for line in lines)
    assert sum(line.startswith("| 0.") for line in lines) == 10
    assert any(line.startswith("| probabilities, top 10 | ") for line in lines)


def test_filters_keep_what_sqlite_keeps() -> None:
    lines = run("filters.py", "--size", 3000, "--segment", 1000, "--rounds", 1)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| `")]
    assert len(rows) == 18
    assert all(1 <= float(kept.removesuffix("%")) <= 99 for condition, kept, *_ in rows[:8])
    assert [condition for condition, *_, theirs in rows if not theirs] == [row[0] for row in rows if "tags" in row[0]]
    assert [line.split("|")[1].strip() for line in lines if line.startswith("| ") and "`" not in line][1:8] == [
        "read and check", "build", "write", "open segments", "merge into one", "open the one", "read 1,000 rows back",
    ]  # fmt: skip
