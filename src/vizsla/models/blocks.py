"""Embeddings and transformer blocks as ONNX nodes, LayerNorm after each block.

Names of values: B texts, L tokens, H hidden. Knows every family of `Architecture`; refuses to know heads.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import SettingsError
from vizsla.models.description import Architecture, Weights
from vizsla.models.nodes import Nodes

MASKED = -10_000.0
"""Added to the attention of padding: its softmax is then exactly 0 in float32, and finite in bfloat16."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Names of the graph's inputs: ids, types ("" without them) and mask, each (B, L) int64."""

    ids: str = "ids"
    types: str = "types"
    mask: str = "mask"


def hidden_states(nodes: Nodes, a: Architecture, weights: Weights, inputs: Inputs, *, first_only: bool) -> str:
    """The last hidden states: (B, L, H), or (B, 1, H) of the first token where only that is wanted.

    The last block then computes keys and values of every token, and the rest of the first one's alone: the same
    numbers for five sixths of a block less.
    """
    values = _embeddings(nodes, a, weights, inputs)
    bias = _attention_bias(nodes, a, weights, inputs)
    for layer in range(a.layers):
        values = _block(nodes, a, values, bias, layer, first_only=first_only and layer == a.layers - 1)
    return values


def activation(nodes: Nodes, values: str, name: str) -> str:
    """An activation inside the network.

    Raises:
        SettingsError: an activation that no published family uses.
    """
    if name == "gelu":
        return nodes.add("Gelu", values)
    if name == "gelu_tanh":
        return nodes.add("Gelu", values, approximate="tanh")
    if name in ("relu", "tanh", "sigmoid"):
        return nodes.add(name.capitalize(), values)
    if name == "identity":
        return values
    raise SettingsError(f"found the activation '{name}'; wanted gelu, gelu_tanh, relu, tanh, sigmoid or identity")


def relative_buckets(distances: npt.NDArray[np.int64], buckets: int, farthest: int) -> npt.NDArray[np.int64]:
    """The bucket of each distance (key's position minus query's): T5's bidirectional buckets.

    Half of the buckets for each direction; of these half are exact, the others grow logarithmically to `farthest`.

    >>> relative_buckets(np.array([-200, -9, -1, 0, 1, 9, 200]), 32, 128).tolist()
    [15, 8, 1, 0, 17, 24, 31]
    """
    half = buckets // 2
    exact = half // 2
    away = np.abs(distances)
    ratio = np.log(np.maximum(away, exact).astype(np.float32) / np.float32(exact))
    grown = ratio / np.float32(np.log(farthest / exact)) * np.float32(half - exact)
    far = np.minimum(exact + grown.astype(np.int64), half - 1)
    return np.where(distances > 0, half, 0) + np.where(away < exact, away, far)


def _embeddings(nodes: Nodes, a: Architecture, weights: Weights, inputs: Inputs) -> str:
    values = nodes.add("Gather", nodes.weight("embeddings.word"), inputs.ids)
    if a.types > 1:
        values = nodes.add("Add", values, nodes.add("Gather", nodes.weight("embeddings.type"), inputs.types))
    if a.positions:
        values = nodes.add("Add", values, _positions(nodes, a, weights, inputs))
    values = nodes.norm(values, "embeddings.norm", a.layer_norm_eps)
    return nodes.linear(values, "embeddings.projection") if a.embedding not in (0, a.hidden) else values


def _positions(nodes: Nodes, a: Architecture, weights: Weights, inputs: Inputs) -> str:
    """Position rows with every row that all tokens share added to them: (L, H), or (B, L, H) counted from pad."""
    table = np.asarray(weights["embeddings.position"])
    if a.types == 1:
        table = table + weights["embeddings.type"][0]
    if a.tasks:
        table = table + weights["embeddings.task"][0]
    name = nodes.array("embeddings.position", table)
    if a.first_position:
        # RoBERTa and MPNet count the tokens that are not pad, a pad typed in a text included
        pad = a.first_position - 1
        real = nodes.add("Cast", nodes.add("Not", nodes.add("Equal", inputs.ids, nodes.index(pad))), to=7)
        counted = nodes.add("Mul", nodes.add("CumSum", real, nodes.index(1)), real)
        return nodes.add("Gather", name, nodes.add("Add", counted, nodes.index(pad)))
    return nodes.add("Slice", name, nodes.integers(0), _length(nodes, inputs), nodes.integers(0))


