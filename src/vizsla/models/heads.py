"""Heads as ONNX nodes: from the last hidden states to the vectors, the score or the weights of terms.

Knows every field of `Head`; refuses to know what comes before. Names of values: B texts, L tokens, H hidden,
V vocabulary.
"""

import numpy as np

from vizsla.core.errors import SettingsError
from vizsla.models.blocks import activation
from vizsla.models.description import Head, Weights
from vizsla.models.nodes import Nodes

_TINY = 1e-9
_EPSILON = 1e-12
_NORM_EPSILON = 1e-5


def first_only(head: Head) -> bool:
    """Whether the head reads the first token's hidden states alone."""
    return head.kind != "terms" and set(head.pooling) == {"cls"} and not head.skip


def from_hidden(nodes: Nodes, head: Head, hidden: str, mask: str) -> str:
    """Vectors (B, dim) or scores (B, 1) from the hidden states (B, L, H)."""
    masks = mask, _without(nodes, mask, head.skip)
    pools = [_pooled(nodes, hidden, masks, pooling) for pooling in head.pooling]
    return from_pooled(nodes, head, pools[0] if len(pools) == 1 else nodes.add("Concat", *pools, axis=-1))


def from_pooled(nodes: Nodes, head: Head, values: str) -> str:
    """Vectors (B, dim) or scores (B, 1) from pooled states (B, H · poolings)."""
    for i, name in enumerate(head.dense):
        if name == "norm":
            values = nodes.norm(values, f"dense.{i}", _NORM_EPSILON)
        elif name == "unit":
            values = _unit(nodes, values)
        else:
            values = activation(nodes, nodes.linear(values, f"dense.{i}"), name)
    if head.kind == "score":
        return from_labels(nodes, head, nodes.linear(values, "classifier"))
    return _unit(nodes, values) if head.normalize else values


def from_labels(nodes: Nodes, head: Head, logits: str) -> str:
    """Scores (B, 1) from a classifier's logits (B, labels)."""
    if head.activation == "softmax":
        values = nodes.add("Softmax", logits, axis=-1)
    else:
        values = activation(nodes, logits, head.activation)
    return values if head.labels == 1 else nodes.add("Gather", values, nodes.integers(head.label), axis=1)


def terms_from_hidden(nodes: Nodes, head: Head, weights: Weights, values: tuple[str, str], eps: float) -> str:
    """Weights of terms (B, V) from hidden states and mask: the masked-LM head, activation, pooling.

    Every activation rises and so does adding a bias, rounding included, so the largest over tokens may be taken
    straight after the product: one pass over (B, L, V), the same bits. Padding is made a copy of the first token,
    which cannot change a largest value.
    """
    hidden, mask = values
    hidden = nodes.norm(activation(nodes, nodes.linear(hidden, "terms.transform"), head.transform), "terms.norm", eps)
    if _pooling(head) == "sum":
        logits = nodes.add("Add", _decoded(nodes, weights, hidden), nodes.weight("terms.bias"))
        return _largest(nodes, head, _summed(nodes, head, logits, mask))
    seen = nodes.add("Cast", nodes.add("Unsqueeze", mask, nodes.integers(2)), to=9)
    hidden = nodes.add("Where", seen, hidden, _first(nodes, hidden, nodes.integers(0)))
    largest = nodes.add("ReduceMax", _decoded(nodes, weights, hidden), nodes.integers(1), keepdims=0)
    return _largest(nodes, head, _weighed(nodes, head, nodes.add("Add", largest, nodes.weight("terms.bias"))))


def terms_from_logits(nodes: Nodes, head: Head, logits: str, mask: str) -> str:
    """Weights of terms (B, V) from a masked-LM's logits (B, L, V)."""
    if _pooling(head) == "sum":
        return _largest(nodes, head, _summed(nodes, head, logits, mask))
    seen = nodes.add("Cast", nodes.add("Unsqueeze", mask, nodes.integers(2)), to=9)
    masked = nodes.add("Where", seen, logits, nodes.floats(0.0))  # no activation is below that of 0
    return _largest(nodes, head, _weighed(nodes, head, nodes.add("ReduceMax", masked, nodes.integers(1), keepdims=0)))


def _largest(nodes: Nodes, head: Head, values: str) -> str:
    """The largest weights of each row in their places, the others 0."""
    if not head.most:
        return values
    kept, places = nodes.several(2, "TopK", values, nodes.integers(head.most), axis=1)
    return nodes.add("ScatterElements", nodes.add("Sub", values, values), places, kept, axis=1)


