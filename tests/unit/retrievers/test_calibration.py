import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vizsla.assembly import load
from vizsla.core import artifacts
from vizsla.core.errors import ArtifactError, IncompatibleError, SettingsError, ShapeError
from vizsla.core.hits import Hits, empty, from_rows
from vizsla.retrievers.calibration import FIRST, KIND, VERSION, Calibration, Curve

CURVE = Curve("plain", slope=1.0, rival=0.5, level=0.25, bias=-2.0, floor=0.5)
OF = {"encoder": "sha256 aa", "index": "sha256 bb"}
WHOLE = Calibration(CURVE, OF, {"data": "狗", "settings": {"seed": 3}, "held_out": {"log_loss": 0.25}})


def hits(*rows: list[float], width: int = FIRST) -> Hits:
    return from_rows([(np.arange(len(row)), np.array(row, np.float32)) for row in rows], width)


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_the_formula() -> None:
    scores = [6.0, 5.0, 4.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0, 1.0]
    found = CURVE.probabilities(hits(scores), hits(scores)).scores[0].tolist()
    level = sum(scores[1:]) / 9
    for place, score in enumerate(scores):
        rival = scores[0] if place else scores[1]
        assert logit(found[place]) == pytest.approx(-2 + score - 0.5 * rival - 0.25 * level, abs=1e-5)


def test_the_logarithm_knows_no_unit() -> None:
    curve = Curve("log", slope=2.0, rival=1.5, level=0.5, bias=-1.0, floor=-3.0)
    scores = [6.0, 5.0, 4.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0, 1.0]
    one = curve.probabilities(hits(scores), hits(scores)).scores
    other = curve.probabilities(hits([8 * score for score in scores]), hits([8 * score for score in scores])).scores
    np.testing.assert_allclose(other, one, rtol=1e-5)  # slope = rival + level


@pytest.mark.parametrize(("lone", "counted"), [(6.0, 0.5), (0.25, 0.25)])
def test_an_empty_place_counts_as_the_floor_or_as_less(lone: float, counted: float) -> None:
    found = CURVE.probabilities(hits([lone]), hits([lone])).scores[0]
    assert logit(float(found[0])) == pytest.approx(-2 + lone - 0.75 * counted, abs=1e-5)
    assert found[1:].tolist() == [-math.inf] * 9


def test_a_filtered_hit_is_held_against_all_passages() -> None:
    first = hits([6.0, 5.0, 4.0])
    only = Hits(np.array([[2]]), np.array([[4.0]], np.float32))
    assert CURVE.probabilities(only, first).scores[0, 0] == CURVE.probabilities(first, first).scores[0, 2]


def test_scores_that_float32_cannot_tell_apart_stay_apart() -> None:
    near = np.nextafter(np.float32(300), np.float32(0))
    flat = replace(CURVE, slope=0.0, rival=0.0)
    for curve in (CURVE, flat):
        found = curve.probabilities(hits([300.0, 300.0, near, 299.0]), hits([300.0, 300.0, near, 299.0])).scores[0]
        assert found[0] == found[1]
        assert (np.diff(found[1:4]) < 0).all()
        assert 0 < found[3] <= found[0] <= 1


def test_nothing_found_is_nothing() -> None:
    assert CURVE.probabilities(empty(2, 3), empty(2, FIRST)).counts().tolist() == [0, 0]
    assert CURVE.probabilities(empty(0, 3), empty(0, FIRST)).scores.shape == (0, 3)


def test_what_has_no_logarithm_is_refused() -> None:
    curve = replace(CURVE, scale="log")
    with pytest.raises(ShapeError, match="score -1; wanted scores above 0"):
        curve.probabilities(hits([2.0, -1.0]), hits([2.0, -1.0]))


@pytest.mark.parametrize("first", [empty(2, FIRST), empty(1, 9)])
def test_first_hits_of_others_are_refused(first: Hits) -> None:
    with pytest.raises(ShapeError, match=r"wanted \(1, 10\)"):
        CURVE.probabilities(hits([1.0]), first)


