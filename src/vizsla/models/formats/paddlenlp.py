"""PaddleNLP's ERNIE: directories with new and old configs, and bare `.pdparams` files.

Knows RocketQA's encoders and rerankers as PaddleNLP saves them. Both are one class there, so that files alone cannot
tell a reranker's weights from an encoder's: a classifier of one label, a class or a name does.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.models import layouts
from vizsla.models.description import Architecture, Description, Head, Kind, Towers, Weights
from vizsla.models.formats import architectures
from vizsla.models.formats.checkpoint import Checkpoint, modern, prefixes
from vizsla.models.formats.draft import Draft
from vizsla.models.formats.naming import PADDLE, REDUCED
from vizsla.models.formats.place import Place
from vizsla.models.formats.said import Said, warn
from vizsla.models.formats.wishes import Wishes
from vizsla.models.weights import opening
from vizsla.models.weights.numbers import Array

CONFIGS = ("config.json", "model_config.json")
WEIGHTS = "model_state.pdparams"
_HEADS = {768: 12, 384: 12, 312: 12, 1024: 16}  # of every published width
_RELU_VOCABULARY = 18_000  # only the DuReader models use relu, and only they have so many rows
_REDUCED = "emb_reduce_linear.weight"
_POOLED_ALONE = "ernie-search"
_LARGER_EPS = ("rocketqav2-en-marco-cross", "ernie-search")
_DEPTH = 3


def read(place: Place, wishes: Wishes) -> Towers:
    """The encoder, both encoders or the reranker of a directory or a file.

    Raises:
        ArtifactError: a file that is not what it should be.
        SettingsError: a value that nothing says.
    """
    own = place.folder / WEIGHTS
    file = own if place.weights is None and own.is_file() else place.file()
    if file is None:
        raise ArtifactError(f"{place.folder}: found no weights; wanted {WEIGHTS}: fetch the model whole")
    arrays = modern(opening.read(file))
    config, path = _config(place, file)
    found = _models(arrays, file)
    made = {side: _described(place, Said(config, path, wishes), checkpoint) for side, checkpoint in found.items()}
    return Towers(made["query"], made.get("passage", made["query"]))


def _config(place: Place, file: Path) -> tuple[dict[str, Any], Path]:
    """The config beside the weights: the new one as it is, the old one flattened; empty beside a bare file."""
    name = next((name for name in CONFIGS if place.has(name)), None)
    if name is None:
        return {}, file
    return flattened(place.json(name)), place.folder / name


def flattened(config: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """An old config's values, inner calls first, so that the outer class's own stand.

    >>> flattened({"init_args": [{"hidden_size": 8, "init_class": "ErnieModel"}], "init_class": "ErnieEncoder"})
    {'hidden_size': 8, 'init_class': 'ErnieEncoder'}
    """
    args = config.get("init_args")
    inner: dict[str, Any] = {}
    if isinstance(args, list) and depth < _DEPTH:
        for each in args:
            inner |= flattened(each, depth + 1) if isinstance(each, dict) else {}
    return inner | {key: value for key, value in config.items() if key != "init_args"}


def _models(arrays: Mapping[str, Array], file: Path) -> dict[str, Checkpoint]:
    """The models of a file by their side: one, or the two of a dual encoder."""
    naming = REDUCED if any(key.endswith(_REDUCED) for key in arrays) else PADDLE
    found = prefixes(arrays, naming)
    if not found:
        some = ", ".join(list(arrays)[:3])[:200]
        raise ArtifactError(f"{file}: found no '{naming.word}' among {some} ...; wanted an ERNIE's weights")
    sides = {"passage" if each.startswith(("title_", "titlepara_", "para_")) else "query": each for each in found}
    if len(sides) != len(found):
        raise SettingsError(f"{file}: found models under {found}; wanted one, or query_ernie. and title_ernie.")
    if "query" not in sides:
        sides = {"query": found[0]}
    return {side: _apart(Checkpoint(file, arrays, naming, prefix), set(found)) for side, prefix in sides.items()}


def _apart(checkpoint: Checkpoint, found: set[str]) -> Checkpoint:
    """A model without the arrays of the others in its file."""
    others = tuple(each.partition(".")[0] + "." for each in found - {checkpoint.prefix} if each)
    kept = {key: array for key, array in checkpoint.arrays.items() if not others or not key.startswith(others)}
    return replace(checkpoint, arrays=kept)


def _described(place: Place, said: Said, checkpoint: Checkpoint) -> Description:
    said = replace(said, shapes=checkpoint.sizes())
    architecture = _architecture(place, said)
    kind = str(said.get("kind", default=_kind(place, said, checkpoint)))
    head = _reranker(place, said, checkpoint) if kind == "score" else _encoder(said, checkpoint)
    usual = "dot" if kind != "score" else "logit" if head.labels == 1 else "probability"
    return Draft(
        name=place.name,
        architecture=architecture,
        head=head,
        layout=layouts.named("paddlenlp", "score" if kind == "score" else "vector"),
        tokens=lambda given: place.tokens(given, said.wishes, symbols=True),
        score=str(said.get("score", default=usual)),
        weights=partial(_weights, said, checkpoint),
    ).finish(said.wishes)


def _weights(said: Said, checkpoint: Checkpoint, architecture: Architecture, head: Head) -> Weights:
    """The weights, the row of the config's task before the other tasks': the first is what a graph adds."""
    taken = checkpoint.take(architecture, head)
    task = said.whole("task", "task_id", default=0)
    if not architecture.tasks or not task:
        return taken
    if task >= architecture.tasks:
        raise ArtifactError(f"{said.path}: found task_id {task}; wanted one of {architecture.tasks}: correct it")
    return {**taken, "embeddings.task": np.roll(taken["embeddings.task"], -task, axis=0)}


def _architecture(place: Place, said: Said) -> Architecture:
    width, rows = said.whole("hidden", "hidden_size"), said.whole("vocabulary", "vocab_size")
    usual: dict[str, Any] = {"hidden_act": "relu" if rows == _RELU_VOCABULARY else "gelu"}
    usual |= {"num_attention_heads": _HEADS[width]} if width in _HEADS else {}
    usual["layer_norm_eps"] = 1e-5 if any(each in _names(place, said) for each in _LARGER_EPS) else 1e-12
    ours = {"hidden_act": "architecture.activation", "num_attention_heads": "heads", "layer_norm_eps": "layer_norm_eps"}
    known = said.config.keys() | {"layer_norm_eps"} if "epsilon" in said.config else said.config.keys()
    silent = [key for key in usual if key not in known and said.get(ours[key], default=None) is None]
    if silent and not said.config:
        assumed = ", ".join(f"{ours[key]} {usual[key]}" for key in silent)
        warn(said.path, f"no file says {assumed}; taken as published models have it: say otherwise by settings")
    return architectures.described(
        replace(said, config={**said.config, **{key: usual[key] for key in silent}}), "ernie"
    )


def _names(place: Place, said: Said) -> str:
    """What the model may be called, for what only a name tells."""
    said_names = [str(said.config.get(key, "")) for key in ("_name_or_path", "name")]
    return " ".join([place.folder.name, said.path.name, *said_names]).lower()


def _kind(place: Place, said: Said, checkpoint: Checkpoint) -> Kind:
    label = checkpoint.find("classifier.weight")
    if label is None or checkpoint.naming == REDUCED:
        return "vector"
    named = said.config.get("architectures")
    classes = f"{named[0] if isinstance(named, list) and named else ''} {said.config.get('init_class', '')}"
    if "Cross" in classes or "ForSequenceClassification" in classes or label.shape[-1] == 1:
        return "score"
    names = (checkpoint.path.stem if place.weights else place.folder.name).lower()
    if "cross" in names or "rank" in names:
        return "score"
    if not any(each in names for each in ("query", "para", "title", "dual", "encoder")):
        warn(
            said.path,
            "its weights may be an encoder's or a reranker's; an encoder is taken: say settings={'head': 'score'}",
        )
    return "vector"


def _encoder(said: Said, checkpoint: Checkpoint) -> Head:
    """The first token's states; a linear layer follows where the file has one."""
    head = Head("vector", normalize=said.get("normalize", default=False) is True)
    reduced = checkpoint.find("dense.0.weight") if checkpoint.naming == REDUCED else None
    return head if reduced is None else replace(head, dense=("identity",), widths=reduced.shape[-1:])


def _reranker(place: Place, said: Said, checkpoint: Checkpoint) -> Head:
    """The pooler and softmax of two labels; of one label, the raw logit.

    With one label, rocketqav2 reads the first token's states and ernie-search the pooler's.
    """
    labels = said.whole("labels", default=2)
    dense = said.get("dense", default=None)
    if dense is None:
        pooler = checkpoint.find("dense.0.weight") is not None
        dense = ("tanh",) if pooler and (labels > 1 or _POOLED_ALONE in _names(place, said)) else ()
        if pooler and labels == 1 and not dense:
            warn(
                said.path,
                "one label: read as rocketqav2, without the pooler: say settings={'dense': 'tanh'} for ernie-search",
            )
    activation = str(said.get("head.activation", default="softmax" if labels > 1 else "identity"))
    label = said.whole("label", default=1 if labels > 1 else 0)
    return Head("score", dense=tuple(dense), activation=activation, labels=labels, label=label)
