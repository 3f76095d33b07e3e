"""The stages of models: how the dense parts of segments are searched."""

from pathlib import Path

import pytest

from vizsla.collections import model_stages
from vizsla.collections.segmented import SegmentedVectors
from vizsla.indexes import quantised
from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.quantised import QuantisedIndex

from .changing import changing

TEXTS = [f"{one} {other} far" for one in ("run", "fly", "jump", "birds") for other in ("a", "the", "field", "run")]


@pytest.mark.parametrize(("exact", "kind"), [(len(TEXTS), FlatIndex), (len(TEXTS) - 1, QuantisedIndex)])
def test_a_small_collection_is_searched_exactly_whatever_its_segments_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exact: int, kind: type
) -> None:
    monkeypatch.setattr(quantised, "_WORTH_CODES", 2)
    monkeypatch.setattr(model_stages, "_EXACT", exact)
    stage = changing(tmp_path, TEXTS, batch=8).snapshot().stage("mini")
    assert isinstance(stage, model_stages.DenseStage)
    assert isinstance(stage.index, SegmentedVectors)
    assert [type(one) for one in stage.index.indexes] == [kind, kind]


def test_only_what_is_alive_makes_a_collection_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantised, "_WORTH_CODES", 2)
    monkeypatch.setattr(model_stages, "_EXACT", len(TEXTS) - 1)
    made = changing(tmp_path, TEXTS, batch=8)
    made.delete(["p3"])
    stage = made.snapshot().stage("mini")
    assert isinstance(stage, model_stages.DenseStage)
    assert isinstance(stage.index, SegmentedVectors)
    assert [type(one) for one in stage.index.indexes] == [FlatIndex, FlatIndex]
