"""Static int8 in a graph: matrix products by weights read rounded inputs and rounded weights.

QuantizeLinear and DequantizeLinear stand before each product, the form that onnxruntime and OpenVINO both turn into
integer products (docs/formats/compiled-model.md). A scale is one number a product, found before and fixed, so a text's
output does not depend on its batch. Knows graphs; refuses to know how scales are found.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vizsla.models import graph
from vizsla.models.cache import GRAPH_FILE
from vizsla.models.description import Description
from vizsla.models.nodes import WEIGHTS_FILE, put_out

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

Floats = npt.NDArray[np.float32]
STEPS = 255
"""Steps of an input between its lowest and its highest value: eight bits without a sign."""
_GREATEST = 127
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Product:
    """The products of one input: queries, keys and values read the same one, and are rounded together.

    Attributes:
        name: for people and records: the names of its weights.
        values: the graph's name of the input, (texts, tokens, width).
        weights: the graph's names of the weights.
    """

    name: str
    values: str
    weights: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rounding:
    """How one input is rounded.

    Attributes:
        low: the lowest value that is kept, at most 0.
        high: the highest, at least 0.
        smooth: (width,) what each column is divided by first, its row of the weights multiplied: columns of very
            different size then share one scale; empty for nothing.
        shifts: by weights' name, what the rounding takes from the product on average: given back to the bias.
    """

    low: float
    high: float
    smooth: Floats
    shifts: Mapping[str, Floats]

    @property
    def scale(self) -> np.float32:
        """The width of a step."""
        return np.float32(max((self.high - self.low) / STEPS, _TINY))

    @property
    def zero(self) -> np.uint8:
        """The step that stands for 0."""
        return np.uint8(np.clip(np.rint(-self.low / self.scale), 0, STEPS))

    def apply(self, values: Floats) -> Floats:
        """Values as the rounded product sees them, each column divided by its `smooth`."""
        smoothed = values / self.smooth if len(self.smooth) else values
        steps = np.clip(np.rint(smoothed / self.scale) + np.float32(self.zero), 0, STEPS)
        rounded: Floats = ((steps - np.float32(self.zero)) * self.scale).astype(np.float32)
        return rounded


def rounded_weights(weights: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Weights (inputs, outputs) as integers from -127 to 127, and one scale an output."""
    scales = np.maximum(np.abs(weights).max(axis=0) / _GREATEST, _TINY).astype(np.float32)
    return np.clip(np.rint(weights / scales), -_GREATEST, _GREATEST).astype(np.int8), scales


def products(model: "ModelProto") -> list[Product]:
    """The products of a graph by weights that it holds, in the graph's order, grouped by their input."""
    known = _weights(model)
    found: dict[str, list[str]] = {}
    for node in model.graph.node:
        if node.op_type == "MatMul" and node.input[1] in known:
            found.setdefault(node.input[0], []).append(node.input[1])
    named = {name: known[name].name for names in found.values() for name in names}
    return [Product(" ".join(named[name] for name in names), values, tuple(names)) for values, names in found.items()]


def weights_of(model: "ModelProto", product: Product) -> dict[str, Floats]:
    """The weights of a product by their names, each (inputs, outputs)."""
    from onnx import numpy_helper

    known = _weights(model)
    made = {name: numpy_helper.to_array(known[name]) for name in product.weights}
    return {name: values.T if name != known[name].name else values for name, values in made.items()}


def quantise(model: "ModelProto", roundings: Mapping[str, Rounding]) -> None:
    """Round the products of a graph in place.

    Args:
        model: its weights inside.
        roundings: by `Product.values`; products whose input is not named stay as they are.
    """
    chosen = [product for product in products(model) if product.values in roundings]
    matrices = {product.values: weights_of(model, product) for product in chosen}
    writer = _Writer(model)
    for product in chosen:
        rounding = roundings[product.values]
        writer.round_input(product, rounding)
        for name, values in matrices[product.values].items():
            writer.round_weights(name, values, rounding)
    writer.finish()


def write_quantised(description: Description, roundings: Mapping[str, Rounding], folder: Path) -> Path:
    """Write a description's graph with its products rounded, weights in a file of their own; returns its path.

    Raises:
        ArtifactError: a weight is missing or of another shape.
    """
    model = graph.build(description)
    quantise(model, roundings)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / WEIGHTS_FILE).open("wb") as file:
        put_out(model, file)
    (folder / GRAPH_FILE).write_bytes(model.SerializeToString(deterministic=True))
    return folder / GRAPH_FILE


