"""Hugging Face directories: a config.json of transformers, its weights, its tokenizer.

Knows plain encoders, sequence classifiers (rerankers) and masked language models (SPLADE). sentence-transformers'
directories stand on these. Refuses to know their modules.
"""

from dataclasses import dataclass, replace
from typing import Any

from vizsla.core.errors import ArtifactError
from vizsla.models import layouts
from vizsla.models.description import PROBABLE, Architecture, Description, Family, Head, Kind, Layout, Towers
from vizsla.models.formats import architectures
from vizsla.models.formats.checkpoint import Checkpoint
from vizsla.models.formats.draft import Draft
from vizsla.models.formats.naming import NAMINGS
from vizsla.models.formats.place import Place
from vizsla.models.formats.said import Said, major, warn
from vizsla.models.formats.wishes import Wishes

SPLADE_LENGTH = 256
_UNBOUNDED = 1 << 20
_UNSTRIPPED = 4  # the first version whose CrossEncoder takes texts as they are
_ACTIVATIONS = {
    "Identity": "identity",
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "Tanh": "tanh",
    "ReLU": "relu",
    "GELU": "gelu",
}
_MODULES = ("torch.nn.modules.activation", "torch.nn.modules.linear", "torch.nn")
_POOLERS: dict[str, str] = {"bert": "tanh", "ernie": "tanh", "roberta": "tanh", "mpnet": "tanh", "electra": "gelu"}


@dataclass(frozen=True)
class Encoder:
    """A directory's encoder, before anything says what its head is.

    Attributes:
        place: the directory.
        said: what its config says.
        checkpoint: its weights, None where a published graph holds them.
        architecture: its sizes.
    """

    place: Place
    said: Said
    checkpoint: Checkpoint | None
    architecture: Architecture

    def draft(self, head: Head, layout: Layout, score: str, wishes: Wishes) -> Draft:
        """A description of this encoder with a head."""
        checkpoint = self.checkpoint
        return Draft(
            name=self.place.name,
            architecture=self.architecture,
            head=head,
            layout=layout,
            tokens=lambda architecture: self.place.tokens(architecture, wishes),
            score=score,
            weights=checkpoint.take if checkpoint else lambda _architecture, _head: {},
            graph=self.place.graph(),
        )

    def layout(self, name: str, kind: Kind, length: int | None = None) -> Layout:
        """A tool's layout with the tokenizer's own length and side of truncation."""
        config = self.place.json("tokenizer_config.json", optional=True)
        length = length or self.limit()
        side = str(config.get("truncation_side") or "right")
        if side not in ("right", "left"):
            raise ArtifactError(f"{self.place.folder}: found truncation_side {side[:50]!r}; wanted 'right' or 'left'")
        return replace(layouts.named(name, kind), query_length=length, passage_length=length, truncation_side=side)

    def limit(self) -> int:
        """The tokenizer's own most tokens, else the registry's, else the positions."""
        length = limit(self.place.json("tokenizer_config.json", optional=True))
        positions = self.architecture.positions or length
        return min(length if length < _UNBOUNDED else self.said.whole("passage_length", default=positions), positions)


def limit(config: dict[str, Any]) -> int:
    """A tokenizer's own most tokens; very many where it says none."""
    length = config.get("model_max_length")
    return int(length) if isinstance(length, int | float) and 0 < length < _UNBOUNDED else _UNBOUNDED


def read(place: Place, wishes: Wishes) -> Towers:
    """The model of a directory: what its config's class says, or what settings wish.

    Raises:
        ArtifactError: a file that is not what it should be.
        SettingsError: a value that nothing says.
    """
    encoder = opened(place, wishes)
    kind = str(encoder.said.get("kind", default=_kind(encoder.said)))
    if kind == "score":
        description = reranker(encoder, wishes)
    elif kind == "terms":
        description = sparse(encoder, wishes)
    else:
        description = _plain(encoder, wishes)
    return Towers(description, description)


