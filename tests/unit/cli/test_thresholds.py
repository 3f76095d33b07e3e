import json
import shutil
from pathlib import Path

import pytest

from vizsla.core import artifacts
from vizsla.retrievers.calibration import Calibration

from .conftest import QUERIES, Call


@pytest.fixture
def judged(data: Path, tmp_path: Path) -> Path:
    """The data with a split to calibrate on."""
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    shutil.copy(folder / "qrels/test.tsv", folder / "qrels/train.tsv")
    return folder


@pytest.fixture
def calibrated(call: Call, built: Path, judged: Path, tmp_path: Path) -> Path:
    """An index with its calibration beside it."""
    index = tmp_path / "dogs.index"
    shutil.copytree(built, index)
    done = call("calibrate", index, judged)
    assert done.code == 0, done.err
    return index


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_hits_below_a_score_are_left_out(call: Call, built: Path) -> None:
    whole = lines(call("search", built, "pointing dog birds", "--json").out)
    least = float(str(whole[0]["score"]))
    assert len(whole) == 2
    assert lines(call("search", built, "pointing dog birds", "--json", "--min-score", least).out) == whole[:1]
    for flags in ([], ["--plain"]):
        done = call("search", built, "pointing dog birds", *flags, "--min-score", 2 * least)
        assert (done.code, done.out) == (0, "")
        assert done.err == "vizsla: nothing found for 'pointing dog birds'\n"


def test_a_run_and_its_measures_end_at_the_threshold(call: Call, built: Path, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "r.trec"
    assert call("search", built, "--queries", data, "--run", run, "--min-score", 100).code == 0
    assert run.read_text(encoding="utf-8") == ""
    found = json.loads(call("evaluate", built, data, "--json", "--min-score", 100).out)
    assert (found["RR@10"], found["without_hits"]) == (0, 3)


def test_calibrating_says_how_right_it_is(call: Call, built: Path, judged: Path, tmp_path: Path) -> None:
    done = call("calibrate", built, judged, "--output", tmp_path / "c")
    assert done.code == 0
    assert "always saying" in done.out
    assert "90% to 100%" in done.out
    assert "from fewer than 100, probabilities are rough" in done.err
    record = json.loads(call("calibrate", built, judged, "--output", tmp_path / "c", "--json").out)
    assert record == Calibration.load(tmp_path / "c").record
    assert (record["queries"], record["data"]) == (2, f"{judged}, split train")
    assert record["settings"]["unjudged"] == "irrelevant"
    assert artifacts.read_manifest(tmp_path / "c")["kind"] == "calibration"


def test_probabilities_are_shown_in_the_order_of_scores(call: Call, built: Path, calibrated: Path) -> None:
    assert (calibrated.parent / "dogs.index.calibration").is_dir()
    for query in QUERIES.values():
        scored = lines(call("search", built, query, "--json").out)
        likely = lines(call("search", calibrated, query, "--json", "--min-probability", 0).out)
        assert [hit["id"] for hit in likely] == [hit["id"] for hit in scored]
        assert all(0 < float(str(hit["probability"])) <= 1 and "score" not in hit for hit in likely)
    best = float(
        str(lines(call("search", calibrated, "dog birds", "--json", "--min-probability", 0).out)[0]["probability"])
    )
    shown = call("search", calibrated, "dog birds", "--min-probability", best)
    assert f"{best:.1%}" in shown.out
    assert "found 1 of 6 passages" in shown.err
    assert call("search", calibrated, "dog birds", "--min-probability", 1).out == ""


def test_measures_of_the_likely_hits(call: Call, calibrated: Path, judged: Path) -> None:
    plain = call("evaluate", calibrated, judged, "--json")
    assert call("evaluate", calibrated, judged, "--json", "--min-probability", 0).out == plain.out
    assert json.loads(call("evaluate", calibrated, judged, "--json", "--min-probability", 1).out)["RR@10"] == 0


def test_measuring_where_probabilities_were_fitted_is_said(call: Call, calibrated: Path, judged: Path) -> None:
    likely, said = ["--min-probability", 0], "vizsla: probabilities fitted on these very judgements"
    assert said in call("evaluate", calibrated, judged, "--split", "train", *likely).err
    assert said not in call("evaluate", calibrated, judged, "--split", "train").err
    assert said not in call("evaluate", calibrated, judged, *likely).err


def test_a_calibration_elsewhere_is_named(call: Call, built: Path, calibrated: Path, tmp_path: Path) -> None:
    place = tmp_path / "moved"
    (calibrated.parent / "dogs.index.calibration").rename(place)
    assert "probability" in call("search", built, "dog", "--json", "--calibration", place).out
    done = call("search", calibrated, "dog", "--min-probability", 0.5)
    assert done.code == 2
    assert done.err.startswith("vizsla: found no calibration at ")
    assert f"vizsla calibrate {calibrated} DATA" in done.err


def test_a_calibration_of_another_index_is_refused(call: Call, calibrated: Path, judged: Path, tmp_path: Path) -> None:
    assert call("index", judged, "--output", tmp_path / "other", "--k1", 1.5).code == 0
    place = f"{calibrated}.calibration"
    done = call("search", tmp_path / "other", "dog", "--calibration", place)
    assert done.code == 2
    assert "wanted one fitted on this index: run vizsla calibrate again" in done.err
    assert call("index", judged, "--output", calibrated).code == 0
    assert call("search", calibrated, "dog", "--min-probability", 0).code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--min-score", "1", "--min-probability", "0.5"], "found --min-score for probabilities"),
        (["--min-score", "nan"], "NaN"),
        (["--min-probability", "1.5"], "--min-probability"),
        (["--min-probability", "half"], "--min-probability"),
    ],
)
def test_what_is_no_threshold_is_refused(call: Call, built: Path, words: list[str], message: str) -> None:
    done = call("search", built, "dog", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_test_is_never_fitted_on(call: Call, built: Path, data: Path) -> None:
    done = call("calibrate", built, data, "--split", "test")
    assert done.code == 2
    assert "wanted train or dev" in done.err
