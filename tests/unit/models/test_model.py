"""A model that runs: graphs that were published, runtimes that were given, and outputs that do not fit."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import vizsla
from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import TokenBatch
from vizsla.core.vectors import Dense
from vizsla.models.description import Architecture, Head
from vizsla.models.model import Model, width
from vizsla.models.reading import read

FOLDER = Path(__file__).parent / "fixtures/st5-bi-mean-norm"
TABLE = np.random.default_rng(0).normal(0, 1, (300, 32)).astype(np.float32)
INPUTS = ("input_ids", "attention_mask")


class Lengths:
    """A runtime that gives each row's number of tokens, so many times."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.shapes: list[tuple[int, ...]] = []

    def run(self, batch: TokenBatch) -> Dense:
        self.shapes.append(batch.ids.shape)
        return np.repeat(batch.mask.sum(1, keepdims=True), self.columns, axis=1).astype(np.float32)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder whose only weights are a graph: hidden states that are the words' rows."""
    folder = Path(shutil.copytree(FOLDER, tmp_path / "published"))
    (folder / "model.safetensors").unlink()
    (folder / "onnx").mkdir()
    node = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])
    axes: list[str | int | None] = ["batch", "sequence"]
    declared = [helper.make_tensor_value_info(name, TensorProto.INT64, axes) for name in INPUTS]
    given = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*axes, 32])
    graph = helper.make_graph([node], "g", declared, [given], [numpy_helper.from_array(TABLE, "table")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "onnx/model.onnx")
    return folder


def test_a_published_graph(published: Path) -> None:
    encoder = vizsla.load(published)
    made = Model(read(FOLDER).passages)._tokenizer.passages(["what is a bridge?"])
    mean = TABLE[made.ids].mean(0)
    np.testing.assert_allclose(
        encoder.encode_passages(["what is a bridge?"])[0], mean / np.linalg.norm(mean), atol=1e-6
    )
    before = encoder.contract.id
    assert vizsla.load(published).contract.id == before
    (published / "onnx/model.onnx_data").write_bytes(b"other weights")
    assert vizsla.load(published).contract.id != before


def test_a_runtime_that_is_given() -> None:
    runtime = Lengths(32)
    model = Model(read(FOLDER).passages, runtime=runtime, precision="int8")
    texts = ["a bridge", "", "a", "a bridge is"]
    found = {
        int(place): row[0]
        for places, rows in model.outputs(texts, "passages")
        for place, row in zip(places, rows, strict=True)
    }
    assert found == {0: 4, 1: 2, 2: 3, 3: 5}
    assert runtime.shapes == [(4, 8)]
    assert (model.precision, model.runtime) == ("int8", "Lengths")


def test_a_masked_lms_batches_are_smaller() -> None:
    own = read(FOLDER).passages
    wide = replace(own.architecture, vocabulary=1 << 18)
    many = ["a bridge is 18 km"] * 100
    for description, rows in ((own, 100), (replace(own, architecture=wide, head=Head("terms", ("max",))), 16)):
        runtime = Lengths(width(description.architecture, description.head))
        list(Model(description, runtime=runtime).outputs(many, "passages"))
        assert runtime.shapes[0] == (rows, 8)


def test_an_output_of_another_width() -> None:
    with pytest.raises(ArtifactError, match="found an output of 31 columns; wanted 32"):
        list(Model(read(FOLDER).passages, runtime=Lengths(31)).outputs(["a"], "passages"))


@pytest.mark.parametrize(
    ("head", "columns"),
    [
        (Head("vector", ("cls",)), 8),
        (Head("vector", ("cls",), dense=("tanh",)), 8),
        (Head("vector", ("cls",), dense=("tanh", "identity"), widths=(9, 5)), 5),
        (Head("score", dense=("tanh",), labels=2), 1),
        (Head("terms", ("max",)), 30),
    ],
)
def test_widths(head: Head, columns: int) -> None:
    assert width(Architecture("bert", 30, hidden=8), head) == columns
