"""From a folder or a name to the thing it holds: two tables, no logic of their own."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from vizsla.core.artifacts import MANIFEST, read_manifest
from vizsla.core.errors import IncompatibleError, SettingsError

_ARTIFACTS = {
    "calibration": ("vizsla.retrievers.calibration", "Calibration"),
    "compiled-model": ("vizsla.compiling.compiled", "CompiledModel"),
    "corpus": ("vizsla.data.corpus", "Corpus"),
    "flat-index": ("vizsla.indexes.flat", "FlatIndex"),
    "frozen-collection": ("vizsla.collections.frozen", "FrozenCollection"),
    "inverted-index": ("vizsla.indexes.inverted", "InvertedIndex"),
    "lexical-encoder": ("vizsla.encoders.lexical", "LexicalEncoder"),
    "quantised-index": ("vizsla.indexes.quantised", "QuantisedIndex"),
    "vectors": ("vizsla.encoders.stored", "StoredVectors"),
}
_MODELS = {
    "vector": ("vizsla.encoders.dense", "DenseEncoder"),
    "terms": ("vizsla.encoders.sparse", "SparseEncoder"),
    "score": ("vizsla.rerankers.cross_encoder", "CrossEncoder"),
}


def load(
    model: str | Path | None = None,
    *,
    queries: str | Path | None = None,
    passages: str | Path | None = None,
    max_length: int | tuple[int, int] | None = None,
    layout: str | None = None,
    precision: str | None = None,
    settings: Mapping[str, object] | None = None,
) -> Any:
    """Load a published model, or whatever a folder written by vizsla holds.

    A published model becomes an encoder (`encode_queries`, `encode_passages`) or a reranker (`score`). What is
    named is looked for as a file or a folder, then in the registry (`vizsla models`), then on the hub.

    Args:
        model: a model's folder or weights file, a name of the registry, an id of the hub; or a folder of vizsla's.
        queries: another model for queries; "bag-of-words" weighs each token of a query 1.
        passages: another model for passages.
        max_length: most tokens, specials included; or of a query and of a passage.
        layout: how texts go in, where the files do not say: "rocketqa", "paddlenlp", "paddlenlp-early", ...
        precision: "fp32" (onnxruntime, the default) or "bf16" (OpenVINO, the extra `openvino`).
        settings: fields of the model's description by name; `like`, a registry entry for what the files leave out;
            `dim`, the first columns of a vector; `windows`, of a long passage "first" or "max".

    Raises:
        ArtifactError: nothing there, or files that are not what they should be.
        IncompatibleError: of a kind this release does not know, or two models that do not belong together.
        SettingsError: a name or a setting that means nothing.
        MissingExtraError: a precision whose runtime is not installed.
    """
    if model is not None and _is_artifact(model):
        given: dict[str, object] = {"queries": queries, "passages": passages, "max_length": max_length}
        given |= {"layout": layout, "precision": precision, "settings": settings}
        if said := [name for name, value in given.items() if value is not None]:
            raise SettingsError(f"found {said[0]} for {model}, which vizsla wrote with its settings; leave it out")
        return _artifact(model)
    from vizsla.models.finding import Wanted, find

    towers, use = find(Wanted(model, queries, passages, max_length, layout, settings or {}), precision)
    home, name = _MODELS[towers.passages.head.kind]
    return getattr(import_module(home), name).of(towers, use)


def _is_artifact(model: str | Path) -> bool:
    """A folder with a manifest, or a folder that is no model's either, which the manifest's reader refuses best."""
    folder = Path(model)
    return (folder / MANIFEST).exists() or (folder.is_dir() and not any(folder.iterdir()))


def _artifact(folder: str | Path) -> Any:
    kind = read_manifest(folder)["kind"]
    if kind not in _ARTIFACTS:
        raise IncompatibleError(
            f"{folder}: found the kind '{kind}'; wanted one of {', '.join(_ARTIFACTS)}: a newer release?"
        )
    home, name = _ARTIFACTS[kind]
    return getattr(import_module(home), name).load(folder)
