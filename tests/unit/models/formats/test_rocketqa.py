"""The original rocketqa layout, its variables written by hand under the names that its code gives them."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError
from vizsla.data.wire import varint
from vizsla.models.description import Head
from vizsla.models.reading import read

H, F, V, P, LAYERS = 4, 8, 7, 12, 2
WORDS = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]", "a", "b"]
CONF = {
    "hidden_size": H,
    "num_attention_heads": 2,
    "num_hidden_layers": LAYERS,
    "hidden_act": "relu",
    "max_position_embeddings": P,
    "type_vocab_size": 2,
    "vocab_size": V,
}


def names(prefix: str) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {
        "word_embedding": (V, H),
        "pos_embedding": (P, H),
        "sent_embedding": (2, H),
        "pre_encoder_layer_norm_scale": (H,),
        "pre_encoder_layer_norm_bias": (H,),
        "pooled_fc.w_0": (H, H),
        "pooled_fc.b_0": (H,),
    }
    for i in range(LAYERS):
        layer = f"encoder_layer_{i}_"
        for part in ("query", "key", "value", "output"):
            found |= {f"{layer}multi_head_att_{part}_fc.w_0": (H, H), f"{layer}multi_head_att_{part}_fc.b_0": (H,)}
        for norm in ("post_att_layer_norm", "post_ffn_layer_norm"):
            found |= {f"{layer}{norm}_scale": (H,), f"{layer}{norm}_bias": (H,)}
        found |= {f"{layer}ffn_fc_0.w_0": (H, F), f"{layer}ffn_fc_0.b_0": (F,)}
        found |= {f"{layer}ffn_fc_1.w_0": (F, H), f"{layer}ffn_fc_1.b_0": (H,)}
    return {f"{prefix}{name}": shape for name, shape in found.items()}


def variable(array: Any) -> bytes:
    described = b"\x08\x05" + b"".join(b"\x10" + varint(size) for size in array.shape)
    return struct.pack("<IQIi", 0, 0, 0, len(described)) + described + bytes(array.tobytes())


def written(folder: Path, shapes: dict[str, tuple[int, ...]], **config: Any) -> dict[str, Any]:
    drawn = np.random.default_rng(0)
    arrays = {name: drawn.normal(size=shape).astype("f4") for name, shape in shapes.items()}
    (folder / "model").mkdir(exist_ok=True)
    for name, array in arrays.items():
        (folder / "model" / name).write_bytes(variable(array))
    (folder / "zh.json").write_text(json.dumps(CONF))
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    paths = {"model_conf_path": "zh.json", "model_vocab_path": "vocab.txt", "model_checkpoint_path": "model"}
    (folder / "config.json").write_text(json.dumps(paths | config))
    return arrays


def test_a_dual_encoder_of_two_towers(tmp_path: Path) -> None:
    dual = {"model_type": "dual_encoder", "q_max_seq_len": 5, "p_max_seq_len": 11, "for_cn": False}
    arrays = written(tmp_path, names("query_") | names("titlepara_"), **dual)
    towers = read(tmp_path)
    for side, prefix in ((towers.queries, "query_"), (towers.passages, "titlepara_")):
        assert (side.head, side.score) == (Head("vector"), "dot")
        assert (side.layout.name, side.layout.titles, side.layout.remove_spaces) == ("rocketqa", "segment", False)
        assert (side.layout.query_length, side.layout.passage_length, side.tokens.ties) == (5, 11, "second")
        weights = side.weights
        assert np.array_equal(weights["embeddings.type"], arrays[f"{prefix}sent_embedding"])
        assert np.array_equal(weights["embeddings.norm.weight"], arrays[f"{prefix}pre_encoder_layer_norm_scale"])
        key = f"{prefix}encoder_layer_1_multi_head_att_value_fc.w_0"
        assert np.array_equal(weights["layers.1.value.weight"], arrays[key])
        assert np.array_equal(weights["layers.0.up.bias"], arrays[f"{prefix}encoder_layer_0_ffn_fc_0.b_0"])
    a = towers.queries.architecture
    assert (a.layer_norm_eps, a.activation, a.feed_forward, a.tasks, a.types) == (1e-5, "relu", F, 0, 2)


@pytest.mark.parametrize("prefix", ["", "query_"])
def test_one_tower_for_both_sides(tmp_path: Path, prefix: str) -> None:
    written(tmp_path, names(prefix), model_type="dual_encoder", share_parameter=1, q_max_seq_len=5, p_max_seq_len=11)
    towers = read(tmp_path)
    for name, array in towers.queries.weights.items():
        assert np.array_equal(array, towers.passages.weights[name])
    assert towers.queries.layout.remove_spaces  # for_cn without a word


@pytest.mark.parametrize("prefix", ["", "qtp_"])
@pytest.mark.parametrize("joint", [0, 1])
def test_a_cross_encoder(tmp_path: Path, prefix: str, joint: int) -> None:
    labels = 1 if joint else 2
    head = {f"{prefix}_cls_out_w": (H, labels), f"{prefix}_cls_out_b": (labels,)}
    arrays = written(tmp_path, names(prefix) | head, model_type="cross_encoder", max_seq_len=10, joint_training=joint)
    made = read(tmp_path).queries
    plain = Head("score", dense=("tanh",), activation="softmax", labels=2, label=1)
    assert made.head == (Head("score") if joint else plain)
    assert made.score == ("logit" if joint else "probability")
    assert (made.layout.titles, made.layout.passage_length) == ("tokens", 10)
    assert np.array_equal(made.weights["classifier.weight"], arrays[f"{prefix}_cls_out_w"])
    assert joint or np.array_equal(made.weights["dense.0.weight"], arrays[f"{prefix}pooled_fc.w_0"])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_checkpoint_path": "../model"}, "the path '../model'"),
        ({"model_vocab_path": "/etc/passwd"}, "the path '/etc/passwd'"),
        ({"model_conf_path": "../zh.json"}, "the path '../zh.json'"),
        ({"model_conf_path": None}, "the path 'None'"),
        ({"model_checkpoint_path": "none"}, "found no folder"),
        ({"q_max_seq_len": "long"}, "found lengths"),
    ],
)
def test_paths_and_values_that_cannot_be(tmp_path: Path, config: dict[str, Any], said: str) -> None:
    dual = {"model_type": "dual_encoder", "q_max_seq_len": 5, "p_max_seq_len": 11}
    written(tmp_path, names("query_"), **dual | config)
    with pytest.raises(ArtifactError, match=said):
        read(tmp_path)


def test_a_checkpoint_of_another_model(tmp_path: Path) -> None:
    written(tmp_path, names("other_"), model_type="dual_encoder", q_max_seq_len=5, p_max_seq_len=11)
    with pytest.raises(ArtifactError, match="wanted query_word_embedding or word_embedding"):
        read(tmp_path)