def _length(nodes: Nodes, inputs: Inputs) -> str:
    """L as a row of one integer."""
    return nodes.add("Shape", inputs.ids, start=1, end=2)


def _attention_bias(nodes: Nodes, a: Architecture, weights: Weights, inputs: Inputs) -> str:
    """What is added before the softmax: (B, 1, 1, L), or (B, heads, L, L) with a relative bias."""
    seen = nodes.add("Cast", nodes.add("Unsqueeze", inputs.mask, nodes.integers(1, 2)), to=1)
    masked = nodes.add("Mul", nodes.add("Sub", nodes.floats(1.0), seen), nodes.floats(MASKED))
    return nodes.add("Add", masked, _relative(nodes, a, weights, inputs)) if a.buckets else masked


def _relative(nodes: Nodes, a: Architecture, weights: Weights, inputs: Inputs) -> str:
    """MPNet's bias of every pair of positions, (1, heads, L, L): a row a distance, gathered by the graph."""
    farthest = a.positions - 1
    rows = relative_buckets(np.arange(-farthest, farthest + 1), a.buckets, a.distance)
    table = nodes.array("relative.distances", weights["relative"][rows])
    length = nodes.add("Squeeze", _length(nodes, inputs))
    places = nodes.add("Range", nodes.index(0), length, nodes.index(1))
    keys, queries = (nodes.add("Unsqueeze", places, nodes.integers(axis)) for axis in (0, 1))
    distances = nodes.add("Add", nodes.add("Sub", keys, queries), nodes.index(farthest))
    gathered = nodes.add("Transpose", nodes.add("Gather", table, distances), perm=[2, 0, 1])
    return nodes.add("Unsqueeze", gathered, nodes.integers(0))


def _block(nodes: Nodes, a: Architecture, values: str, bias: str, layer: int, *, first_only: bool) -> str:
    name = f"layers.{layer}"
    own = nodes.add("Slice", values, nodes.integers(0), nodes.integers(1), nodes.integers(1)) if first_only else values
    if first_only and a.buckets:
        bias = nodes.add("Slice", bias, nodes.integers(0), nodes.integers(1), nodes.integers(2))
    attended = nodes.linear(_attention(nodes, a, (own, values), bias, name), f"{name}.output")
    values = nodes.norm(nodes.add("Add", attended, own), f"{name}.attention_norm", a.layer_norm_eps)
    inner = activation(nodes, nodes.linear(values, f"{name}.up"), a.activation)
    return nodes.norm(nodes.add("Add", nodes.linear(inner, f"{name}.down"), values), f"{name}.norm", a.layer_norm_eps)


def _attention(nodes: Nodes, a: Architecture, values: tuple[str, str], bias: str, name: str) -> str:
    """softmax(q kᵀ / √d + bias) v; the queries are made from the first of `values`, keys and values from the other."""
    width = a.hidden // a.heads
    own, every = values
    heads = nodes.integers(0, 0, a.heads, width)
    query, key, value = (
        nodes.add("Reshape", nodes.linear(source, f"{name}.{part}"), heads)
        for part, source in (("query", own), ("key", every), ("value", every))
    )
    query = nodes.add("Transpose", query, perm=[0, 2, 1, 3])
    key = nodes.add("Transpose", key, perm=[0, 2, 3, 1])
    value = nodes.add("Transpose", value, perm=[0, 2, 1, 3])
    scores = nodes.add("Div", nodes.add("MatMul", query, key), nodes.floats(float(np.sqrt(width))))
    weights = nodes.add("Softmax", nodes.add("Add", scores, bias), axis=-1)
    joined = nodes.add("Transpose", nodes.add("MatMul", weights, value), perm=[0, 2, 1, 3])
    return nodes.add("Reshape", joined, nodes.integers(0, 0, a.hidden))