def _pooling(head: Head) -> str:
    if head.pooling not in (("max",), ("sum",)):
        raise SettingsError(f"found the pooling {head.pooling} of terms; wanted ('max',) or ('sum',)")
    return head.pooling[0]


def _decoded(nodes: Nodes, weights: Weights, hidden: str) -> str:
    """Hidden @ decoder, (B, L, V); a decoder tied to the word embedding is read from there, stored once."""
    decoder, word = weights["terms.weight"], weights["embeddings.word"]
    if not (np.shares_memory(decoder, word) or np.array_equal(decoder.T, word)):
        return nodes.add("MatMul", hidden, nodes.weight("terms.weight"))
    return nodes.add("MatMul", hidden, nodes.add("Transpose", nodes.weight("embeddings.word"), perm=[1, 0]))


def _summed(nodes: Nodes, head: Head, logits: str, mask: str) -> str:
    row = nodes.add("Cast", nodes.add("Unsqueeze", mask, nodes.integers(1)), to=1)
    total = nodes.add("MatMul", row, _weighed(nodes, head, logits))
    return nodes.add("Squeeze", total, nodes.integers(1))


def _weighed(nodes: Nodes, head: Head, logits: str) -> str:
    times = {"relu": 0, "log1p_relu": 1, "log1p_log1p_relu": 2}
    if head.activation not in times:
        raise SettingsError(f"found the activation '{head.activation}' of terms; wanted {', '.join(times)}")
    values = nodes.add("Relu", logits)
    for _ in range(times[head.activation]):
        values = nodes.add("Log", nodes.add("Add", values, nodes.floats(1.0)))
    return values


def _without(nodes: Nodes, mask: str, skip: int) -> str:
    """The mask without its first tokens."""
    if not skip:
        return mask
    later = nodes.add("Greater", nodes.add("CumSum", mask, nodes.index(1)), nodes.index(skip))
    return nodes.add("Mul", mask, nodes.add("Cast", later, to=7))


def _pooled(nodes: Nodes, hidden: str, masks: tuple[str, str], pooling: str) -> str:
    """(B, H) of one pooling over the second mask, which has no part of the first that is not pooled."""
    whole, mask = masks
    if pooling == "cls" and whole == mask:
        return _first(nodes, hidden, nodes.index(0))
    if pooling == "cls":
        first = nodes.add("ArgMax", mask, axis=1, keepdims=1)
        return nodes.add("GatherND", hidden, first, batch_dims=1)
    if pooling == "last":
        count = nodes.add("ReduceSum", whole, nodes.integers(1), keepdims=1)
        return nodes.add("GatherND", hidden, nodes.add("Sub", count, nodes.index(1)), batch_dims=1)
    if pooling == "max":
        seen = nodes.add("Cast", nodes.add("Unsqueeze", mask, nodes.integers(2)), to=9)
        kept = nodes.add("Where", seen, hidden, nodes.floats(-1e9))
        return nodes.add("ReduceMax", kept, nodes.integers(1), keepdims=0)
    if pooling not in ("mean", "sqrt", "weighted"):
        raise SettingsError(f"found the pooling '{pooling}'; wanted cls, mean, max, sqrt, weighted or last")
    shares = nodes.add("Cast", mask, to=1)
    if pooling == "weighted":
        shares = nodes.add("Mul", shares, nodes.add("Cast", nodes.add("CumSum", whole, nodes.index(1)), to=1))
    total = nodes.add("ReduceSum", shares, nodes.integers(1), keepdims=1)
    total = nodes.add("Max", total, nodes.floats(_TINY))
    # as a product: onnxruntime sums a batch of one in another order, which costs the last bit
    row = nodes.add("Unsqueeze", shares, nodes.integers(1))
    summed = nodes.add("Squeeze", nodes.add("MatMul", row, hidden), nodes.integers(1))
    return nodes.add("Div", summed, nodes.add("Sqrt", total) if pooling == "sqrt" else total)


def _first(nodes: Nodes, hidden: str, place: str) -> str:
    """The first token's states: (B, H), or (B, 1, H) where `place` is a row."""
    return nodes.add("Gather", hidden, place, axis=1)


def _unit(nodes: Nodes, values: str) -> str:
    norm = nodes.add("ReduceL2", values, nodes.integers(1), keepdims=1)
    return nodes.add("Div", values, nodes.add("Max", norm, nodes.floats(_EPSILON)))
