"""Our graphs against transformers: tiny random checkpoints of every architecture and head."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from vizsla.core.protocols import TokenBatch
from vizsla.models import graph
from vizsla.models.blocks import relative_buckets
from vizsla.models.description import Architecture, Description, Head, Layout, Tokens
from vizsla.models.parameters import shapes
from vizsla.runtimes.onnxruntime_session import OnnxRuntime
from vizsla.runtimes.openvino_session import OpenVinoRuntime

torch = pytest.importorskip("torch", reason="torch runs the models that graphs are compared with")
transformers = pytest.importorskip("transformers", reason="transformers makes the models that graphs are compared with")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

Array = npt.NDArray[np.float32]
SIZES = {"vocab_size": 90, "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 40}
EXTRA: dict[str, dict[str, Any]] = {
    "bert": {"max_position_embeddings": 64, "type_vocab_size": 2, "layer_norm_eps": 1e-12},
    "distilbert": {"max_position_embeddings": 64, "dim": 24, "hidden_dim": 40, "n_layers": 3, "n_heads": 4},
    "roberta": {"max_position_embeddings": 66, "type_vocab_size": 1, "layer_norm_eps": 1e-5, "pad_token_id": 1},
    "xlm_roberta": {"max_position_embeddings": 66, "type_vocab_size": 1, "layer_norm_eps": 1e-5, "pad_token_id": 1},
    "mpnet": {"max_position_embeddings": 66, "layer_norm_eps": 1e-5, "pad_token_id": 1},
    "electra": {"max_position_embeddings": 64, "type_vocab_size": 2, "embedding_size": 16, "hidden_act": "gelu"},
    "ernie": {"max_position_embeddings": 64, "type_vocab_size": 4, "task_type_vocab_size": 3, "use_task_id": True},
}
CLASSES = {
    "bert": "Bert",
    "distilbert": "DistilBert",
    "roberta": "Roberta",
    "xlm_roberta": "XLMRoberta",
    "mpnet": "MPNet",
    "electra": "Electra",
    "ernie": "Ernie",
}
FAMILIES = pytest.mark.parametrize("family", CLASSES)
OPENERS = pytest.mark.parametrize("opener", [OnnxRuntime, OpenVinoRuntime])

# Parts of transformers' names, the longest first, and ours.
PARTS = (
    ("attention.output.LayerNorm", "attention_norm"),
    ("attention.LayerNorm", "attention_norm"),
    ("sa_layer_norm", "attention_norm"),
    ("output_layer_norm", "norm"),
    ("attention.self.query", "query"),
    ("attention.self.key", "key"),
    ("attention.self.value", "value"),
    ("attention.output.dense", "output"),
    ("attention.attn.q", "query"),
    ("attention.attn.k", "key"),
    ("attention.attn.v", "value"),
    ("attention.attn.o", "output"),
    ("attention.q_lin", "query"),
    ("attention.k_lin", "key"),
    ("attention.v_lin", "value"),
    ("attention.out_lin", "output"),
    ("ffn.lin1", "up"),
    ("ffn.lin2", "down"),
    ("intermediate.dense", "up"),
    ("output.dense", "down"),
    ("output.LayerNorm", "norm"),
)
OUTSIDE = {
    "embeddings.word_embeddings.weight": "embeddings.word",
    "embeddings.position_embeddings.weight": "embeddings.position",
    "embeddings.token_type_embeddings.weight": "embeddings.type",
    "embeddings.task_type_embeddings.weight": "embeddings.task",
    "embeddings.LayerNorm.weight": "embeddings.norm.weight",
    "embeddings.LayerNorm.bias": "embeddings.norm.bias",
    "embeddings_project.weight": "embeddings.projection.weight",
    "embeddings_project.bias": "embeddings.projection.bias",
    "encoder.relative_attention_bias.weight": "relative",
}


def made(family: str, suffix: str, **changes: Any) -> Any:
    torch.manual_seed(len(family))
    name = CLASSES[family]
    sizes = {key: value for key, value in SIZES.items() if family != "distilbert" or key == "vocab_size"}
    config = getattr(transformers, f"{name}Config")(**{**sizes, **EXTRA[family], **changes})
    model = getattr(transformers, f"{name}{suffix}")(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def described(family: str, model: Any, head: Head, outside: dict[str, str]) -> Description:
    config = model.config
    a = Architecture(
        family="roberta" if family == "xlm_roberta" else family,  # type: ignore[arg-type]
        vocabulary=90,
        layers=3,
        hidden=24,
        heads=4,
        feed_forward=40,
        activation="gelu",
        positions=config.max_position_embeddings,
        first_position=2 if config.pad_token_id == 1 else 0,
        types=getattr(config, "type_vocab_size", 0) if family not in ("distilbert", "mpnet") else 0,
        tasks=3 if family == "ernie" else 0,
        embedding=16 if family == "electra" else 0,
        layer_norm_eps=getattr(config, "layer_norm_eps", 1e-12),
        buckets=32 if family == "mpnet" else 0,
    )
    weights = dict(renamed(model, family, outside, shapes(a, head)))
    tokens = Tokens("", cls=2, sep=3, pad=config.pad_token_id)
    return Description(family, a, head, Layout("hf"), tokens, "dot", weights)


def renamed(model: Any, family: str, outside: dict[str, str], wanted: dict[str, tuple[int, ...]]) -> dict[str, Array]:
    prefix = {"xlm_roberta": "roberta"}.get(family, family) + "."
    found: dict[str, Array] = {}
    for name, tensor in model.state_dict().items():
        values = tensor.numpy()
        ours = outside.get(name) or ours_of(name.removeprefix(prefix))
        if ours in wanted:
            turned = ours.endswith(".weight") and values.ndim == 2 and "norm" not in ours
            found[ours] = values.T if turned else values
    return found


def ours_of(name: str) -> str:
    if name in OUTSIDE:
        return OUTSIDE[name]
    for start in ("encoder.layer.", "transformer.layer."):
        if name.startswith(start):
            layer, _, rest = name.removeprefix(start).partition(".")
            for theirs, ours in PARTS:
                if rest.startswith(theirs + "."):
                    return f"layers.{layer}.{ours}.{rest.rpartition('.')[2]}"
    return name


def batch(model: Any, family: str) -> TokenBatch:
    draw = np.random.default_rng(0)
    mask = (np.arange(60) < np.array([60, 1, 17, 33, 8])[:, None]).astype(np.int64)
    ids = np.where(mask == 1, draw.integers(5, 90, mask.shape), model.config.pad_token_id)
    types = draw.integers(0, 2, mask.shape) * mask if family in ("bert", "electra", "ernie") else np.zeros_like(mask)
    return TokenBatch(ids, types, mask)


def answered(model: Any, family: str, given: TokenBatch) -> Any:
    fed = {"input_ids": torch.tensor(given.ids), "attention_mask": torch.tensor(given.mask)}
    if family in ("bert", "electra", "ernie"):
        fed["token_type_ids"] = torch.tensor(given.types)
    with torch.inference_mode():
        return model(**fed)


def compare(d: Description, opener: Any, given: TokenBatch, wanted: Any, folder: Path) -> None:
    onnx.save(graph.build(d), folder / "m.onnx")
    found, target = opener(folder / "m.onnx").run(given), wanted.numpy()
    assert found.shape == target.shape
    assert np.ptp(target) > 0
    assert np.all(np.abs(found - target) <= 1e-5 * np.maximum(1, np.abs(target)))


@OPENERS
@FAMILIES
@pytest.mark.parametrize("pooling", ["cls", "mean", "last"])
def test_vectors(family: str, pooling: str, opener: Any, tmp_path: Path) -> None:
    model = made(family, "Model")
    d = described(family, model, Head("vector", pooling=(pooling,), normalize=pooling == "mean"), {})
    given = batch(model, family)
    hidden, mask = answered(model, family, given).last_hidden_state, torch.tensor(given.mask)
    if pooling == "mean":
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        wanted = torch.nn.functional.normalize(mean, dim=-1)
    else:
        wanted = hidden[:, 0] if pooling == "cls" else hidden[torch.arange(len(mask)), mask.sum(1) - 1]
    compare(d, opener, given, wanted, tmp_path)


@OPENERS
@FAMILIES
@pytest.mark.parametrize("labels", [1, 3])
def test_scores(family: str, labels: int, opener: Any, tmp_path: Path) -> None:
    model = made(family, "ForSequenceClassification", num_labels=labels)
    dense, classifier, activation = {
        "bert": ("bert.pooler.dense", "classifier", "tanh"),
        "ernie": ("ernie.pooler.dense", "classifier", "tanh"),
        "distilbert": ("pre_classifier", "classifier", "relu"),
        "electra": ("classifier.dense", "classifier.out_proj", "gelu"),
    }.get(family, ("classifier.dense", "classifier.out_proj", "tanh"))
    outside = {f"{theirs}.{part}": f"{ours}.{part}" for part in ("weight", "bias") for theirs, ours in
               ((dense, "dense.0"), (classifier, "classifier"))}  # fmt: skip
    head = Head("score", dense=(activation,), labels=labels, label=labels - 1, activation="softmax")
    head = head if labels > 1 else Head("score", dense=(activation,), activation="sigmoid")
    given = batch(model, family)
    logits = answered(model, family, given).logits
    wanted = logits.softmax(-1)[:, 2:] if labels > 1 else logits.sigmoid()
    compare(described(family, model, head, outside), opener, given, wanted, tmp_path)


MASKED = {
    "bert": ("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions"),
    "ernie": ("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions"),
    "distilbert": ("vocab_transform", "vocab_layer_norm", "vocab_projector"),
    "electra": ("generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head"),
}


@OPENERS
@FAMILIES
@pytest.mark.parametrize("pooling", ["max", "sum"])
def test_terms(family: str, pooling: str, opener: Any, tmp_path: Path) -> None:
    model = made(family, "ForMaskedLM")
    transform, norm, bias = MASKED.get(family, ("lm_head.dense", "lm_head.layer_norm", "lm_head"))
    outside = {f"{bias}.bias": "terms.bias"}
    for part in ("weight", "bias"):
        outside |= {f"{transform}.{part}": f"terms.transform.{part}", f"{norm}.{part}": f"terms.norm.{part}"}
    head = Head("terms", pooling=(pooling,), activation="log1p_relu")
    d = described(family, model, head, outside)
    d = Description(d.name, d.architecture, head, d.layout, d.tokens, d.score, {**d.weights, "terms.weight": tied(d)})
    given = batch(model, family)
    weights = torch.log1p(torch.relu(answered(model, family, given).logits)) * torch.tensor(given.mask)[..., None]
    compare(d, opener, given, weights.amax(1) if pooling == "max" else weights.sum(1), tmp_path)


def tied(d: Description) -> Array:
    return np.asarray(d.weights["embeddings.word"].T, np.float32)


@pytest.mark.parametrize("length", [512, 514])
def test_relative_buckets_are_those_of_mpnet(length: int) -> None:
    from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

    distances = np.arange(-length, length + 1)
    bucket: Any = MPNetEncoder.relative_position_bucket
    wanted = bucket(torch.tensor(distances), num_buckets=32, max_distance=128)
    assert relative_buckets(distances, 32, 128).tolist() == wanted.tolist()
