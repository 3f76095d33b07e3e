"""Readers against the libraries that write the files: every weight equal, every setting found, in all forms."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizsla.models.description import Description, Head
from vizsla.models.reading import read
from vizsla.models.weights import torch_bin

torch = pytest.importorskip("torch", reason="torch writes the files that are read here")
transformers = pytest.importorskip("transformers", reason="transformers writes the files that are read here")

PARTS = "sentence-transformers keeps the parts of its directories elsewhere"
SPARSE = "sentence-transformers before 5 has no sparse encoders"
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz", "##a", "##b", "<s>", "</s>"]
SIZES: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 34,
}
DISTIL = {"vocab_size": 40, "dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": 34}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("Bert", SIZES | {"layer_norm_eps": 1e-6, "hidden_act": "gelu_new"}),
    "distilbert": ("DistilBert", DISTIL | {"activation": "relu"}),
    "roberta": ("Roberta", SIZES | {"type_vocab_size": 1, "layer_norm_eps": 1e-5}),
    "xlm-roberta": ("XLMRoberta", SIZES | {"type_vocab_size": 1}),
    "mpnet": ("MPNet", SIZES),
    "electra": ("Electra", SIZES | {"embedding_size": 8}),
    "ernie": ("Ernie", SIZES | {"use_task_id": True}),
}
HEADS = {"Model": "vector", "ForSequenceClassification": "score", "ForMaskedLM": "terms"}
INNER = {"distilbert": "relu", "electra": "gelu"}


def saved(folder: Path, family: str, head: str = "Model", **changed: Any) -> Any:
    prefix, config = FAMILIES[family]
    torch.manual_seed(0)
    options = config | ({"num_labels": 1} if head.startswith("ForSeq") else {}) | changed
    model = getattr(transformers, prefix + head)(getattr(transformers, prefix + "Config")(**options))
    for parameter in model.parameters():
        parameter.data.normal_(std=0.3)
    model.eval().save_pretrained(folder)
    vocabulary(folder)
    return model


def vocabulary(folder: Path) -> None:
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"model_max_length": 30}', encoding="utf-8")


def normed(values: Any, weights: Any, name: str, eps: float) -> Any:
    return torch.nn.functional.layer_norm(
        values, values.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], eps
    )


def linear(values: Any, weights: Any, name: str) -> Any:
    found = values @ weights[f"{name}.weight"]
    return found + weights[f"{name}.bias"] if f"{name}.bias" in weights else found


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "gelu": torch.nn.functional.gelu,
    "gelu_tanh": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    "relu": torch.relu,
    "tanh": torch.tanh,
    "identity": lambda x: x,
}


def output(made: Description, ids: Any) -> Any:
    """The last hidden states, logits of classes or logits of tokens: a description computed with what it says."""
    a, head = made.architecture, made.head
    w = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in made.weights.items()}
    length = ids.shape[1]
    x = w["embeddings.word"][ids]
    x = x + w["embeddings.position"][a.first_position : a.first_position + length]
    x = x + w["embeddings.type"][0] if a.types else x
    x = x + w["embeddings.task"][0] if a.tasks else x
    x = normed(x, w, "embeddings.norm", a.layer_norm_eps)
    x = linear(x, w, "embeddings.projection") if a.embedding else x
    bias = relative(w["relative"], length, a.distance) if a.buckets else 0
    for i in range(a.layers):
        x = block(x, w, f"layers.{i}", (a.heads, bias, a.activation, a.layer_norm_eps))
    if head.kind == "terms":
        x = normed(ACTIVATIONS[head.transform](linear(x, w, "terms.transform")), w, "terms.norm", a.layer_norm_eps)
        return x @ w["terms.weight"] + w["terms.bias"]
    if head.kind == "score":
        x = x[:, 0]
        for i, name in enumerate(head.dense):
            x = ACTIVATIONS[name](linear(x, w, f"dense.{i}"))
        return linear(x, w, "classifier")
    return x


def block(x: Any, w: Any, name: str, how: tuple[int, Any, str, float]) -> Any:
    heads, bias, activation, eps = how
    q, k, v = (
        linear(x, w, f"{name}.{part}").unflatten(-1, (heads, -1)).transpose(1, 2) for part in ("query", "key", "value")
    )
    shares = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + bias, dim=-1)
    mixed = (shares @ v).transpose(1, 2).flatten(2)
    x = normed(x + linear(mixed, w, f"{name}.output"), w, f"{name}.attention_norm", eps)
    inner = ACTIVATIONS[activation](linear(x, w, f"{name}.up"))
    return normed(x + linear(inner, w, f"{name}.down"), w, f"{name}.norm", eps)


def relative(table: Any, length: int, farthest: int) -> Any:
    """MPNet's bias, its buckets as transformers computes them."""
    places = torch.arange(length)
    encoder = transformers.models.mpnet.modeling_mpnet.MPNetEncoder
    buckets = encoder.relative_position_bucket(places[None] - places[:, None], len(table), farthest)
    return table[buckets].permute(2, 0, 1)[None]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_read_computes_what_the_model_computes(tmp_path: Path, family: str, head: str) -> None:
    model = saved(tmp_path, family, head)
    made = read(tmp_path, settings={"pooling": "mean"} if head == "Model" else {}).passages
    assert made.head.kind == HEADS[head]
    if head == "ForSequenceClassification":
        assert made.head.dense == (INNER.get(family, "tanh"),)
        assert (made.head.activation, made.score, made.layout.name) == (
            "sigmoid",
            "probability",
            "sentence-transformers",
        )
    # Neither pad nor any id that a family takes for it: those tests are the graph's.
    ids = torch.randint(5, 38, (2, 11))
    with torch.no_grad():
        wanted = model(input_ids=ids)[0]
        torch.testing.assert_close(output(made, ids), wanted, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("form", ["safetensors", "shards", "bin", "bin shards", "half", "bfloat16"])
def test_every_form_of_weights_holds_the_same_arrays(tmp_path: Path, form: str) -> None:
    model = saved(tmp_path, "bert")
    wanted = read(tmp_path).passages.weights
    for file in tmp_path.glob("model*"):
        file.unlink()
    state = {key: value.detach() for key, value in model.state_dict().items()}
    if form == "bin":
        torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    elif form == "bin shards":
        keys = sorted(state)
        parts = {"pytorch_model-00001-of-00002.bin": keys[::2], "pytorch_model-00002-of-00002.bin": keys[1::2]}
        for name, part in parts.items():
            torch.save({key: torch.nn.Parameter(state[key]) for key in part}, tmp_path / name)
        places = {"weight_map": {key: name for name, part in parts.items() for key in part}}
        (tmp_path / "pytorch_model.bin.index.json").write_text(json.dumps(places), encoding="utf-8")
    elif form in ("half", "bfloat16"):
        kind = torch.float16 if form == "half" else torch.bfloat16
        model.to(kind).save_pretrained(tmp_path)
    else:
        model.save_pretrained(tmp_path, max_shard_size="4KB" if form == "shards" else "1GB")
        assert form == "safetensors" or (tmp_path / "model.safetensors.index.json").is_file()
    found = read(tmp_path).passages.weights
    assert found.keys() == wanted.keys()
    for name, array in found.items():
        exact = form not in ("half", "bfloat16")
        np.testing.assert_allclose(array, wanted[name], rtol=0 if exact else 1e-2, atol=0 if exact else 1e-2)
    if form == "bfloat16":
        kept = model.state_dict()["embeddings.word_embeddings.weight"].float().numpy()
        assert np.array_equal(found["embeddings.word"], kept)


def test_a_half_of_torch_zip_is_its_own_numbers(tmp_path: Path) -> None:
    state = {
        "half": torch.randn(3, 5).half(),
        "brain": torch.randn(4, 2).bfloat16(),
        "turned": torch.randn(3, 5).T,
        "cut": torch.randn(7, 9)[2:5, 1::3],
        "double": torch.randn(3).double(),
        "whole": torch.arange(4),
        "none": torch.zeros(0, 3),
        "one": torch.tensor(2.5),
        "flags": torch.tensor([True, False]),
    }
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "a.bin")
    found = torch_bin.read(tmp_path / "a.bin")
    assert found.keys() == state.keys()
    for key, tensor in state.items():
        wanted = tensor.float().numpy() if tensor.is_floating_point() else tensor.numpy()
        np.testing.assert_array_equal(found[key], wanted)
        assert found[key].shape == wanted.shape


