"""`vizsla compile`: what it says, what it leaves with, what it writes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vizsla
from vizsla.compiling import compilation, gate
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
