"""Nodes of an ONNX graph, written one after another: what an operator is called and where weights lie.

Knows the ONNX format and nothing of transformers.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import ArtifactError
from vizsla.models.description import Weights

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

OPSET = 20
IR_VERSION = 9
WEIGHTS_FILE = "weights.bin"
_PAGE = 4096
_INSIDE = 1024


class Nodes:
    """A graph being written: nodes in order, and the arrays that they read.

    Args:
        weights: the arrays that `weight` finds by name.
        file: where arrays of more than a KiB go, each at a page's start so that a runtime can map them; without it
            they stand inside the model, which then must stay under 2 GiB.
        prefix: before every name, so that it meets no other's.
    """

    def __init__(self, weights: Weights, file: BinaryIO | None = None, prefix: str = "") -> None:
        self._weights = weights
        self._file = file
        self._prefix = prefix
        self.nodes: list[NodeProto] = []
        self.arrays: dict[str, TensorProto] = {}

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Write one operator; returns the name of its output."""
        return self.several(1, operator, *inputs, **attributes)[0]

    def several(self, outputs: int, operator: str, *inputs: str, **attributes: Any) -> list[str]:
        """Write one operator of several outputs; returns their names."""
        from onnx import helper

        name = f"{self._prefix}{operator}_{len(self.nodes)}"
        made = [f"{name}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), made, name=name, **attributes))
        return made

    def weight(self, name: str) -> str:
        """A weight of the description.

        Raises:
            ArtifactError: the description holds no such weight.
        """
        if name not in self._weights:
            raise ArtifactError(f"found no weight '{name}'; wanted every name of the architecture and its head")
        return self.array(name, self._weights[name])

    def array(self, name: str, values: npt.NDArray[np.float32]) -> str:
        """An array stored once under its name; what stands there already stays."""
        name = self._prefix + name
        if name not in self.arrays:
            self.arrays[name] = self._tensor(name, np.ascontiguousarray(values, dtype=np.float32))
        return name

    def floats(self, *values: float) -> str:
        """A constant: one number as a scalar, more as a row."""
        return self._constant("f", np.array(values[0] if len(values) == 1 else values, dtype=np.float32))

    def integers(self, *values: int) -> str:
        """A constant row of integers: axes, shapes, indices."""
        return self._constant("i", np.array(values, dtype=np.int64))

    def index(self, value: int) -> str:
        """A constant scalar integer: an index whose axis goes."""
        return self._constant("x", np.array(value, dtype=np.int64))

    def linear(self, values: str, name: str) -> str:
        """Values @ weight + bias; without a bias where the description has none."""
        product = self.add("MatMul", values, self.weight(f"{name}.weight"))
        return self.add("Add", product, self.weight(f"{name}.bias")) if f"{name}.bias" in self._weights else product

    def norm(self, values: str, name: str, epsilon: float) -> str:
        """LayerNorm over the last axis."""
        scale, shift = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", values, scale, shift, axis=-1, epsilon=epsilon)

    def model(self, inputs: Sequence[str], output: str) -> "ModelProto":
        """The whole, as a model of standard operators."""
        from onnx import helper

        arrays = list(self.arrays.values())
        graph = helper.make_graph(self.nodes, "vizsla", declared(inputs), [declared_output(output)], arrays)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="vizsla")
        made.ir_version = IR_VERSION
        return made

    def _constant(self, kind: str, values: npt.NDArray[np.float32] | npt.NDArray[np.int64]) -> str:
        from onnx import numpy_helper

        name = f"{self._prefix}{kind}{values.shape or ''}{values.tolist()}".replace(" ", "")
        if name not in self.arrays:
            self.arrays[name] = numpy_helper.from_array(values, name)
        return name

    def _tensor(self, name: str, values: npt.NDArray[np.float32]) -> "TensorProto":
        from onnx import TensorProto, numpy_helper

        if self._file is None or values.nbytes < _INSIDE:
            return numpy_helper.from_array(values, name)
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=values.shape)
        _put(tensor, values.data.cast("B"), self._file)
        return tensor


def declared(names: Sequence[str]) -> "list[ValueInfoProto]":
    """Inputs, each (texts, tokens) int64."""
    from onnx import TensorProto, helper

    return [helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"]) for name in names]


def declared_output(name: str) -> "ValueInfoProto":
    """The output: (texts, width) float32."""
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", "width"])


def put_out(model: "ModelProto", file: BinaryIO) -> None:
    """Move the large arrays of a model that holds them into a file."""
    for tensor in model.graph.initializer:
        if len(tensor.raw_data) >= _INSIDE:
            _put(tensor, memoryview(tensor.raw_data), file)


def _put(tensor: "TensorProto", content: memoryview, file: BinaryIO) -> None:
    from onnx import external_data_helper

    file.write(bytes(-file.tell() % _PAGE))
    start = file.tell()
    file.write(content)
    tensor.raw_data = b""
    external_data_helper.set_external_data(tensor, WEIGHTS_FILE, start, len(content))
    tensor.ClearField("raw_data")