@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16"])
def test_files_of_torch_before_its_zip_hold_the_same_arrays(tmp_path: Path, kind: str) -> None:
    model = saved(tmp_path, "bert").to(getattr(torch, kind))
    (tmp_path / "model.safetensors").unlink()
    state = model.state_dict()
    state["a view"], state["a parameter"] = state["pooler.dense.weight"][2:5].T, torch.nn.Parameter(torch.ones(2))
    torch.save(state, tmp_path / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    found = torch_bin.read(tmp_path / "pytorch_model.bin")
    assert found.keys() == state.keys()
    for key, tensor in state.items():
        wanted = tensor.detach().float().numpy() if tensor.is_floating_point() else tensor.numpy()
        np.testing.assert_array_equal(found[key], wanted)
    assert read(tmp_path).passages.architecture.layers == 2


def modules(folder: Path, kinds: list[tuple[str, str]]) -> None:
    listed = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (path, kind) in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
    for path, _ in kinds:
        (folder / path).mkdir(exist_ok=True)


def test_a_directory_of_version_2_is_read(tmp_path: Path) -> None:
    old = "sentence_transformers.models."
    kinds = [
        ("0_Transformer", "Transformer"),
        ("1_Pooling", "Pooling"),
        ("2_Dense", "Dense"),
        ("3_Normalize", "Normalize"),
    ]
    modules(tmp_path, [(path, old + kind) for path, kind in kinds])
    saved(tmp_path / "0_Transformer", "bert")
    (tmp_path / "0_Transformer/sentence_bert_config.json").write_text('{"max_seq_length": 21, "do_lower_case": true}')
    flags = {"word_embedding_dimension": 16, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}
    (tmp_path / "1_Pooling/config.json").write_text(json.dumps(flags))
    dense: dict[str, Any] = {"in_features": 32, "out_features": 6, "bias": False}
    dense["activation_function"] = "torch.nn.modules.linear.Identity"
    (tmp_path / "2_Dense/config.json").write_text(json.dumps(dense))
    weight = torch.randn(6, 32)
    torch.save({"linear.weight": weight}, tmp_path / "2_Dense/pytorch_model.bin")
    made = read(tmp_path).queries
    assert made.head == Head("vector", ("cls", "mean"), ("identity",), normalize=True, dense_bias=(False,), widths=(6,))
    assert np.array_equal(made.weights["dense.0.weight"], weight.T.numpy())
    assert (made.layout.query_length, made.layout.lower, made.score) == (21, True, "cosine")


@pytest.fixture(scope="module")
def library() -> Any:
    return pytest.importorskip("sentence_transformers", reason="sentence-transformers writes the directories read here")


def fast(folder: Path) -> None:
    """A tokenizer.json beside the vocabulary, which the newest library wants."""
    transformers.BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=30).save_pretrained(folder)


