"""The names of ModelScope's pipelines for CoROM: `pipeline(task, model)(input)`.

Inputs are `{"source_sentence": [...], "sentences_to_compare": [...]}`; both may be lists.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from vizsla.assembly import load
from vizsla.core.errors import DataError, SettingsError
from vizsla.core.settings import nearest
from vizsla.encoders.dense import DenseEncoder
from vizsla.rerankers.cross_encoder import CrossEncoder


class Pipeline(Protocol):
    """What a task does with an input, given in place or as `input=`."""

    def __call__(self, input: Mapping[str, Sequence[str]]) -> dict[str, Any]: ...  # noqa: A002


_SOURCE, _COMPARED = "source_sentence", "sentences_to_compare"


def pipeline(task: str, model: str | Path, *, sequence_length: int | None = None) -> Pipeline:
    """What a task does with an input.

    sentence-embedding: `{"text_embedding": (n, dim), "scores": [...]}`, the vectors of the sources and then of the
    compared texts, and the dot products of the first with all the others.

    text-ranking: `{"scores": [...]}`, the probability of each compared text for the first source.

    Args:
        task: "sentence-embedding" or "text-ranking".
        model: a folder, or a name of the registry.
        sequence_length: most tokens, specials included.

    Raises:
        SettingsError: another task, or a model of another task.
        ArtifactError: files that are missing or are not what they should be.
    """
    if task not in _TASKS:
        raise SettingsError(f"found the task {task!r}; {nearest(task, _TASKS)}")
    kind, make = _TASKS[task]
    loaded = load(model, max_length=sequence_length)
    if not isinstance(loaded, kind):
        raise SettingsError(f"{model}: found a {type(loaded).__name__} for the task {task}; wanted a {kind.__name__}")
    return make(loaded)


def _embedding(encoder: DenseEncoder) -> Pipeline:
    def embed(input: Mapping[str, Sequence[str]]) -> dict[str, Any]:  # noqa: A002  # the library's own name
        sources, compared = _texts(input)
        rows = encoder.encode_passages([*sources, *compared])
        return {"text_embedding": rows, "scores": np.einsum("nd,d->n", rows[1:], rows[0]).tolist()}

    return embed


def _ranking(reranker: CrossEncoder) -> Pipeline:
    def rank(input: Mapping[str, Sequence[str]]) -> dict[str, Any]:  # noqa: A002  # the library's own name
        sources, compared = _texts(input)
        return {"scores": reranker.score([(sources[0], text) for text in compared]).tolist()}

    return rank


_TASKS: dict[str, tuple[type, Callable[[Any], Pipeline]]] = {
    "sentence-embedding": (DenseEncoder, _embedding),
    "text-ranking": (CrossEncoder, _ranking),
}


def _texts(inputs: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    found = [inputs.get(name, ()) for name in (_SOURCE, _COMPARED)]
    sources, compared = ([one] if isinstance(one, str) else list(one) for one in found)
    if not sources:
        raise DataError(f"found no text under '{_SOURCE}'; wanted at least one")
    return sources, compared
