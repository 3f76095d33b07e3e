"""Published configs to an architecture: how each family spells its sizes.

Knows the configs of transformers' and PaddleNLP's own models; refuses to know heads, weights and tokens.
"""

from vizsla.core.errors import ArtifactError
from vizsla.models.description import Architecture, Family
from vizsla.models.formats.said import Said

FAMILIES: dict[str, Family] = {
    "bert": "bert",
    "ernie": "ernie",
    "distilbert": "distilbert",
    "roberta": "roberta",
    "xlm-roberta": "roberta",
    "camembert": "roberta",
    "mpnet": "mpnet",
    "electra": "electra",
}
_PADDED = ("roberta", "mpnet")


def family(said: Said) -> Family:
    """The family that a config names.

    Raises:
        ArtifactError: one that is not read.
    """
    named = said.get("family", "model_type", default=_by_class(said.config.get("architectures")))
    found = FAMILIES.get(str(named))
    if found is None:
        wanted = ", ".join(FAMILIES)
        raise ArtifactError(f"{said.path}: found the model type {str(named)[:50]!r}; wanted one of {wanted}")
    kind = said.config.get("position_embedding_type") or "absolute"
    if kind != "absolute":
        raise ArtifactError(f"{said.path}: found position_embedding_type {str(kind)[:50]!r}; wanted 'absolute'")
    return found


def _by_class(classes: object) -> str:
    """The model type of a config that is older than that word: what its class's name begins with."""
    name = str(classes[0]).lower() if isinstance(classes, list) and classes else ""
    return next((kind for kind in FAMILIES if name.startswith(kind.replace("-", ""))), "bert")


def described(said: Said, of: Family) -> Architecture:
    """The architecture of a config.

    Raises:
        ArtifactError: a size that is no number.
        SettingsError: a size that nothing says.
    """
    hidden = said.whole("hidden", "hidden_size", "dim")
    wide = said.whole("embedding", "embedding_size", default=hidden) if of == "electra" else hidden
    tasks = said.whole("tasks", "task_type_vocab_size", default=0) if of == "ernie" else 0
    uses_tasks = said.config.get("use_task_id", said.shapes.get("tasks", tasks) > 0)
    return Architecture(
        family=of,
        vocabulary=said.whole("vocabulary", "vocab_size"),
        layers=said.whole("layers", "num_hidden_layers", "n_layers"),
        hidden=hidden,
        heads=said.whole("heads", "num_attention_heads", "n_heads"),
        feed_forward=said.whole("feed_forward", "intermediate_size", "hidden_dim"),
        activation=said.activation("hidden_act", "activation", default="gelu"),
        positions=said.whole("positions", "max_position_embeddings"),
        first_position=said.whole("first_position", default=_first(said, of)),
        types=0 if of in ("distilbert", "mpnet") else said.whole("types", "type_vocab_size", "sent_type_vocab_size"),
        tasks=tasks if uses_tasks else 0,
        embedding=wide if wide != hidden else 0,
        layer_norm_eps=said.number("layer_norm_eps", *_eps(of), default=1e-12),
        buckets=said.whole("buckets", "relative_attention_num_buckets", default=32) if of == "mpnet" else 0,
    )


def _eps(of: Family) -> tuple[str, ...]:
    """DistilBERT's own code fixes 1e-12, whatever its config says."""
    return () if of == "distilbert" else ("layer_norm_eps", "epsilon")


def _first(said: Said, of: Family) -> int:
    """MPNet's own code fixes the pad at 1 for its positions."""
    if of == "mpnet":
        return 2
    return said.whole("pad", "pad_token_id", default=1) + 1 if of in _PADDED else 0
