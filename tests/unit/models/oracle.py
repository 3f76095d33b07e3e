"""Tiny random models of every family, and their forward pass in plain float64, one text at a time, no padding."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vizsla.models.description import Architecture, Description, Head, Layout, Tokens
from vizsla.models.parameters import shapes

Array = npt.NDArray[np.float64]
PAD = {"roberta": 1, "mpnet": 1}
VOCABULARY = 60


def architecture(family: str, **changes: Any) -> Architecture:
    """Two layers of 12 wide with everything that the family has."""
    fields: dict[str, Any] = {"layers": 2, "hidden": 12, "heads": 3, "feed_forward": 20, "positions": 24}
    own: dict[str, dict[str, Any]] = {
        "bert": {"types": 2},
        "distilbert": {},
        "roberta": {"types": 1, "first_position": 2, "layer_norm_eps": 1e-5},
        "mpnet": {"buckets": 8, "distance": 12, "first_position": 2, "layer_norm_eps": 1e-5},
        "electra": {"types": 2, "embedding": 8, "activation": "gelu_tanh"},
        "ernie": {"types": 4, "tasks": 3, "activation": "relu"},
    }
    made = {"family": family, "vocabulary": VOCABULARY, **fields, **own[family], **changes}
    return Architecture(**made)


def description(family: str, head: Head, *, seed: int = 0, **changes: Any) -> Description:
    """A tiny model with random weights; a masked-LM's decoder is tied to its words."""
    a, draw = architecture(family, **changes), np.random.default_rng(seed)
    weights = {name: draw.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes(a, head).items()}
    for name in [name for name in weights if "norm.weight" in name]:
        weights[name] = 1 + weights[name]
    if head.kind == "terms":
        weights["terms.weight"] = weights["embeddings.word"].T
    tokens = Tokens("", cls=2, sep=3, pad=PAD.get(family, 0))
    return Description("tiny", a, head, Layout("tiny"), tokens, "dot", weights)


def rows(d: Description, lengths: Sequence[int], *, seed: int = 0) -> list[tuple[list[int], list[int]]]:
    """Random texts: ids without padding, and types."""
    draw = np.random.default_rng(seed)
    types = max(1, d.architecture.types)
    ids = [draw.integers(5, VOCABULARY, n).tolist() for n in lengths]
    return [(row, draw.integers(0, types, len(row)).tolist()) for row in ids]


def expected(d: Description, texts: Sequence[tuple[list[int], list[int]]]) -> Array:
    """What the graph has to give: (n, dim), (n, 1) or (n, vocabulary)."""
    return np.stack([head(d, hidden(d, np.array(ids), np.array(types))) for ids, types in texts])


def hidden(d: Description, ids: npt.NDArray[np.int64], types: npt.NDArray[np.int64]) -> Array:
    """The last hidden states of one text: (tokens, hidden)."""
    a, w = d.architecture, d.weights
    values = w["embeddings.word"][ids].astype(np.float64)
    values = values + w["embeddings.position"][np.arange(len(ids)) + a.first_position]
    values = values + (w["embeddings.type"][types] if a.types else 0)
    values = values + (w["embeddings.task"][0] if a.tasks else 0)
    values = norm(d, values, "embeddings.norm")
    if a.embedding:
        values = linear(d, values, "embeddings.projection")
    for i in range(a.layers):
        name = f"layers.{i}"
        attended = linear(d, attention(d, values, name), f"{name}.output")
        values = norm(d, attended + values, f"{name}.attention_norm")
        inner = activation(linear(d, values, f"{name}.up"), a.activation)
        values = norm(d, linear(d, inner, f"{name}.down") + values, f"{name}.norm")
    return values


def attention(d: Description, values: Array, name: str) -> Array:
    a, joined = d.architecture, []
    query, key, value = (linear(d, values, f"{name}.{part}") for part in ("query", "key", "value"))
    width = a.hidden // a.heads
    for one in range(a.heads):
        part = slice(one * width, (one + 1) * width)
        scores = query[:, part] @ key[:, part].T / math.sqrt(width)
        if a.buckets:
            scores = scores + relative(d, len(values), one)
        joined.append(softmax(scores) @ value[:, part])
    return np.concatenate(joined, axis=1)


