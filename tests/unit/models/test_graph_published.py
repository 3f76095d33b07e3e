"""Published ONNX files: their inputs fed, their heads appended, what cannot be read refused."""

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import TokenBatch
from vizsla.models import graph
from vizsla.models.description import Description, Head
from vizsla.runtimes.onnxruntime_session import OnnxRuntime

from . import oracle

TABLE = np.random.default_rng(0).normal(0, 1, (oracle.VOCABULARY, 6)).astype(np.float32)
BATCH = TokenBatch(np.array([[7, 8, 9], [5, 0, 0]]), np.zeros((2, 3), np.int64), np.array([[1, 1, 1], [1, 0, 0]]))
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def published(
    path: Path, *, inputs: tuple[str, ...] = INPUTS, kind: int = TensorProto.INT64, pooled: bool = False
) -> Path:
    """Hidden states that are the words' rows; or, pooled, the first word's."""
    nodes = [helper.make_node("Gather", ["table", inputs[0]], ["last_hidden_state"])]
    output = "last_hidden_state"
    axes: list[str | int | None] = ["batch", "sequence", 6]
    if pooled:
        first = numpy_helper.from_array(np.array(0), "first")
        nodes.append(helper.make_node("Gather", ["last_hidden_state", "first"], ["logits"], axis=1))
        output, axes = "logits", ["batch", 6]
    declared = [helper.make_tensor_value_info(name, kind, ["batch", "sequence"]) for name in inputs]
    given = helper.make_tensor_value_info(output, TensorProto.FLOAT, axes)
    arrays = [numpy_helper.from_array(TABLE, "table"), *([first] if pooled else [])]
    made = helper.make_graph(nodes, "published", declared, [given], arrays)
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)
    return path


def describe(path: Path, head: Head) -> Description:
    return dataclasses.replace(oracle.description("bert", head), weights={}, graph=str(path))


def opened(d: Description, folder: Path) -> OnnxRuntime:
    made = graph.build(d)
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, folder / "model.onnx")
    return OnnxRuntime(folder / "model.onnx")


@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
def test_the_head_follows_the_hidden_states(kind: int, tmp_path: Path) -> None:
    d = describe(published(tmp_path / "p.onnx", kind=kind), Head("vector", pooling=("mean",), normalize=True))
    means = np.stack([TABLE[[7, 8, 9]].mean(0), TABLE[5]])
    wanted = means / np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(opened(d, tmp_path).run(BATCH), wanted, atol=1e-6)


def test_dense_layers_have_their_own_weights(tmp_path: Path) -> None:
    layer = np.random.default_rng(1).normal(0, 1, (6, 2)).astype(np.float32)
    d = describe(published(tmp_path / "p.onnx"), Head("vector", dense=("tanh",), widths=(2,), dense_bias=(False,)))
    d = dataclasses.replace(d, weights={"dense.0.weight": layer})
    np.testing.assert_allclose(opened(d, tmp_path).run(BATCH), np.tanh(TABLE[[7, 5]] @ layer), atol=1e-6)


def test_terms_follow_logits_of_every_token(tmp_path: Path) -> None:
    for pooling in ("max", "sum"):
        head = Head("terms", pooling=(pooling,), activation="log1p_relu")
        each = np.log1p(np.maximum(TABLE, 0))
        rows = each[[7, 8, 9]]
        wanted = np.stack([rows.max(0) if pooling == "max" else rows.sum(0), each[5]])
        found = opened(describe(published(tmp_path / "p.onnx"), head), tmp_path).run(BATCH)
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_a_score_follows_the_classifiers_logits(tmp_path: Path) -> None:
    d = describe(published(tmp_path / "p.onnx", pooled=True), Head("score", activation="softmax", labels=6, label=2))
    wanted = np.exp(TABLE[[7, 5]]) / np.exp(TABLE[[7, 5]]).sum(1, keepdims=True)
    np.testing.assert_allclose(opened(d, tmp_path).run(BATCH), wanted[:, 2:3], atol=1e-6)


def test_what_was_pooled_already_is_only_finished(tmp_path: Path) -> None:
    d = describe(published(tmp_path / "p.onnx", pooled=True), Head("vector", pooling=("mean",)))
    np.testing.assert_array_equal(opened(d, tmp_path).run(BATCH), TABLE[[7, 5]])


def test_what_cannot_be_adopted_is_refused_by_name(tmp_path: Path) -> None:
    vector, score = Head("vector", pooling=("mean",)), Head("score")
    strange = published(tmp_path / "strange.onnx", inputs=("input_ids", "attention_mask", "position_ids"))
    blind = published(tmp_path / "blind.onnx", inputs=("input_ids",))
    broken, absent = tmp_path / "broken.onnx", tmp_path / "absent.onnx"
    broken.write_bytes(b"not a graph at all")
    for path, head, message in (
        (strange, vector, r"strange.onnx: found the input 'position_ids'; wanted only input_ids"),
        (blind, vector, r"blind.onnx: found no input attention_mask; wanted it for the pooling mean"),
        (published(tmp_path / "p.onnx"), score, r"found the outputs last_hidden_state of 3 axes; wanted one of 2"),
        (broken, vector, r"broken.onnx: not a graph that can be read"),
        (absent, vector, r"absent.onnx: not a graph that can be read"),
    ):
        with pytest.raises(ArtifactError, match=message):
            graph.build(describe(path, head))


def test_a_file_outside_the_folder_is_never_read_for_weights(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(TABLE.tobytes())
    (tmp_path / "inner").mkdir()
    path = published(tmp_path / "inner" / "p.onnx")
    model = onnx.load(path)
    table = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(table, "../secret.bin")
    table.ClearField("raw_data")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ArtifactError, match=r"p.onnx: not a graph that can be read"):
        graph.build(describe(path, Head("vector")))


def bent(path: Path, operator: str, inputs: list[str]) -> Path:
    """A published graph with an operator behind its words' rows."""
    model = onnx.load(published(path))
    model.graph.node[0].output[0] = "rows"
    model.graph.node.append(helper.make_node(operator, inputs, ["last_hidden_state"], axis=-1, epsilon=0.1))
    model.graph.initializer.append(numpy_helper.from_array(TABLE[0], "scale"))
    onnx.save(model, path)
    return path


def test_a_layer_norm_of_the_optimiser_that_no_old_version_had(tmp_path: Path) -> None:
    path = bent(tmp_path / "p.onnx", "LayerNormalization", ["rows", "scale"])
    found = opened(describe(path, Head("vector")), tmp_path).run(BATCH)
    rows = TABLE[[7, 5]].astype(np.float64)
    centred = rows - rows.mean(1, keepdims=True)
    wanted = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 0.1) * TABLE[0]
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_graph_that_does_not_hold_together(tmp_path: Path) -> None:
    path = bent(tmp_path / "p.onnx", "LayerNormalization", ["nobody", "scale"])
    with pytest.raises(ArtifactError, match=r"p\.onnx: not a graph that can be read"):
        graph.build(describe(path, Head("vector")))
