"""`vizsla calibrate` of a model, and the commands that show its probabilities."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import vizsla
from vizsla.cli.probability import place_of
from vizsla.data.runs import Run
from vizsla.retrievers.calibration import Calibration, Curve

from .conftest import Call

MODELS = Path(__file__).parents[1] / "models/fixtures"


@pytest.fixture
def judged(data: Path, tmp_path: Path) -> Path:
    """The data with a split to calibrate on."""
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    shutil.copy(folder / "qrels/test.tsv", folder / "qrels/train.tsv")
    return folder


@pytest.fixture(params=["st5-cross-identity", "st5-bi-mean-norm"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy, so that a calibration may stand beside it."""
    return Path(shutil.copytree(MODELS / request.param, tmp_path / "model"))


@pytest.fixture
def cross(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MODELS / "st5-cross-identity", tmp_path / "cross"))


def test_a_model_is_calibrated_beside_its_folder(call: Call, model: Path, judged: Path) -> None:
    done = call("calibrate", model, judged, "--json", "--k", 5)
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert (record["queries"], record["data"]) == (2, f"{judged}, split train, first 5")
    made = vizsla.load(f"{model}.calibration")
    assert isinstance(made, Calibration)
    loaded = vizsla.load(model)
    assert made.of == {"contract": loaded.contract.id}
    texts = ["a bridge", "city of London", "x"]
    plain = [json.loads(line) for line in call("similarity", model, "a bridge?", *texts, "--json").out.splitlines()]
    shown = [
        json.loads(line)
        for line in call("similarity", model, "a bridge?", *texts, "--json", "--probability").out.splitlines()
    ]
    assert [one["text"] for one in shown] == [one["text"] for one in plain]
    assert {one["kind"] for one in shown} == {"probability"}
    curve = made.curve
    assert curve.alone(vizsla_scores(plain)).tolist() == pytest.approx([one["score"] for one in shown], abs=1e-6)
    least = (shown[0]["score"] + shown[1]["score"]) / 2
    if shown[0]["score"] > shown[1]["score"]:
        done = call("similarity", model, "a bridge?", *texts, "--json", "--min-probability", least)
        assert [json.loads(line) for line in done.out.splitlines()] == shown[:1]


def vizsla_scores(rows: list[dict[str, float]]) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.array([one["score"] for one in rows], np.float32)


def test_a_run_and_pairs_with_probabilities(call: Call, cross: Path, judged: Path, built: Path, tmp_path: Path) -> None:
    run = tmp_path / "first.trec"
    assert call("search", built, "--queries", judged, "--run", run).code == 0
    assert call("calibrate", cross, judged, "--run", run, "-o", tmp_path / "fit").code == 0
    fit = vizsla.load(tmp_path / "fit")
    plain, likely, few = (tmp_path / name for name in ("plain", "likely", "few"))
    assert call("rerank", cross, run, judged, "-o", plain).code == 0
    done = call("rerank", cross, run, judged, "-o", likely, "--calibration", tmp_path / "fit", "--json")
    assert json.loads(done.out)["score"] == "probability"
    before, after = Run.read(plain).rankings, Run.read(likely).rankings
    for query, hits in before.items():
        assert [id_ for id_, _ in after[query]] == [id_ for id_, _ in hits]
        wanted = fit.alone(np.array([score for _, score in hits], np.float32))
        assert [score for _, score in after[query]] == pytest.approx(wanted.tolist(), abs=1e-5)
    every = sorted(score for hits in after.values() for _, score in hits)
    least = (every[0] + every[-1]) / 2
    given = ("--calibration", tmp_path / "fit", "--min-probability", least)
    done = call("rerank", cross, run, judged, "-o", few, *given)
    kept = Run.read(few).rankings
    assert {query: [hit for hit in hits if hit[1] >= least] for query, hits in after.items()} == {
        query: kept.get(query, []) for query in after
    }
    assert f"kept      {sum(map(len, kept.values()))}, at least" in done.out
    pairs = tmp_path / "p.tsv"
    pairs.write_text("a bridge?\tcity of London\n", encoding="utf-8")
    score = vizsla.load(cross).score([("a bridge?", "city of London")])
    shown = float(call("rerank", cross, "--pairs", pairs, "--calibration", tmp_path / "fit").out)
    assert shown == pytest.approx(float(fit.alone(score)[0]), abs=1e-6)
    assert call("rerank", cross, "--pairs", pairs, *given[:2], "--min-probability", 1).out == ""


def test_what_is_no_calibration_of_this_model(call: Call, cross: Path, judged: Path, tmp_path: Path) -> None:
    done = call("similarity", cross, "a", "b", "--probability")
    assert (done.code, done.err.count("vizsla calibrate")) == (2, 1)
    Calibration(Curve("plain", 1.0, 0.0, 0.0, 0.0, 0.0), {"contract": "other"}).save(f"{cross}.calibration")
    done = call("similarity", cross, "a", "b", "--probability")
    assert (done.code, "another contract" in done.err) == (2, True)


def test_probabilities_are_not_calibrated_again(call: Call, cross: Path, judged: Path, tmp_path: Path) -> None:
    given = ("--set", "activation=sigmoid", "--set", "score=probability")
    done = call("calibrate", cross, judged, *given)
    assert (done.code, "probabilities already" in done.err) == (2, True)
    done = call("similarity", cross, "a", "b", *given, "--calibration", tmp_path)
    assert (done.code, "gives probabilities itself" in done.err) == (2, True)
    plain = call("similarity", cross, "a", "b", *given).out
    assert call("similarity", cross, "a", "b", *given, "--probability").out == plain
    assert call("similarity", cross, "a", "b", *given, "--min-probability", 1, "--json").out == ""


def test_a_models_flags_are_refused_for_an_index(call: Call, built: Path, judged: Path) -> None:
    done = call("calibrate", built, judged, "--max-length", 32)
    assert (done.code, "--max-length" in done.err) == (2, True)


def test_a_run_of_other_queries_is_refused(call: Call, cross: Path, judged: Path, tmp_path: Path) -> None:
    (tmp_path / "r").write_text("other Q0 p1 1 1.0 x\n", encoding="utf-8")
    done = call("calibrate", cross, judged, "--run", tmp_path / "r")
    assert (done.code, "no judged query of this split" in done.err) == (2, True)


def test_a_name_keeps_its_calibration_in_this_folder() -> None:
    assert place_of("cross-encoder/ms-marco-MiniLM-L6-v2") == Path("ms-marco-MiniLM-L6-v2.calibration")