def test_a_bi_encoder_of_the_installed_version_is_read(tmp_path: Path, library: Any) -> None:
    models = pytest.importorskip("sentence_transformers.models", reason=PARTS)
    model = saved(tmp_path / "bare", "bert")
    fast(tmp_path / "bare")
    parts = [models.Transformer(str(tmp_path / "bare")), models.Pooling(16, "max"), models.Dense(16, 8)]
    whole = library.SentenceTransformer(
        modules=[*parts, models.Normalize()],
        prompts={"query": "ask: ", "document": "say: "},
        similarity_fn_name="dot",
        device="cpu",
    )
    whole.save_pretrained(str(tmp_path / "whole"))
    made = read(tmp_path / "whole").queries
    assert made.head == Head("vector", ("max",), ("tanh",), normalize=True, dense_bias=(True,), widths=(8,))
    assert (made.layout.query_prompt, made.layout.passage_prompt, made.score) == ("ask: ", "say: ", "dot")
    assert made.layout.passage_length == 30
    assert np.array_equal(made.weights["dense.0.weight"], parts[2].linear.weight.detach().numpy().T)
    assert np.array_equal(made.weights["embeddings.word"], model.embeddings.word_embeddings.weight.detach().numpy())


def test_a_sparse_encoder_and_a_router_are_read(tmp_path: Path, library: Any) -> None:
    models = pytest.importorskip("sentence_transformers.sparse_encoder.models", reason=SPARSE)
    saved(tmp_path / "bare", "distilbert", "ForMaskedLM")
    fast(tmp_path / "bare")
    plain = library.SparseEncoder(
        modules=[
            models.MLMTransformer(str(tmp_path / "bare")),
            models.SpladePooling("sum", activation_function="log1p_relu"),
        ],
        device="cpu",
    )
    plain.save_pretrained(str(tmp_path / "sparse"))
    head = read(tmp_path / "sparse").queries.head
    assert (head.kind, head.pooling, head.activation) == ("terms", ("sum",), "log1p_log1p_relu")
    assert head.transform == "relu"
    static = models.SparseStaticEmbedding(tokenizer=plain.tokenizer, frozen=True)
    static.weight.data.uniform_(1, 2)
    documents = [models.MLMTransformer(str(tmp_path / "bare")), models.SpladePooling("max")]
    routers = pytest.importorskip("sentence_transformers.models", reason=PARTS).Router
    router = routers.for_query_document(query_modules=[static], document_modules=documents)
    library.SparseEncoder(modules=[router], device="cpu").save_pretrained(str(tmp_path / "router"))
    towers = read(tmp_path / "router")
    assert (towers.queries.architecture.family, towers.queries.layout.specials) == ("static", False)
    assert np.array_equal(towers.queries.weights["table"], static.weight.detach().numpy())
    assert (towers.passages.head.activation, towers.passages.head.pooling) == ("log1p_relu", ("max",))
    assert towers.passages.score == "dot"


