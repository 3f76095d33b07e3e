"""The models of a collection: loaded when they are first needed, encoders held to the contract of its vectors.

Knows names, models and contracts. Refuses to know what is encoded, and for what.
"""

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from vizsla.collections.settings import LEXICAL, CollectionSettings, EncoderSettings, named
from vizsla.core.errors import ArtifactError, IncompatibleError, SettingsError
from vizsla.core.protocols import Reranker, Text
from vizsla.core.vectors import Dense, Sparse
from vizsla.models.contract import Contract


class Encoders:
    """The models of a collection, by name.

    Args:
        settings: the collection's.
        models: where models are that have moved since the collection was created, by name.

    Raises:
        SettingsError: a model for BM25, which has none.
    """

    def __init__(self, settings: CollectionSettings, models: Mapping[str, str] | None = None) -> None:
        self.settings = settings
        self._models = dict(models or {})
        self._loaded: dict[str, Any] = {}
        self._lock = threading.Lock()
        if LEXICAL in self._models:
            raise SettingsError(f"found a model for '{LEXICAL}', which has none; leave it out")

    def __getitem__(self, name: str) -> Any:
        """The encoder of a name.

        Raises:
            SettingsError: the collection has no model of this name.
            ArtifactError: the model is not where it was.
            IncompatibleError: the model there makes other vectors than those stored.
        """
        wanted = self.settings.encoder(name)
        if not wanted.model:
            raise SettingsError(f"found '{name}' where a model is wanted; it is fitted, and lives in the segments")
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(wanted)
            return self._loaded[name]

    def encode(self, name: str, passages: Sequence[Text]) -> Dense | Sparse:
        """Vectors of passages: (n, dim)."""
        return cast("Dense | Sparse", self[name].encode_passages(passages))

    def reranker(self, name: str, place: str) -> Reranker:
        """The reranker of a name, from its place or from where it has moved.

        Raises:
            IncompatibleError: the model there scores no pairs.
        """
        with self._lock:
            key = f"{name}={self._models.get(name, place)}"
            if key not in self._loaded:
                self._loaded[key] = _reranker(name, self._models.get(name, place))
            return cast("Reranker", self._loaded[key])

    def _load(self, wanted: EncoderSettings) -> Any:
        place = self._models.get(wanted.name, wanted.model)
        if Path(place).is_absolute() and not Path(place).exists():
            found = f"{place}: is not there, the model of the encoder '{wanted.name}'"
            raise ArtifactError(f"{found}; say where it is now: --model {wanted.name}=FOLDER, in Python models=")
        encoder = _loaded(wanted.name, place)
        stored = Contract.read(wanted.contract, where=f"the encoder '{wanted.name}' of the collection")
        encoder.contract.check(stored, what=f"what the collection holds of '{wanted.name}'")
        return encoder


def described(encoders: Sequence[str]) -> tuple[EncoderSettings, ...]:
    """The encoders of a new collection as a user writes them: 'bm25', 'minilm=FOLDER or name'.

    Raises:
        SettingsError: a name that cannot be, or a model that makes no vectors.
    """
    return tuple(_described(*named(one)) for one in encoders)


def _described(name: str, model: str) -> EncoderSettings:
    if name == LEXICAL:
        return EncoderSettings(name, "lexical")
    encoder, place = _loaded(name, model), str(Path(model).resolve()) if Path(model).exists() else model
    contract = {"id": encoder.contract.id, "parts": dict(encoder.contract.parts)}
    kind = "dense" if _is_dense(encoder) else "sparse"
    return EncoderSettings(name, cast("Any", kind), place, encoder.dim, contract)


def _loaded(name: str, model: str) -> Any:
    from vizsla.assembly import load

    encoder = load(model)
    if not hasattr(encoder, "encode_passages") or not hasattr(encoder, "contract"):
        found = f"found a {type(encoder).__name__} at {model} for the encoder '{name}'"
        raise IncompatibleError(f"{found}; wanted a model that makes vectors of passages")
    return encoder


def _reranker(name: str, place: str) -> Any:
    from vizsla.assembly import load

    model = load(place)
    if not hasattr(model, "score"):
        found = f"found a {type(model).__name__} at {place} for the reranker '{name}'"
        raise IncompatibleError(f"{found}; wanted a model that scores pairs of a query and a passage")
    return model


def _is_dense(encoder: Any) -> bool:
    from vizsla.encoders.dense import DenseEncoder

    return isinstance(encoder, DenseEncoder)
