"""Finding scales: what is run for it, and what it is summed over."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from vizsla.compiling import calibration
from vizsla.compiling.calibration import Seen, rounding
from vizsla.models import graph
from vizsla.models.description import Head
from vizsla.models.parameters import shapes
from vizsla.models.quantising import Floats, Rounding, products, write_open
from vizsla.models.reading import read


def test_a_wide_product_is_rounded_by_some_of_its_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    sample = (draw.normal(size=(200, 16)) * np.exp(draw.normal(size=16))).astype(np.float32)
    seen = Seen(sample.min(axis=0), sample.max(axis=0), sample)
    weights = {"head": draw.normal(size=(16, 9000)).astype(np.float32)}
    error, widths = calibration._error, list[int]()

    def counted(made: Rounding, seen: Seen, weights: Floats, wanted: Floats) -> float:
        widths.append(weights.shape[1])
        return error(made, seen, weights, wanted)

    monkeypatch.setattr(calibration, "_error", counted)
    some = rounding(weights, seen)
    assert set(widths) == {3000}
    monkeypatch.setattr(calibration, "_OUTPUTS", 9000)
    every = rounding(weights, seen)
    assert max(widths) == 9000
    assert (some.low, some.high, some.smooth.tolist()) == (every.low, every.high, every.smooth.tolist())
    assert some.shifts["head"].tolist() == every.shifts["head"].tolist()


def test_what_stands_behind_the_observed_values_is_not_run(dense_folder: Path, tmp_path: Path) -> None:
    bare = read(dense_folder).passages
    head, draw = Head("terms", ("max",), activation="log1p_relu"), np.random.default_rng(0)
    made = {
        name: draw.normal(0, 0.2, shape).astype(np.float32) for name, shape in shapes(bare.architecture, head).items()
    }
    terms = replace(bare, head=head, score="dot", weights={**made, **bare.weights})
    first = products(graph.build(terms))[0].values
    opened = onnx.load(write_open(terms, [first], tmp_path), load_external_data=False)
    assert [one.name for one in opened.graph.output] == [first]
    assert {"MatMul", "ReduceMax", "Log"}.isdisjoint(node.op_type for node in opened.graph.node)
    assert "Gather" in {node.op_type for node in opened.graph.node}
