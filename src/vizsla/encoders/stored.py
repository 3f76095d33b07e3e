"""Vectors on disk: an artifact of kind `vectors`, memory-mapped (docs/formats/vectors.md).

Knows the arrays, whose ids they belong to and under which contract they were made. Refuses to know how they were
encoded.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from vizsla.core import vectors
from vizsla.core.artifacts import Artifact, open_artifact
from vizsla.core.errors import ArtifactError, IncompatibleError, SettingsError, ShapeError
from vizsla.core.settings import from_mapping
from vizsla.core.vectors import Dense, Sparse
from vizsla.data.corpus import Corpus
from vizsla.models.contract import Contract

KIND, VERSION = "vectors", 1
Form: TypeAlias = Literal["dense", "sparse"]
DENSE = {"vectors": "<f4"}
SPARSE = {"starts": "<i8", "terms": "<i4", "weights": "<f4"}
_BLOCK = 1 << 24


@dataclass(frozen=True, slots=True)
class Made:
    """What a manifest says of vectors.

    Attributes:
        form: "dense" or "sparse".
        side: "passages" or "queries".
        size: how many vectors there are.
        dim: how wide they are.
        dtype: of their numbers.
        precision: of the arithmetic that made them.
        runtime: what ran it.
        contract: id and parts.
        cut: how many texts did not fit the model's length.
        cut_tokens: how many tokens they lost.
    """

    form: Form
    side: Literal["passages", "queries"]
    size: int
    dim: int
    dtype: str
    precision: str
    runtime: str
    contract: dict[str, Any]
    cut: int = 0
    cut_tokens: int = 0


@dataclass(frozen=True, eq=False)
class StoredVectors:
    """Vectors by position.

    Attributes:
        folder: where they stand.
        made: how they were made.
        contract: what they mean.
        made_from: digests of the ids and texts that they belong to.
        arrays: `vectors` (n, dim), or `starts` (n + 1,), `terms` and `weights`, mapped.
    """

    folder: Path
    made: Made
    contract: Contract
    made_from: dict[str, str]
    arrays: dict[str, npt.NDArray[Any]]

    @classmethod
    def load(cls, folder: str | Path) -> "StoredVectors":
        """Map stored vectors.

        Raises:
            ArtifactError: missing, truncated, or arrays that do not fit each other.
        """
        artifact = open_artifact(folder, kind=KIND, version=VERSION)
        try:
            made = from_mapping(Made, artifact.settings)
        except SettingsError as error:
            raise ArtifactError(f"{folder}: its settings are not those of vectors: {error}; encode again") from error
        contract = Contract.read(made.contract, where=str(folder))
        return cls(Path(folder), made, contract, dict(artifact.manifest["made_from"]), _arrays(artifact, made))

    def __len__(self) -> int:
        return self.made.size

    @property
    def dim(self) -> int:
        """How wide the vectors are."""
        return self.made.dim

    def rows(self, start: int = 0, stop: int | None = None) -> Dense | Sparse:
        """The vectors at positions `start` to `stop`: dense ones mapped, sparse ones read.

        Raises:
            ShapeError: sparse rows that are no vectors: altered since they were written.
        """
        first, last, _ = slice(start, stop).indices(len(self))
        if self.made.form == "dense":
            mapped: Dense = self.arrays["vectors"][first:last]
            return mapped
        starts = np.asarray(self.arrays["starts"][first : max(first, last) + 1])
        inside = slice(int(starts[0]), int(starts[-1]))
        parts = (self.arrays["weights"][inside], self.arrays["terms"][inside], starts - starts[0])
        try:
            return vectors.sparse(csr_array(parts, shape=(len(starts) - 1, self.dim)), dim=self.dim)
        except ValueError as error:
            raise ShapeError(f"{self.folder}: found rows {first} to {last} that are none ({error})") from error

    def check(self, corpus: Corpus) -> None:
        """Check that the vectors are of these passages, in this order.

        Raises:
            IncompatibleError: other ids, or the same in another order.
        """
        if len(corpus) != len(self) or digest_ids(corpus) != self.made_from.get("ids"):
            found = f"vectors of {len(self)} {self.made.side} with other ids than the {len(corpus)} of {corpus.name}"
            raise IncompatibleError(f"{self.folder}: found {found}; encode these again")


def digest_ids(corpus: Corpus) -> str:
    """A digest of the ids in their order."""
    return _digest(corpus.id_bytes, corpus.id_starts)


def digest_texts(corpus: Corpus) -> str:
    """A digest of titles and texts in their order."""
    return _digest(corpus.bytes, corpus.starts, corpus.title_sizes)


def _digest(*arrays: npt.NDArray[Any]) -> str:
    made = hashlib.sha256()
    for values in arrays:
        made.update(str(values.shape).encode())
        for start in range(0, len(values), _BLOCK):
            made.update(np.ascontiguousarray(values[start : start + _BLOCK]).data)
    return made.hexdigest()


def _arrays(artifact: Artifact, made: Made) -> dict[str, npt.NDArray[Any]]:
    kinds = DENSE if made.form == "dense" else SPARSE
    arrays = {name: artifact.array(name, kind, ndim=2 if made.form == "dense" else 1) for name, kind in kinds.items()}
    if made.form == "dense":
        fits = arrays["vectors"].shape == (made.size, made.dim)
    else:
        starts, count = arrays["starts"], len(arrays["weights"])
        fits = len(starts) == made.size + 1 and len(arrays["terms"]) == count
        fits = fits and starts[0] == 0 and starts[-1] == count and bool((np.diff(starts) >= 0).all())
    if not fits:
        found = ", ".join(f"{name} {values.shape}" for name, values in arrays.items())
        raise ArtifactError(f"{artifact.folder}: found {found} for {made.size} vectors of {made.dim}; encode again")
    return arrays