def write_open(description: Description, names: Sequence[str], folder: Path) -> Path:
    """Write a description's graph with values that stand inside it for outputs; returns its path.

    Raises:
        ArtifactError: a weight is missing or of another shape.
    """
    from onnx import TensorProto, helper

    with (folder / WEIGHTS_FILE).open("wb") as file:
        model = graph.build(description, file)
    needed, kept = set(names), []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    _replace(model.graph.node, reversed(kept))  # a vocabulary's head costs more than all before it
    _replace(model.graph.output, (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names))
    (folder / GRAPH_FILE).write_bytes(model.SerializeToString(deterministic=True))
    return folder / GRAPH_FILE


class _Writer:
    """A graph being rewritten: what comes before each product, and what its weights become."""

    def __init__(self, model: "ModelProto") -> None:
        self._model = model
        self._arrays: dict[str, TensorProto] = {one.name: one for one in model.graph.initializer}
        self._before: dict[str, list[NodeProto]] = {}
        self._renamed: dict[str, str] = {}
        self._inputs: dict[str, str] = {}

    def round_input(self, product: Product, rounding: Rounding) -> None:
        from onnx import helper

        name, before, values = f"{product.values}.rounded", [], product.values
        if len(rounding.smooth):
            factors = self._store(f"{name}.smooth", np.float32(1) / rounding.smooth)
            before.append(helper.make_node("Mul", [values, factors], [f"{name}.smoothed"], name=f"{name}.smoothing"))
            values = f"{name}.smoothed"
        grid = [self._store(f"{name}.scale", np.array(rounding.scale))]
        grid.append(self._store(f"{name}.zero", np.array(rounding.zero)))
        before.append(helper.make_node("QuantizeLinear", [values, *grid], [f"{name}.steps"], name=f"{name}.to"))
        before.append(helper.make_node("DequantizeLinear", [f"{name}.steps", *grid], [name], name=f"{name}.from"))
        self._before[product.values] = before
        for weights in product.weights:
            self._inputs[weights] = name

    def round_weights(self, name: str, values: Floats, rounding: Rounding) -> None:
        from onnx import helper

        smoothed = values * rounding.smooth[:, None] if len(rounding.smooth) else values
        integers, scales = rounded_weights(smoothed)
        made = f"{name}.rounded"
        grid = [self._store(f"{made}.scale", scales), self._store(f"{made}.zero", np.zeros(len(scales), np.int8))]
        steps = self._store(f"{made}.steps", integers)
        self._before[name] = [helper.make_node("DequantizeLinear", [steps, *grid], [made], name=f"{made}.from", axis=1)]
        self._renamed[name] = made
        if name in rounding.shifts:
            self._shift(name, rounding.shifts[name])

    def finish(self) -> None:
        """Put the new nodes in place and drop the arrays that nothing reads any more."""
        made, done = [], set()
        for node in self._model.graph.node:
            if node.op_type == "MatMul" and node.input[1] in self._renamed:
                source, weights = node.input[0], node.input[1]
                for name in (source, weights):
                    made += self._before[name] if name not in done else []
                    done.add(name)
                node.input[0], node.input[1] = self._inputs[weights], self._renamed[weights]
            made.append(node)
        read = {name for node in made for name in node.input} | {one.name for one in self._model.graph.output}
        kept = [node for node in made if any(name in read for name in node.output)]
        used = {name for node in kept for name in node.input}
        arrays = [one for one in self._arrays.values() if one.name in used]
        _replace(self._model.graph.node, kept)
        _replace(self._model.graph.initializer, arrays)

    def _shift(self, name: str, shift: Floats) -> None:
        """Add to the bias of a product, where one is added straight after it and read there alone."""
        from onnx import numpy_helper

        nodes = self._model.graph.node
        output = next(node.output[0] for node in nodes if node.op_type == "MatMul" and node.input[1] == name)
        readers = [node for node in nodes if output in node.input]
        if len(readers) != 1 or readers[0].op_type != "Add":
            return
        bias = next(other for other in readers[0].input if other != output)
        if bias in self._arrays and sum(bias in node.input for node in nodes) == 1:
            values = numpy_helper.to_array(self._arrays[bias]) + shift
            self._arrays[bias] = numpy_helper.from_array(values.astype(np.float32), bias)

    def _store(self, name: str, values: npt.NDArray[np.generic]) -> str:
        from onnx import numpy_helper

        self._arrays[name] = numpy_helper.from_array(values, name)
        return name


def _weights(model: "ModelProto") -> "dict[str, TensorProto]":
    """The matrices that products read, by the name they are read under: as they stand, or transposed."""
    arrays = {one.name: one for one in model.graph.initializer if len(one.dims) == 2}
    turned = {
        node.output[0]: arrays[node.input[0]]
        for node in model.graph.node
        if node.op_type == "Transpose" and node.input[0] in arrays
    }
    return arrays | turned


def _replace(field: Any, values: Iterable[Any]) -> None:
    """Give a repeated field other messages, some of which stand in it."""
    copies = [type(one).FromString(one.SerializeToString()) for one in values]
    del field[:]
    field.extend(copies)