@pytest.mark.parametrize("name", ["Identity", "Sigmoid"])
def test_a_cross_encoder_of_every_version_is_read(tmp_path: Path, library: Any, name: str) -> None:
    saved(tmp_path / "bare", "bert", "ForSequenceClassification")
    fast(tmp_path / "bare")
    activation = getattr(torch.nn, name)()
    library.CrossEncoder(str(tmp_path / "bare"), activation_fn=activation, device="cpu").save_pretrained(
        str(tmp_path / "new")
    )
    named = f"{type(activation).__module__}.{name}"
    places: list[dict[str, Any]] = [
        {"sentence_transformers": {"activation_fn": named}},
        {"sbert_ce_default_activation_function": named},
    ]
    for number, said in enumerate(places):
        shutil.copytree(tmp_path / "bare", tmp_path / str(number))
        path = tmp_path / str(number) / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | said))
    for folder in ("new", "0", "1"):
        made = read(tmp_path / folder).queries
        assert (made.head.activation, made.head.dense, made.head.labels) == (name.lower(), ("tanh",), 1)
        assert made.score == {"Identity": "logit", "Sigmoid": "probability"}[name]


def test_safetensors_are_what_their_own_library_reads(tmp_path: Path) -> None:
    numpy_files = pytest.importorskip("safetensors.numpy", reason="safetensors reads the same files")
    from vizsla.models.weights import safetensors

    drawn = np.random.default_rng(0)
    arrays = {f"a{n}": drawn.normal(size=(n, 3)).astype(kind) for n, kind in enumerate(["f2", "f4", "f8", "i4", "u1"])}
    numpy_files.save_file(arrays, tmp_path / "a.safetensors", metadata={"format": "pt"})
    found = safetensors.read(tmp_path / "a.safetensors")
    assert found.keys() == arrays.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array.astype("f4") if array.dtype.kind == "f" else array)
