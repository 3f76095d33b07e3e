"""One model among a file's arrays: found by its prefix, measured by its shapes, taken under our names and checked.

Knows that every weight of a description must be there, of its shape and finite, and that what is left over must not
matter; refuses to know files.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.models.description import Architecture, Head, Weights
from vizsla.models.formats.naming import Naming
from vizsla.models.parameters import shapes
from vizsla.models.weights.numbers import Array

_NO_WEIGHTS = ("position_ids", "token_type_ids")
_MOST_LAYERS = 1_000


@dataclass(frozen=True)
class Checkpoint:
    """The arrays of one model.

    Attributes:
        path: the file, for messages.
        arrays: by their published keys.
        naming: what the family calls them.
        prefix: what stands before the model's names.
    """

    path: Path
    arrays: Mapping[str, Array]
    naming: Naming
    prefix: str = ""

    def keys(self, name: str) -> list[str]:
        """The keys in the file that one of our weights has; more than one only if it is tied."""
        roots = (self.prefix, self.root(), "")
        wanted = [f"{root}{key}" for key in self.naming.keys(name) for root in roots]
        return [key for key in dict.fromkeys(wanted) if key in self.arrays]

    def root(self) -> str:
        """What stands before the heads: the prefix without the encoder's own name."""
        return self.prefix.rstrip(".").rpartition(".")[0] + "." if "." in self.prefix.rstrip(".") else ""

    def find(self, name: str) -> Array | None:
        """One of our weights, matrices (inputs, outputs); None where the file has none.

        Raises:
            ArtifactError: two keys for it with different numbers.
        """
        keys = self.keys(name)
        if not keys:
            return None
        array = self.arrays[keys[0]]
        tied = name == "terms.bias"  # the decoder's own stands first; the other is what older files call it
        if other := next((key for key in keys[1:] if not tied and not np.array_equal(self.arrays[key], array)), None):
            raise ArtifactError(f"{self.path}: found '{keys[0]}' and '{other}' for one weight; wanted one of them")
        return array.T if self.naming.turned and _is_matrix(name) else array

    def sizes(self) -> dict[str, int]:
        """What the shapes tell of the architecture, by our names."""
        word, up = self.find("embeddings.word"), self.find("layers.0.up.weight")
        query, label = self.find("layers.0.query.weight"), self.find("classifier.weight")
        found = {"layers": self._layers()}
        found |= {"vocabulary": word.shape[0]} if word is not None and word.ndim else {}
        found |= {"hidden": query.shape[0]} if query is not None and query.ndim == 2 else {}
        found |= {"feed_forward": up.shape[1]} if up is not None and up.ndim == 2 else {}
        found |= {"labels": label.shape[1]} if label is not None and label.ndim == 2 else {}
        for ours, name in (("positions", "position"), ("types", "type"), ("tasks", "task")):
            table = self.find(f"embeddings.{name}")
            found[ours] = len(table) if table is not None and table.ndim else 0
        return found

    def _layers(self) -> int:
        return next(number for number in range(_MOST_LAYERS + 1) if self.find(f"layers.{number}.query.weight") is None)

    def take(self, architecture: Architecture, head: Head) -> Weights:
        """Every weight of a description.

        Raises:
            ArtifactError: one is missing, of another shape or not finite, or one is left over that matters.
        """
        if architecture.layers > _MOST_LAYERS:
            raise ArtifactError(f"{self.path}: found {architecture.layers} layers; wanted at most {_MOST_LAYERS}")
        taken = {name: self._taken(name, shape) for name, shape in shapes(architecture, head).items()}
        self._check_left(taken, head)
        return taken

    def _taken(self, name: str, shape: tuple[int, ...]) -> Array:
        array = self.find(name)
        if array is None and name == "terms.weight":  # tied to the word embedding
            word = self.find("embeddings.word")
            array = word.T if word is not None else None
        if array is None:
            wanted = " or ".join(self.prefix + key for key in self.naming.keys(name))
            advice = "is the config another model's, or settings={'head': ...} another kind?"
            raise ArtifactError(f"{self.path}: found no '{wanted}'; wanted it with shape {shape}: {advice}")
        return checked(
            array,
            shape,
            f"{self.path}: '{(self.keys(name) or [name])[0]}'",
            turned=self.naming.turned and _is_matrix(name),
        )

    def _check_left(self, taken: Weights, head: Head) -> None:
        used = {key for name in taken for key in self.keys(name)}
        inner = (self.prefix + self.naming.block.partition("{}")[0], f"{self.prefix}embeddings")
        for key in self.arrays:
            if key in used or key.endswith(_NO_WEIGHTS):
                continue
            deciding = "emb_reduce" in key or (head.kind == "score" and ("classifier" in key or "cls_out" in key))
            if key.startswith(inner) or deciding:
                found = f"the weight '{key}' that nothing uses"
                raise ArtifactError(f"{self.path}: found {found}; wanted a config and settings that give it a place")


def _is_matrix(name: str) -> bool:
    """Whether a weight multiplies from the right; embeddings are looked up and norms are vectors."""
    module = name.rpartition(".")[0]
    looked_up = name == "relative" or (module == "embeddings" and not name.endswith("projection"))
    return name.endswith(".weight") and not module.endswith("norm") and not looked_up


def checked(array: Array, shape: tuple[int, ...], where: str, *, turned: bool = False) -> Array:
    """One weight, if it is what is wanted.

    Raises:
        ArtifactError: another shape, no floats, or numbers that are not finite.
    """
    if array.shape != shape:
        found, wanted = (array.shape[::-1], shape[::-1]) if turned else (array.shape, shape)
        raise ArtifactError(f"{where}: found shape {found}; wanted {wanted}: is the config another model's?")
    if array.dtype != np.float32:
        raise ArtifactError(f"{where}: found {array.dtype} numbers; wanted floats: quantised weights are not read")
    if not _finite(array):
        raise ArtifactError(f"{where}: found numbers that are not finite; wanted finite ones: fetch it again")
    return array


def _finite(array: Array) -> bool:
    """In one pass over the numbers; a sum that is too large for float32 is made again, and then is not."""
    with np.errstate(invalid="ignore", over="ignore"):
        return math.isfinite(float(np.sum(array))) or math.isfinite(float(np.sum(array, dtype=np.float64)))


def prefixes(arrays: Mapping[str, Array], naming: Naming) -> list[str]:
    """What stands before the models that a file holds, one each."""
    return sorted(key.removesuffix(naming.word) for key in arrays if key.endswith(naming.word))


def only_prefix(arrays: Mapping[str, Array], naming: Naming, path: Path) -> str:
    """What stands before the one model that a file holds.

    Raises:
        ArtifactError: none.
        SettingsError: several.
    """
    found = prefixes(arrays, naming)
    if not found:
        some = ", ".join(list(arrays)[:3])
        raise ArtifactError(
            f"{path}: found no '{naming.word}' among {some[:200]} ...; wanted a transformer encoder's weights"
        )
    if len(found) > 1:
        raise SettingsError(f"{path}: found {len(found)} models, under {found}; wanted a file with one")
    return found[0]


def modern(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Arrays with the norms' old names, gamma and beta, made weight and bias."""
    renamed = {".gamma": ".weight", ".beta": ".bias"}
    found: dict[str, Array] = {}
    for key, array in arrays.items():
        stem, dot, last = key.rpartition(".")
        found[stem + renamed.get(dot + last, dot + last)] = array
    return found
