"""Graphs against a forward pass in plain numpy: every family, every head, and what has to be refused."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.core.protocols import TokenBatch
from vizsla.models import graph
from vizsla.models.description import Description, Head
from vizsla.runtimes.onnxruntime_session import OnnxRuntime

from . import oracle

FAMILIES = ("bert", "distilbert", "roberta", "mpnet", "electra", "ernie")
POOLINGS = ("cls", "mean", "max", "sqrt", "weighted", "last")
HEADS = {
    **{pooling: Head("vector", pooling=(pooling,)) for pooling in POOLINGS},
    "unit": Head("vector", pooling=("mean",), normalize=True),
    "side by side": Head("vector", pooling=("mean", "cls", "max"), dense=("tanh",), widths=(5,)),
    "two layers": Head("vector", dense=("relu", "identity"), dense_bias=(True, False), widths=(7, 4), normalize=True),
    "unit within": Head("vector", pooling=("mean",), dense=("tanh", "unit", "identity"), widths=(5, 5, 4)),
    "normed": Head("vector", dense=("norm", "tanh", "norm"), widths=(12, 5, 5)),
    "pooler": Head("score", dense=("tanh",)),
    "bare": Head("score", activation="sigmoid"),
    "softmax": Head("score", dense=("tanh",), activation="softmax", labels=2, label=1),
    "labels": Head("score", dense=("gelu",), activation="tanh", labels=3, label=2),
    "splade": Head("terms", pooling=("max",), activation="log1p_relu"),
    "splade sum": Head("terms", pooling=("sum",), activation="log1p_relu"),
    "twice": Head("terms", pooling=("max",), activation="log1p_log1p_relu", transform="relu"),
    "few": Head("terms", pooling=("max",), activation="log1p_relu", most=7),
    "few sum": Head("terms", pooling=("sum",), activation="log1p_relu", most=7),
    "relu": Head("terms", pooling=("max",), activation="relu"),
}
LENGTHS = (5, 1, 17, 9)


def padded(d: Description, texts: Sequence[tuple[list[int], list[int]]], length: int) -> TokenBatch:
    ids = np.full((len(texts), length), d.tokens.pad, np.int64)
    types, mask = np.zeros_like(ids), np.zeros_like(ids)
    for i, (tokens, kinds) in enumerate(texts):
        ids[i, : len(tokens)], types[i, : len(tokens)], mask[i, : len(tokens)] = tokens, kinds, 1
    return TokenBatch(ids, types, mask)


def opened(d: Description, folder: Path) -> OnnxRuntime:
    made = graph.build(d)
    onnx.checker.check_model(made, full_check=True)
    onnx.save(made, folder / "model.onnx")
    return OnnxRuntime(folder / "model.onnx", threads=1)


def close(found: npt.NDArray[np.float32], wanted: npt.NDArray[np.float64]) -> None:
    assert found.shape == wanted.shape
    assert found.dtype == np.float32
    assert np.all(np.abs(found - wanted) <= 1e-5 * np.maximum(1, np.abs(wanted)))
    assert np.ptp(wanted) > 0


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_graph_computes_what_the_forward_pass_does(family: str, name: str, tmp_path: Path) -> None:
    d = oracle.description(family, HEADS[name])
    texts = oracle.rows(d, LENGTHS)
    close(opened(d, tmp_path).run(padded(d, texts, 20)), oracle.expected(d, texts))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("family", ["bert", "mpnet"])
def test_poolings_that_leave_a_prompt_out(family: str, pooling: str, tmp_path: Path) -> None:
    d = oracle.description(family, Head("vector", (pooling,), skip=3))
    texts = oracle.rows(d, (5, 4, 17, 9))
    close(opened(d, tmp_path).run(padded(d, texts, 20)), oracle.expected(d, texts))


@pytest.mark.parametrize("name", ["cls", "mean", "softmax", "splade", "splade sum"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_text_gives_the_same_bits_in_any_batch(family: str, name: str, tmp_path: Path) -> None:
    d = oracle.description(family, HEADS[name])
    runtime, texts = opened(d, tmp_path), oracle.rows(d, [1, 3, 5, 8, 8, 2, 7, 6, 4])
    together = runtime.run(padded(d, texts, 8))
    for size in (1, 2, 4, 5):
        for start in range(0, len(texts), size):
            part = runtime.run(padded(d, texts[start : start + size], 8))
            assert part.tobytes() == together[start : start + size].tobytes()


def test_the_tiny_number_in_layer_norm_counts(tmp_path: Path) -> None:
    d = oracle.description("bert", HEADS["cls"], layer_norm_eps=0.1)
    texts = oracle.rows(d, LENGTHS)
    close(opened(d, tmp_path).run(padded(d, texts, 20)), oracle.expected(d, texts))
    other = dataclasses.replace(d, architecture=dataclasses.replace(d.architecture, layer_norm_eps=1e-12))
    assert np.abs(oracle.expected(other, texts) - oracle.expected(d, texts)).max() > 1e-2


@pytest.mark.parametrize(("family", "inputs"), [("bert", 3), ("distilbert", 2), ("roberta", 2), ("ernie", 3)])
def test_types_are_asked_for_only_where_the_architecture_has_several(family: str, inputs: int) -> None:
    made = graph.build(oracle.description(family, HEADS["cls"]))
    assert [one.name for one in made.graph.input] == (["ids", "types", "mask"] if inputs == 3 else ["ids", "mask"])


def test_roberta_counts_no_position_for_a_pad_typed_in_a_text(tmp_path: Path) -> None:
    d = oracle.description("roberta", Head("vector", pooling=("last",)), layers=0)
    runtime = opened(d, tmp_path)
    plain, typed = ([7, 8, 9], [0] * 3), ([7, 1, 9], [0] * 3)
    last = runtime.run(padded(d, [plain, typed], 4))
    w = d.weights
    for row, position in ((0, 4), (1, 3)):
        summed = w["embeddings.word"][9] + w["embeddings.position"][position] + w["embeddings.type"][0]
        np.testing.assert_allclose(last[row], oracle.norm(d, summed.astype(np.float64), "embeddings.norm"), atol=1e-5)


def test_ernie_does_not_see_a_pad_typed_in_a_text(tmp_path: Path) -> None:
    runtimes = {}
    for family in ("ernie", "bert"):
        d = oracle.description(family, HEADS["cls"])
        (tmp_path / family).mkdir()
        batch = padded(d, [([7, 0, 9], [0, 0, 0])], 4)
        unseen = TokenBatch(batch.ids, batch.types, np.array([[1, 0, 1, 0]]))
        runtime = opened(d, tmp_path / family)
        runtimes[family] = np.array_equal(runtime.run(batch), runtime.run(unseen))
    assert runtimes == {"ernie": True, "bert": False}


def test_a_tied_decoder_is_stored_once() -> None:
    d = oracle.description("bert", HEADS["splade"])
    copied = dataclasses.replace(d, weights={**d.weights, "terms.weight": d.weights["terms.weight"].copy()})
    loose = dataclasses.replace(d, weights={**d.weights, "terms.weight": d.weights["terms.weight"] + 1})
    stored = ["terms.weight" in {one.name for one in graph.build(one).graph.initializer} for one in (d, copied, loose)]
    assert stored == [False, False, True]


def test_weights_that_lie_beside_the_graph_give_the_same(tmp_path: Path) -> None:
    d = oracle.description("bert", HEADS["splade"], hidden=24, vocabulary=600)
    batch = padded(d, oracle.rows(d, LENGTHS), 20)
    inside = opened(d, tmp_path).run(batch)
    with (tmp_path / "weights.bin").open("wb") as file:
        made = graph.build(d, file)
    (tmp_path / "beside.onnx").write_bytes(made.SerializeToString())
    assert sum(len(one.raw_data) for one in made.graph.initializer) < (tmp_path / "weights.bin").stat().st_size / 4
    assert OnnxRuntime(tmp_path / "beside.onnx").run(batch).tobytes() == inside.tobytes()


def test_a_missing_weight_and_one_of_another_shape_are_named() -> None:
    d = oracle.description("bert", HEADS["cls"])
    fewer = {name: values for name, values in d.weights.items() if name != "layers.1.up.bias"}
    with pytest.raises(ArtifactError, match=r"no weight 'layers.1.up.bias'; wanted one of shape \(20,\)"):
        graph.build(dataclasses.replace(d, weights=fewer))
    other = {**d.weights, "layers.0.query.weight": np.zeros((12, 11), np.float32)}
    with pytest.raises(ArtifactError, match=r"'layers.0.query.weight' of shape \(12, 11\); wanted \(12, 12\)"):
        graph.build(dataclasses.replace(d, weights=other))


@pytest.mark.parametrize(
    ("head", "changes", "message"),
    [
        (Head("vector", pooling=("first",)), {}, "the pooling 'first'"),
        (Head("terms", pooling=("mean",), activation="relu"), {}, "the pooling"),
        (Head("terms", pooling=("max",), activation="identity"), {}, "the activation 'identity' of terms"),
        (Head("score", activation="swish"), {}, "the activation 'swish'"),
        (Head("vector"), {"activation": "silu"}, "the activation 'silu'"),
    ],
)
def test_what_does_not_exist_is_refused(head: Head, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        graph.build(oracle.description("bert", head, **changes))


def test_a_static_model_has_no_graph() -> None:
    d = oracle.description("bert", HEADS["cls"])
    static = dataclasses.replace(d, architecture=dataclasses.replace(d.architecture, family="static"))
    with pytest.raises(SettingsError, match="a static model has a weight a token and no graph"):
        graph.build(static)
