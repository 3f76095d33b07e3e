"""ModelScope's directories of CoROM: sentence embedding and passage ranking.

Knows configuration.json; the encoder inside is a Hugging Face BERT, saved under several prefixes.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vizsla.core.errors import ArtifactError
from vizsla.models import layouts
from vizsla.models.description import Head, Layout, Towers
from vizsla.models.formats import huggingface
from vizsla.models.formats.huggingface import Encoder
from vizsla.models.formats.place import Place
from vizsla.models.formats.wishes import Wishes

CONFIG = "configuration.json"
_LENGTH = 128
_TASKS = {"sentence-embedding": "vector", "text-ranking": "score"}
_POOLINGS = {"cls": "cls", "mean": "mean", "avg": "mean", "max": "max", "weightedmean": "weighted", "lasttoken": "last"}


def is_model(place: Place) -> bool:
    """Whether a folder is ModelScope's and of a task that is read here."""
    return _task(place.json(CONFIG, optional=True)) is not None


def read(place: Place, wishes: Wishes) -> Towers:
    """The encoder or the reranker of a directory.

    Raises:
        ArtifactError: a file that is not what it should be.
        SettingsError: a value that nothing says.
    """
    configuration = place.json(CONFIG)
    encoder = huggingface.opened(place, wishes)
    score = encoder.said.get("kind", default=_task(configuration)) == "score"
    head = _reranker(encoder) if score else _embedding(configuration, encoder)
    usual = "probability" if score else "dot"
    draft = encoder.draft(
        head, _layout(place, configuration, score=score), str(encoder.said.get("score", default=usual)), wishes
    )
    description = draft.finish(wishes)
    return Towers(description, description)


def _task(configuration: Mapping[str, Any]) -> str | None:
    tasks = [
        configuration.get("task"),
        *(_part(configuration, name).get("type") for name in ("pipeline", "preprocessor")),
    ]
    return next((_TASKS[task] for task in tasks if isinstance(task, str) and task in _TASKS), None)


def _part(configuration: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = configuration.get(name)
    return part if isinstance(part, dict) else {}


def _embedding(configuration: Mapping[str, Any], encoder: Encoder) -> Head:
    model = _part(configuration, "model")
    pooling = str(model.get("emb_pooler_type") or "cls")
    if pooling not in _POOLINGS:
        found = f"emb_pooler_type {pooling[:50]!r}"
        raise ArtifactError(f"{encoder.place.folder / CONFIG}: found {found}; wanted one of {', '.join(_POOLINGS)}")
    return Head("vector", (_POOLINGS[pooling],), normalize=model.get("normalize") is True)


def _reranker(encoder: Encoder) -> Head:
    """Through the pooler to one label and a sigmoid."""
    labels = encoder.said.whole("labels", default=1)
    dense = encoder.said.get("dense", default=("tanh",))
    activation = str(encoder.said.get("head.activation", default="sigmoid" if labels == 1 else "softmax"))
    label = encoder.said.whole("label", default=1 if labels > 1 else 0)
    return Head("score", dense=tuple(dense), activation=activation, labels=labels, label=label)


def _layout(place: Place, configuration: Mapping[str, Any], *, score: bool) -> Layout:
    length = _part(configuration, "preprocessor").get("max_length", _LENGTH)
    if type(length) is not int or length < 1:
        raise ArtifactError(f"{place.folder / CONFIG}: found max_length {str(length)[:50]!r}; wanted a whole number")
    layout = layouts.named("modelscope", "score" if score else "vector")
    return replace(layout, query_length=length, passage_length=length)
