"""`vizsla compile`: what it says, what it leaves with, what it writes."""

import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vizsla
from vizsla.cli import terminal
from vizsla.compiling import compilation, gate, observing
from vizsla.compiling.gate import Verdict

from .conftest import Call

MODEL = Path(__file__).parents[1] / "models/fixtures/st5-bi-mean-norm"
WORDS = "city has and open the file of what a bridge is 18 km".split()  # noqa: SIM905 - words are read best so
INT8 = ("--precision", "int8", "--runtime", "onnxruntime")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, draw = tmp_path_factory.mktemp("judged"), np.random.default_rng(0)
    texts = [" ".join(draw.choice(WORDS, 8)) for _ in range(120)]
    for name, mark in (("corpus", "p"), ("queries", "q")):
        lines = (json.dumps({"_id": f"{mark}{i}", "text": text}) + "\n" for i, text in enumerate(texts))
        (folder / f"{name}.jsonl").write_text("".join(lines))
    (folder / "qrels").mkdir()
    (folder / "qrels/dev.tsv").write_text("".join(f"q{i}\tp{i}\t1\n" for i in range(120)))
    return folder


def test_a_model_that_holds_is_written(call: Call, judged: Path, tmp_path: Path) -> None:
    done = call("compile", MODEL, *INT8, "--gate", judged, "--output", tmp_path / "m")
    assert done.code == 0, done.err
    assert "gate                  holds" in done.out
    assert "108 queries of judged" in done.out.replace("0 (dev)", "")
    assert vizsla.load(tmp_path / "m").precision == "int8"


def test_as_json(call: Call, judged: Path, tmp_path: Path) -> None:
    done = call("compile", MODEL, *INT8, "--gate", judged, "--output", tmp_path / "m", "--json")
    found = json.loads(done.out)
    assert found == json.loads((tmp_path / "m/manifest.json").read_text())["settings"]
    assert found["verdict"]["passed"] is True


def test_a_gate_that_does_not_hold_leaves_with_1(
    call: Call, judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = gate.judge

    def judge(*given: Any) -> Verdict:
        return replace(real(*given), passed=False, low=-0.02, high=-0.01)

    monkeypatch.setattr(compilation, "judge", judge)
    monkeypatch.setattr(compilation, "_ROUNDS", 1)
    done = call("compile", MODEL, *INT8, "--gate", judged, "--output", tmp_path / "m")
    assert done.code == 1
    assert "does not hold" in done.out
    assert "1 went back" in done.out
    assert f"the gate does not hold: nothing was written at {tmp_path / 'm'}" in " ".join(done.err.split())
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--max-queries", 60), "found 54 judged queries for the gate; wanted at least 100"),
        (("--split", "test"), "splits that are there: dev"),
        (("--precision", "fp16"), "found 'fp16'; wanted one of int8, bf16"),
    ],
)
def test_what_is_refused_leaves_with_2(
    call: Call, judged: Path, tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    done = call("compile", MODEL, *INT8, "--gate", judged, "--output", tmp_path / "m", *arguments)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "m").exists()


def test_queries_of_their_own_and_settings_are_flags_of_the_model(call: Call, judged: Path, tmp_path: Path) -> None:
    done = call(
        "compile", MODEL, *INT8, "--gate", judged, "-o", tmp_path / "m", "--query-model", MODEL, "--max-length", "12,16"
    )
    assert done.code == 0, done.err
    kept = json.loads((tmp_path / "m/passages/description.json").read_text())["layout"]
    assert (kept["query_length"], kept["passage_length"]) == (12, 16)
    done = call("compile", MODEL, *INT8, "--gate", judged, "-o", tmp_path / "n", "--set", "dim=8")
    assert done.code == 0, done.err
    assert vizsla.load(tmp_path / "n").dim == 8


def test_what_stands_there_is_refused_before_the_work(
    call: Call, judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m").write_text("mine", encoding="utf-8")
    monkeypatch.setattr(compilation, "read_sample", None)
    done = call("compile", MODEL, *INT8, "--gate", judged, "--output", tmp_path / "m")
    assert (done.code, "not an artifact of vizsla stands there" in done.err) == (2, True)


def test_what_is_cut_is_said_once_and_progress_is_told(
    call: Call, judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr(terminal, "progress", lambda: nullcontext(lambda *step: told.append(step)))
    monkeypatch.setattr(observing, "_PART", 50)
    done = call("compile", MODEL, *INT8, "--gate", judged, "--output", tmp_path / "m", "--max-length", 5)
    assert done.code == 0, done.err
    assert done.err.count("passages were longer") == 1
    assert list(dict.fromkeys(what for what, _, _ in told)) == ["reading", "calibrating", "before", "after"]
    assert [step for step in told if step[0] == "after"] == [("after", done, 114) for done in (0, 50, 100, 114)]


def test_a_misspelt_model_is_told_before_the_work(
    call: Call, judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "read_sample", None)
    done = call("compile", "all-MiniLM-L6-v3", *INT8, "--gate", judged, "--output", tmp_path / "m")
    assert (done.code, "all-MiniLM-L6-v2" in done.err) == (2, True)


def test_a_missing_runtime_is_said_before_the_work(
    call: Call, judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(compilation, "read_sample", None)
    done = call("compile", MODEL, "--precision", "int8", "--gate", judged, "--output", tmp_path / "m")
    assert (done.code, "pip install 'vizsla[openvino]'" in done.err) == (2, True)
