"""From a stored folder to the thing it holds: a table of kinds, no logic."""

from importlib import import_module
from pathlib import Path
from typing import Any

from vizsla.core.artifacts import read_manifest
from vizsla.core.errors import IncompatibleError

_CLASSES = {
    "calibration": ("vizsla.retrievers.calibration", "Calibration"),
    "corpus": ("vizsla.data.corpus", "Corpus"),
    "frozen-collection": ("vizsla.collections.frozen", "FrozenCollection"),
    "inverted-index": ("vizsla.indexes.inverted", "InvertedIndex"),
    "lexical-encoder": ("vizsla.encoders.lexical", "LexicalEncoder"),
}


def load(folder: str | Path) -> Any:
    """Load whatever a folder written by vizsla holds.

    Raises:
        ArtifactError: no such folder, or not one of vizsla's.
        IncompatibleError: of a kind this release does not know.
    """
    kind = read_manifest(folder)["kind"]
    if kind not in _CLASSES:
        raise IncompatibleError(
            f"{folder}: found the kind '{kind}'; wanted one of {', '.join(_CLASSES)}: a newer release?"
        )
    module, name = _CLASSES[kind]
    return getattr(import_module(module), name).load(folder)