def relative(d: Description, length: int, one: int) -> Array:
    made = np.zeros((length, length))
    for query in range(length):
        for key in range(length):
            made[query, key] = d.weights["relative"][bucket(d.architecture, key - query), one]
    return made


def bucket(a: Architecture, distance: int) -> int:
    half, away = a.buckets // 2, abs(distance)
    exact = half // 2
    place = away
    if away >= exact:
        grown = math.log(away / exact) / math.log(a.distance / exact) * (half - exact)
        place = min(half - 1, exact + int(grown))
    return place + (half if distance > 0 else 0)


def head(d: Description, values: Array) -> Array:
    h = d.head
    if h.kind == "terms":
        values = norm(d, activation(linear(d, values, "terms.transform"), h.transform), "terms.norm")
        made = np.maximum(linear(d, values, "terms"), 0)
        for _ in range(h.activation.count("log1p")):
            made = np.log1p(made)
        weights = np.asarray(made.max(0) if h.pooling == ("max",) else made.sum(0), np.float64)
        return np.where(weights >= np.sort(weights)[-h.most], weights, 0) if h.most else weights
    pooled = np.concatenate([pool(values, name, h.skip) for name in h.pooling])
    for i, name in enumerate(h.dense):
        pooled = layer(d, pooled, f"dense.{i}", name)
    if h.kind == "score":
        logits = linear(d, pooled, "classifier")
        return (softmax(logits) if h.activation == "softmax" else activation(logits, h.activation))[h.label, None]
    return unit(pooled) if h.normalize else pooled


def layer(d: Description, pooled: Array, name: str, kind: str) -> Array:
    if kind == "unit":
        return unit(pooled)
    return norm(d, pooled, name, 1e-5) if kind == "norm" else activation(linear(d, pooled, name), kind)


def unit(pooled: Array) -> Array:
    return pooled / max(float(np.linalg.norm(pooled)), 1e-12)


def pool(values: Array, name: str, skip: int = 0) -> Array:
    """One pooling of (tokens, hidden) without the first tokens; a token's place counts from the very first."""
    places, values = np.arange(skip + 1, len(values) + 1), values[skip:]
    count = len(values)
    made: dict[str, Array] = {
        "cls": values[0],
        "last": values[-1],
        "max": values.max(0),
        "mean": values.mean(0),
        "sqrt": values.sum(0) / math.sqrt(count),
        "weighted": np.average(values, axis=0, weights=places),
    }
    return made[name]


def activation(values: Array, name: str) -> Array:
    if name == "gelu":
        return np.asarray(values * (1 + np.vectorize(math.erf)(values / math.sqrt(2))) / 2, np.float64)
    if name == "gelu_tanh":
        return np.asarray(
            values / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (values + 0.044715 * values**3))), np.float64
        )
    if name == "sigmoid":
        return 1 / (1 + np.exp(-values))
    made: dict[str, Array] = {"relu": np.maximum(values, 0), "tanh": np.tanh(values), "identity": values}
    return made[name]


def linear(d: Description, values: Array, name: str) -> Array:
    return values @ d.weights[f"{name}.weight"].astype(np.float64) + d.weights.get(f"{name}.bias", np.zeros(1))


def norm(d: Description, values: Array, name: str, eps: float | None = None) -> Array:
    centred = values - values.mean(-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(-1, keepdims=True) + (d.architecture.layer_norm_eps if eps is None else eps))
    made: Array = centred / spread * d.weights[f"{name}.weight"] + d.weights[f"{name}.bias"]
    return made


def softmax(values: Array) -> Array:
    raised = np.exp(values - values.max(-1, keepdims=True))
    made: Array = raised / raised.sum(-1, keepdims=True)
    return made
