"""Which weights a description holds: every name with its shape. Matrices are (inputs, outputs)."""

from vizsla.models.description import Architecture, Head


def shapes(architecture: Architecture, head: Head) -> dict[str, tuple[int, ...]]:
    """Every weight of an encoder and its head: name to shape.

    >>> tiny = Architecture("distilbert", 30, layers=1, hidden=4, heads=2, feed_forward=8, positions=9)
    >>> sorted(shapes(tiny, Head("vector")))[:3]
    ['embeddings.norm.bias', 'embeddings.norm.weight', 'embeddings.position']
    """
    if architecture.family == "static":
        return {"table": (architecture.vocabulary,)}
    made = _embeddings(architecture)
    for layer in range(architecture.layers):
        made |= _block(f"layers.{layer}", architecture)
    return made | _head(architecture, head)


def _embeddings(a: Architecture) -> dict[str, tuple[int, ...]]:
    width = a.embedding or a.hidden
    made: dict[str, tuple[int, ...]] = {"embeddings.word": (a.vocabulary, width)}
    made |= {"embeddings.position": (a.positions, width)} if a.positions else {}
    made |= {"embeddings.type": (a.types, width)} if a.types else {}
    made |= {"embeddings.task": (a.tasks, width)} if a.tasks else {}
    made |= {"relative": (a.buckets, a.heads)} if a.buckets else {}
    made |= _norm("embeddings.norm", width)
    return made | (_linear("embeddings.projection", width, a.hidden) if width != a.hidden else {})


def _block(name: str, a: Architecture) -> dict[str, tuple[int, ...]]:
    made: dict[str, tuple[int, ...]] = {}
    for part in ("query", "key", "value", "output"):
        made |= _linear(f"{name}.{part}", a.hidden, a.hidden)
    made |= _norm(f"{name}.attention_norm", a.hidden)
    made |= _linear(f"{name}.up", a.hidden, a.feed_forward) | _linear(f"{name}.down", a.feed_forward, a.hidden)
    return made | _norm(f"{name}.norm", a.hidden)


def _head(a: Architecture, head: Head) -> dict[str, tuple[int, ...]]:
    width = a.embedding or a.hidden
    if head.kind == "terms":
        made = _linear("terms.transform", a.hidden, width) | _norm("terms.norm", width)
        return made | {"terms.bias": (a.vocabulary,), "terms.weight": (width, a.vocabulary)}
    made, inputs = {}, a.hidden * len(head.pooling)
    for i in range(len(head.dense)):
        if head.dense[i] in ("norm", "unit"):
            made |= _norm(f"dense.{i}", inputs) if head.dense[i] == "norm" else {}
            continue
        outputs = head.widths[i] if head.widths else a.hidden
        bias = not head.dense_bias or head.dense_bias[i]
        made |= _linear(f"dense.{i}", inputs, outputs, bias=bias)
        inputs = outputs
    return made | (_linear("classifier", inputs, head.labels) if head.kind == "score" else {})


def _linear(name: str, inputs: int, outputs: int, *, bias: bool = True) -> dict[str, tuple[int, ...]]:
    made: dict[str, tuple[int, ...]] = {f"{name}.weight": (inputs, outputs)}
    return made | ({f"{name}.bias": (outputs,)} if bias else {})


def _norm(name: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