@pytest.mark.parametrize(
    "numbers", [(-0.1, 0, 0, 0, 0), (1, -1, 0, 0, 0), (1, 0, math.inf, 0, 0), (1, 0, 0, math.nan, 0)]
)
def test_a_curve_that_could_fall_is_refused(numbers: tuple[float, float, float, float, float]) -> None:
    with pytest.raises(SettingsError, match="calibrate again"):
        Curve("log", *numbers)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    WHOLE.save(tmp_path / "c")
    assert Calibration.load(tmp_path / "c") == load(tmp_path / "c") == WHOLE
    assert artifacts.read_manifest(tmp_path / "c")["settings"] == {"seed": 3}
    other = replace(WHOLE, curve=replace(CURVE, bias=0.0))
    other.save(tmp_path / "c")
    assert Calibration.load(tmp_path / "c") == other


def test_another_index_is_refused() -> None:
    WHOLE.check(dict(OF))
    for parts, named in (({**OF, "index": "sha256 cc"}, "index"), ({}, "encoder and another index")):
        with pytest.raises(IncompatibleError, match=f"another {named}; wanted one fitted on this index"):
            WHOLE.check(parts)
    with pytest.raises(IncompatibleError, match="another reranker"):
        WHOLE.check({**OF, "reranker": "sha256 dd"})


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "nothing", "[" * 100_000, '{"curve": {}, "record": {}}', '{"curve": 1, "record": {}}',
        *(
            json.dumps({"curve": {"level": 0, "bias": 0, "floor": 0, "rival": 0} | wrong, "record": {}})
            for wrong in ({"scale": "x", "slope": 1}, {"scale": "log", "slope": -1}, {"scale": "log", "slope": "1"}, {})
        ),
    ],
)  # fmt: skip
def test_what_is_no_calibration_is_refused(tmp_path: Path, text: str) -> None:
    with artifacts.draft(tmp_path / "c", kind=KIND, version=VERSION, settings={}) as draft:
        draft.path("calibration.json").write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactError, match="not a calibration"):
        Calibration.load(tmp_path / "c")


def test_a_manifest_without_digests_is_refused(tmp_path: Path) -> None:
    WHOLE.save(tmp_path / "c")
    manifest = json.loads((tmp_path / "c/manifest.json").read_text(encoding="utf-8"))
    wrongs: list[object] = [None, [], {"index": 3}]
    for wrong in wrongs:
        (tmp_path / "c/manifest.json").write_text(json.dumps(manifest | {"made_from": wrong}), encoding="utf-8")
        with pytest.raises(ArtifactError, match="not a calibration"):
            Calibration.load(tmp_path / "c")


def test_scores_that_stand_alone() -> None:
    said = Calibration(Curve("plain", slope=2.0, rival=0.0, level=0.0, bias=-1.0, floor=0.0)).alone(
        np.array([-1e30, -2.0, 0.5, 1.5, 1e30], np.float32)
    )
    assert said.dtype == np.float32
    assert said[1:4].tolist() == pytest.approx([1 / (1 + np.exp(5)), 0.5, 1 / (1 + np.exp(-2))], abs=1e-7)
    assert 0 < said[0] < 1e-20
    assert said[4] == 1
    logarithm = Curve("log", slope=1.0, rival=0.0, level=0.0, bias=0.0, floor=0.0)
    assert logarithm.alone(np.array([3.0], np.float32))[0] == pytest.approx(0.75)
    with pytest.raises(ShapeError, match="NaN"):
        logarithm.alone(np.array([np.nan], np.float32))


@pytest.mark.parametrize(("rival", "level"), [(1.0, 0.0), (0.0, 1.0)])
def test_a_curve_of_hits_among_others_is_none_of_scores_alone(rival: float, level: float) -> None:
    curve = Curve("plain", slope=1.0, rival=rival, level=level, bias=0.0, floor=0.0)
    with pytest.raises(IncompatibleError, match="a calibration of searches"):
        curve.alone(np.ones(1, np.float32))


def test_another_model_is_refused() -> None:
    made = Calibration(Curve("plain", 1.0, 0.0, 0.0, 0.0, 0.0), {"contract": "a"})
    made.check({"contract": "a"})
    with pytest.raises(IncompatibleError, match="another contract; wanted one fitted on this model"):
        made.check({"contract": "b"})
