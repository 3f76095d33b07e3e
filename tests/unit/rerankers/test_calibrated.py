"""A calibrated reranker: probabilities in the base's order, of the contract that they were fitted on."""

from pathlib import Path

import numpy as np
import pytest

import vizsla
from vizsla.core.errors import IncompatibleError
from vizsla.core.protocols import Text
from vizsla.retrievers.calibration import Calibration, Curve

FOLDER = Path(__file__).parents[1] / "models/fixtures/st5-cross-identity"
PAIRS: list[tuple[str, Text]] = [("a bridge?", "city"), ("a bridge?", ("city", "of London")), ("open", "the file")]
CURVE = Curve("plain", slope=3.0, rival=0.0, level=0.0, bias=-1.5, floor=0.0)


def test_logits_become_probabilities(tmp_path: Path) -> None:
    reranker = vizsla.load(FOLDER)
    Calibration(CURVE, {"contract": reranker.contract.id}).save(tmp_path / "c")
    likely = reranker.calibrated(vizsla.load(tmp_path / "c"))
    logits = reranker.score(PAIRS).astype(np.float64)
    assert likely.score(PAIRS).tolist() == pytest.approx((1 / (1 + np.exp(1.5 - 3 * logits))).tolist(), abs=1e-6)
    assert (reranker.contract.score, likely.contract.score) == ("logit", "probability")
    other = reranker.calibrated(
        Calibration(Curve("plain", 2.0, 0.0, 0.0, 0.0, 0.0), {"contract": reranker.contract.id})
    )
    assert len({one.contract.id for one in (reranker, likely, other)}) == 3


def test_the_fit_of_another_model_is_refused() -> None:
    with pytest.raises(IncompatibleError, match="another contract"):
        vizsla.load(FOLDER).calibrated(Calibration(CURVE, {"contract": "other"}))


def test_probabilities_are_not_fitted_again() -> None:
    given = vizsla.load(FOLDER, settings={"activation": "sigmoid", "score": "probability"})
    with pytest.raises(IncompatibleError, match="probabilities already"):
        given.calibrated(Calibration(CURVE, {"contract": given.contract.id}))
