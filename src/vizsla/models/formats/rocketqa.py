"""The original rocketqa layout: a config.json that names a conf, a vocabulary and a folder of variables.

Knows dual encoders, with one set of weights or two, and cross encoders, trained alone or jointly.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vizsla.core.errors import ArtifactError
from vizsla.models import layouts, vocabulary
from vizsla.models.description import Architecture, Description, Head, Layout, Tokens, Towers
from vizsla.models.formats import architectures
from vizsla.models.formats.checkpoint import Checkpoint
from vizsla.models.formats.draft import Draft
from vizsla.models.formats.naming import ROCKETQA
from vizsla.models.formats.place import Place
from vizsla.models.formats.said import Said
from vizsla.models.formats.wishes import Wishes
from vizsla.models.weights import variables
from vizsla.models.weights.numbers import Array
from vizsla.models.weights.places import inside

KEY = "model_checkpoint_path"
_CONFIG = "config.json"
_EPS = 1e-5  # of Paddle's own layer_norm, which that code never changes
_PREFIXES = {"query": ("query_", ""), "passage": ("titlepara_", "para_", "query_", ""), "cross": ("qtp_", "")}


def read(place: Place, wishes: Wishes) -> Towers:
    """The model of a directory whose config.json names `model_checkpoint_path`.

    Raises:
        ArtifactError: a file that is not what it should be.
        SettingsError: a value that nothing says.
    """
    config = place.json(_CONFIG)
    path = place.folder / _CONFIG
    conf = inside(place.folder, config.get("model_conf_path"), said_by=path)
    said = Said({"layer_norm_eps": _EPS} | place.json(str(config["model_conf_path"])), conf, wishes)
    arrays = variables.read(inside(place.folder, config.get(KEY), said_by=path))
    cross = "cross" in str(config.get("model_type", ""))
    sides = ("cross",) if cross else ("query", "passage")
    made = [_described(place, config, said, _checkpoint(place, arrays, side)) for side in sides]
    return Towers(made[0], made[-1])


def _checkpoint(place: Place, arrays: Mapping[str, Array], side: str) -> Checkpoint:
    prefix = next((each for each in _PREFIXES[side] if f"{each}{ROCKETQA.word}" in arrays), None)
    if prefix is None:
        wanted = " or ".join(f"{each}{ROCKETQA.word}" for each in _PREFIXES[side])
        raise ArtifactError(f"{place.folder}: found no variable for the {side}; wanted {wanted}: fetch the model whole")
    return Checkpoint(place.folder, arrays, ROCKETQA, prefix)


def _described(place: Place, config: Mapping[str, Any], said: Said, checkpoint: Checkpoint) -> Description:
    said = replace(said, shapes=checkpoint.sizes())
    cross = "cross" in str(config.get("model_type", ""))
    cross = said.get("kind", default="score" if cross else "vector") == "score"
    head = _reranker(config, said) if cross else Head("vector")
    usual = ("logit" if head.activation == "identity" else "probability") if cross else "dot"

    def tokens(architecture: Architecture) -> Tokens:
        if said.wishes.settings.get("tokens") is not None:
            return place.tokens(architecture, said.wishes, symbols=True)
        path = inside(place.folder, config.get("model_vocab_path"), said_by=place.folder / _CONFIG)
        return vocabulary.from_vocabulary(path, place.tokenizer_config(), symbols=True)

    return Draft(
        name=place.name,
        architecture=architectures.described(said, "ernie"),
        head=head,
        layout=_layout(place, config, cross=cross),
        tokens=tokens,
        score=str(said.get("score", default=usual)),
        weights=checkpoint.take,
    ).finish(said.wishes)


def _reranker(config: Mapping[str, Any], said: Said) -> Head:
    """The pooler and a softmax over two labels; trained jointly, a raw logit of the first token's states."""
    joint = bool(config.get("joint_training"))
    labels = said.whole("labels", default=1 if joint else 2)
    dense = said.get("dense", default=() if joint else ("tanh",))
    activation = str(said.get("head.activation", default="softmax" if labels > 1 else "identity"))
    label = said.whole("label", default=1 if labels > 1 else 0)
    return Head("score", dense=tuple(dense), activation=activation, labels=labels, label=label)


def _layout(place: Place, config: Mapping[str, Any], *, cross: bool) -> Layout:
    layout = layouts.named("rocketqa", "score" if cross else "vector")
    names = ("max_seq_len", "max_seq_len") if cross else ("q_max_seq_len", "p_max_seq_len")
    lengths = [config.get(names[0], layout.query_length), config.get(names[1], layout.passage_length)]
    if not all(type(length) is int and length > 0 for length in lengths):
        raise ArtifactError(f"{place.folder / _CONFIG}: found lengths {lengths!r}; wanted whole numbers")
    spaceless = config.get("for_cn", True) not in (False, 0)
    return replace(layout, query_length=lengths[0], passage_length=lengths[1], remove_spaces=spaceless)
