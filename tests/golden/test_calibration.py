"""The first calibration is read by this release, to the same probabilities.

It was written once, by `Calibration(CURVE, OF, RECORD).save("tests/golden/v1/calibration")`.
"""

from pathlib import Path

import numpy as np
import pytest

from vizsla.assembly import load
from vizsla.core import artifacts
from vizsla.core.hits import Hits
from vizsla.retrievers.calibration import FIRST, KIND, VERSION, Calibration, Curve

V1 = Path(__file__).parent / "v1/calibration"
CURVE = Curve("log", slope=5.5, rival=0.75, level=4.25, bias=-3.5, floor=0.25)
OF = {"encoder": "sha256 00", "index": "sha256 ff"}
RECORD = {"data": "犬/, split train", "queries": 2, "settings": {"queries": 2000}, "held_out": {"log_loss": 0.125}}


def test_the_first_calibration_says_what_it_said() -> None:
    made = load(V1)
    assert made == Calibration(CURVE, OF, RECORD)
    assert artifacts.open_artifact(V1, kind=KIND, version=VERSION).verify() > 0
    scores = np.array([[12.0, 9.0, 8.5, 8.0, 8.0, 7.0, 6.5, 6.0, 5.5, 5.0]], np.float32)
    first = Hits(np.arange(FIRST)[None], scores)
    said = made.curve.probabilities(first, first).scores[0, :3].tolist()
    assert said == pytest.approx([0.5727394, 0.1816845, 0.1395122], abs=1e-6)
