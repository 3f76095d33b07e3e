"""Rounded products against plain integers in numpy, and graphs that keep what is not rounded."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vizsla.models.quantising import Rounding, products, quantise, rounded_weights, weights_of

DRAW = np.random.default_rng(0)
LEFT, RIGHT = (DRAW.normal(0, 0.3, (6, 5)).astype(np.float32) for _ in range(2))
WORDS = DRAW.normal(0, 1, (30, 6)).astype(np.float32)
BIAS = DRAW.normal(0, 1, 5).astype(np.float32)


def graph() -> onnx.ModelProto:
    """Words times two matrices, one with a bias, and times the words themselves, turned."""
    nodes = [
        helper.make_node("Gather", ["words", "ids"], ["states"]),
        helper.make_node("MatMul", ["states", "left"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["one"]),
        helper.make_node("MatMul", ["states", "right"], ["other"]),
        helper.make_node("Transpose", ["words"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["states", "turned"], ["third"]),
        helper.make_node("Concat", ["one", "other", "third"], ["output"], axis=-1),
    ]
    arrays = [
        numpy_helper.from_array(values, name)
        for name, values in {"words": WORDS, "left": LEFT, "right": RIGHT, "bias": BIAS}.items()
    ]
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "tokens"])]
    output = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", "tokens", "width"])
    made = helper.make_graph(nodes, "three", inputs, [output], arrays)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def run(model: onnx.ModelProto, ids: np.ndarray) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"ids": ids})[0])


def rounding(smooth: np.ndarray | None = None, **shifts: np.ndarray) -> Rounding:
    return Rounding(-2.5, 3.0, np.zeros(0, np.float32) if smooth is None else smooth.astype(np.float32), shifts)


def integers(given: Rounding, weights: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The product in whole numbers, scaled once at its end."""
    smooth = given.smooth if len(given.smooth) else np.ones(states.shape[-1], np.float32)
    scale, zero = (given.high - given.low) / 255, round(-given.low / ((given.high - given.low) / 255))
    steps = np.clip(np.rint(states / smooth / np.float32(scale)) + zero, 0, 255).astype(np.int64) - zero
    turned = weights * smooth[:, None]
    scales = np.abs(turned).max(axis=0) / 127
    whole = np.rint(turned / scales).astype(np.int64)
    return np.asarray((steps @ whole) * scales * scale)


def test_products_are_grouped_by_their_input() -> None:
    (found,) = products(graph())
    assert (found.values, found.weights, found.name) == ("states", ("left", "right", "turned"), "left right words")
    assert np.array_equal(weights_of(graph(), found)["turned"], WORDS.T)


@pytest.mark.parametrize("smooth", [None, np.linspace(0.5, 2, 6)])
def test_a_rounded_graph_is_whole_numbers(smooth: np.ndarray | None) -> None:
    given, ids = rounding(smooth), DRAW.integers(0, 30, (4, 7))
    model = graph()
    quantise(model, {"states": given})
    onnx.checker.check_model(model, full_check=True)
    parts = [integers(given, weights, WORDS[ids]) for weights in (LEFT, RIGHT, WORDS.T)]
    parts[0] = parts[0] + BIAS
    assert np.abs(run(model, ids) - np.concatenate(parts, axis=-1)).max() < 1e-4


def test_a_shift_goes_to_the_bias_of_its_own_product() -> None:
    ids, shift = DRAW.integers(0, 30, (2, 3)), np.arange(5, dtype=np.float32)
    plain, shifted = graph(), graph()
    quantise(plain, {"states": rounding()})
    quantise(shifted, {"states": rounding(None, left=shift, right=shift)})
    moved = run(shifted, ids) - run(plain, ids)
    assert np.abs(moved[..., :5] - shift).max() < 1e-5
    assert not moved[..., 5:].any()  # no bias there to take it


def test_what_is_not_named_stays_as_it_is() -> None:
    model = graph()
    quantise(model, {})
    ids = DRAW.integers(0, 30, (2, 3))
    assert np.array_equal(run(model, ids), run(graph(), ids))


def test_weights_no_product_reads_any_more_are_dropped() -> None:
    model = graph()
    quantise(model, {"states": rounding()})
    names = {one.name for one in model.graph.initializer}
    assert {"left", "right"}.isdisjoint(names)
    assert "words" in names  # ids still look rows of it up
    assert not [node for node in model.graph.node if node.op_type == "Transpose"]


def test_weights_are_rounded_an_output_each() -> None:
    whole, scales = rounded_weights(np.array([[1.0, 0.0, -254.0], [-0.5, 0.0, 1.0]], np.float32))
    assert whole.tolist() == [[127, 0, -127], [-64, 0, 0]]
    assert scales == pytest.approx([1 / 127, 1e-12, 2])


def test_a_range_of_nothing_still_has_a_scale(tmp_path: Path) -> None:
    nothing = Rounding(0.0, 0.0, np.zeros(0, np.float32), {})
    assert nothing.scale > 0
    assert np.array_equal(nothing.apply(np.zeros((1, 2), np.float32)), [[0, 0]])