def opened(place: Place, wishes: Wishes) -> Encoder:
    """The encoder of a directory with a config.json."""
    said = Said(place.json("config.json"), place.folder / "config.json", wishes)
    of: Family = architectures.family(said)
    checkpoint = place.checkpoint(NAMINGS[of])
    if checkpoint:
        said = replace(said, shapes=checkpoint.sizes())
    return Encoder(place, said, checkpoint, architectures.described(said, of))


def _kind(said: Said) -> Kind:
    named = said.config.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    if name.endswith("ForSequenceClassification"):
        return "score"
    return "terms" if name.endswith("ForMaskedLM") else "vector"


def _plain(encoder: Encoder, wishes: Wishes) -> Description:
    said = encoder.said
    if said.get("pooling", default=None) is None:
        warn(said.path, "no file says how tokens are pooled; the mean is taken: say settings={'pooling': ...}")
    pooling = said.get("pooling", default=("mean",))
    head = Head("vector", pooling=tuple(pooling), normalize=said.get("normalize", default=False) is True)
    score = str(said.get("score", default="cosine"))
    return encoder.draft(head, encoder.layout("huggingface", "vector"), score, wishes).finish(wishes)


def sparse(encoder: Encoder, wishes: Wishes) -> Description:
    """A masked language model as SPLADE-max: log(1 + relu(logit)), the largest over tokens."""
    head = Head("terms", ("max",), activation="log1p_relu", transform=transform(encoder))
    layout = encoder.layout("huggingface", "terms", min(SPLADE_LENGTH, encoder.limit()))
    return encoder.draft(head, layout, "dot", wishes).finish(wishes)


def transform(encoder: Encoder) -> str:
    """The activation inside a masked-LM head: the config's for BERT and DistilBERT, else always gelu."""
    own = encoder.architecture.family in ("bert", "ernie", "distilbert")
    return encoder.architecture.activation if own else "gelu"


def reranker(
    encoder: Encoder, wishes: Wishes, *, named: object = None, length: int | None = None, strip: bool = True
) -> Description:
    """A sequence classifier as sentence-transformers' CrossEncoder runs it.

    Args:
        encoder: with its classifier.
        wishes: settings.
        named: the activation by the name of its class, None for the config's.
        length: most tokens of a pair, None for the tokenizer's.
        strip: whether whitespace around texts goes.
    """
    said, family = encoder.said, encoder.architecture.family
    names = said.config.get("id2label")
    labels = said.whole("labels", "num_labels", default=len(names) if isinstance(names, dict) else 2)
    own = said.config.get("sentence_transformers")
    own = own if isinstance(own, dict) else {}
    named = named or own.get("activation_fn") or said.config.get("sbert_ce_default_activation_function")
    usual = "sigmoid" if labels == 1 else "identity"
    activation = class_activation(named, encoder) if named else str(said.get("head.activation", default=usual))
    inner = "relu" if family == "distilbert" else _POOLERS[family]
    dense = said.get("dense", default=() if encoder.place.graph() else (inner,))
    label = said.whole("label", default=1 if labels == 2 else 0)
    if labels > 1 and "label" not in wishes.settings:
        warn(said.path, f"{labels} labels; label {label} is the score: say settings={{'label': ...}}")
    head = Head("score", dense=tuple(dense), activation=activation, labels=labels, label=label)
    score = "probability" if activation in PROBABLE else "logit"
    old = own.get("version", "0" if "sbert_ce_default_activation_function" in said.config else None)
    layout = replace(
        encoder.layout("sentence-transformers", "score", length),
        strip=strip and old is not None and major(old) < _UNSTRIPPED,
    )
    return encoder.draft(head, layout, str(said.get("score", default=score)), wishes).finish(wishes)


def class_activation(named: object, encoder: Encoder) -> str:
    """Our name for an activation that a config names by torch's class; it is never imported.

    Raises:
        ArtifactError: another module, or a class that is not known.
    """
    module, _, name = str(named).rpartition(".")
    if module not in _MODULES or name not in _ACTIVATIONS:
        wanted = f"torch.nn.modules.activation. and one of {', '.join(_ACTIVATIONS)}"
        raise ArtifactError(f"{encoder.place.folder}: found the activation {str(named)[:200]!r}; wanted {wanted}")
    return _ACTIVATIONS[name]
