"""Any published folder or weights file to its two descriptions: which reader it needs, and nothing else.

Knows how the families' folders are told apart; refuses to know what is in them.
"""

from collections.abc import Mapping
from pathlib import Path

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.models.description import Towers
from vizsla.models.formats import huggingface, modelscope, onnx, paddlenlp, rocketqa, sentence_transformers
from vizsla.models.formats.place import Place
from vizsla.models.formats.wishes import Wishes, wished
from vizsla.models.weights import opening

_KINDS = {"dense": "vector", "sparse": "terms", "reranker": "score"}


def read(
    path: str | Path,
    *,
    settings: Mapping[str, object] | None = None,
    layout: str | None = None,
    max_length: int | tuple[int, int] | None = None,
) -> Towers:
    """Read a published model from its folder, or from its weights file beside which its other files stand.

    Args:
        path: the folder or the file.
        settings: fields of the description by name, which stand before what the files say; `head` is the head's
            kind, `tokens` a tokenizer's file or folder, `like` a registry entry for what the files leave out.
        layout: an input layout by name in place of the family's own.
        max_length: most tokens, or (of a query, of a passage).

    Raises:
        ArtifactError: nothing there, or a file that is not what it should be.
        SettingsError: a setting that does not exist or cannot be, or one that is missing.
    """
    given = dict(settings or {})
    wishes = wished(given, _like(given.pop("like", None)), layout or "", max_length)
    return _read(_place(Path(path)), wishes)


def _place(path: Path) -> Place:
    if path.is_dir():
        return Place(path)
    if not path.is_file():
        raise ArtifactError(f"{path}: found nothing there; wanted a model's folder or its weights file")
    if not opening.is_weights(path) and not onnx.is_graph(path):
        raise ArtifactError(f"{path}: found a file of another kind; wanted a model's folder or its weights file")
    apart = onnx.is_graph(path) and not (path.parent / "config.json").is_file()
    return Place(path.parent.parent if apart else path.parent, path)


def _like(name: object) -> dict[str, object]:
    """A registry entry as settings."""
    if name is None:
        return {}
    if not isinstance(name, str):
        raise SettingsError(f"found like={name!r}; wanted the name of a registry entry: vizsla models lists them")
    from vizsla.models import registry

    entry = registry.find(name)
    return {"head": _KINDS[entry.kind], "layout": entry.layout, **entry.settings}


def _read(place: Place, wishes: Wishes) -> Towers:
    bare = place.weights is not None and place.weights.suffix == ".pdparams"
    if bare or place.has(paddlenlp.WEIGHTS) or place.has("model_config.json"):
        return paddlenlp.read(place, wishes)
    if place.has(sentence_transformers.MODULES):
        return sentence_transformers.read(place, wishes)
    if modelscope.is_model(place):
        return modelscope.read(place, wishes)
    if not place.has("config.json"):
        raise ArtifactError(f"{place.folder}: found no config.json; wanted a published model's folder, whole")
    config = place.json("config.json")
    if rocketqa.KEY in config:
        return rocketqa.read(place, wishes)
    if "paddlenlp_version" in config:
        return paddlenlp.read(place, wishes)
    return huggingface.read(place, wishes)
