"""Contracts: what a model's numbers mean, under an id that changes whenever they do.

Vectors of different contracts cannot be compared, and scores of different contracts cannot be added. Knows every
part of a description that changes a number. Precision and runtime change only the last digits: they are recorded
beside a contract and are no part of it.
"""

import dataclasses
import glob
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from vizsla.core.errors import ArtifactError, IncompatibleError
from vizsla.core.threads import pool
from vizsla.models.description import Description, Head, Layout

_READ = 1 << 20
_SIDES = {
    "queries": {"name", "passage_length", "passage_prompt", "titles"},
    "passages": {"name", "query_length", "query_prompt"},
    "pairs": {"name", "query_length"},
}
"""What of a layout has no part in each kind of text."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What the numbers of an encoder or a reranker mean.

    >>> one, other = Contract.of({"score": "dot", "dim": "8"}), Contract.of({"score": "cosine", "dim": "8"})
    >>> one.id == Contract.of({"dim": "8", "score": "dot"}).id, one.id == other.id
    (True, False)

    Attributes:
        id: a digest of the parts.
        parts: everything that changes a number, in words or as a digest, by name.
    """

    id: str
    parts: Mapping[str, str]

    @classmethod
    def of(cls, parts: Mapping[str, str]) -> "Contract":
        """The contract of these parts."""
        said = json.dumps(dict(parts), sort_keys=True, ensure_ascii=False)
        return cls(hashlib.blake2b(said.encode(), digest_size=12).hexdigest(), dict(sorted(parts.items())))

    @classmethod
    def read(cls, stored: object, *, where: str) -> "Contract":
        """The contract in a manifest.

        Raises:
            ArtifactError: none there, or its id is not that of its parts.
        """
        parts = stored.get("parts") if isinstance(stored, dict) else None
        if not isinstance(parts, dict) or not all(isinstance(value, str) for value in parts.values()):
            raise ArtifactError(f"{where}: found no contract; wanted an id and parts: encode again")
        made = cls.of(parts)
        if made.id != stored.get("id"):  # type: ignore[attr-defined]  # a dict, or there were no parts
            raise ArtifactError(f"{where}: found a contract whose id is not that of its parts: altered; encode again")
        return made

    @property
    def score(self) -> str:
        """How two vectors are compared, or what a reranker's score is: dot, cosine, logit or probability."""
        return self.parts["score"]

    @property
    def words(self) -> str:
        """All parts on one line, for people."""
        return "; ".join(f"{name}: {value}" for name, value in self.parts.items())

    def check(self, other: "Contract", *, what: str = "the other") -> None:
        """Check that numbers of another contract may stand beside these.

        Args:
            other: the contract of what is compared or joined.
            what: whose it is, for the message.

        Raises:
            IncompatibleError: they differ; the message says in what.
        """
        if self.id == other.id:
            return
        names = sorted(self.parts.keys() | other.parts.keys())
        pairs = ((name, self.parts.get(name, "none"), other.parts.get(name, "none")) for name in names)
        differences = "; ".join(f"{name}: {other!r} against {own!r}" for name, own, other in pairs if own != other)
        raise IncompatibleError(
            f"{what} was made under the contract {other.id}, this model has {self.id}; they differ in {differences}: "
            "load the model with the same settings, or encode again with this one"
        )


def contract(
    queries: Description, passages: Description, marks: Mapping[str, str], *, use: Mapping[str, str]
) -> Contract:
    """The contract of two towers, or of a reranker.

    Args:
        queries: the queries' tower.
        passages: the passages' tower; a reranker's is the same.
        marks: `digest` of each tower's weights: "queries" and "passages".
        use: what is done to the output beyond the head: `dim`, `windows`.
    """
    sides = ("pairs",) if passages.head.kind == "score" else ("queries", "passages")
    parts = {"score": passages.score, **use}
    for side in sides:
        tower = queries if side == "queries" else passages
        parts |= {
            f"{side}.weights": marks["queries" if side == "queries" else "passages"],
            f"{side}.tokens": _short(_plain(tower.tokens)),
            f"{side}.layout": _layout(tower.layout, side),
            f"{side}.head": _head(tower.head),
        }
    return Contract.of(parts)


def digest(description: Description) -> str:
    """A digest of a tower's weights and architecture, whatever file they came from; of its file for a published graph.

    Raises:
        ArtifactError: the published graph cannot be read.
    """
    made = hashlib.blake2b(_plain(description.architecture).encode(), digest_size=16)
    if description.graph:
        for path in sorted(Path(description.graph).parent.glob(f"{glob.escape(Path(description.graph).name)}*")):
            made.update(_file(path))
        return made.hexdigest()
    names = sorted(description.weights)
    for name, part in zip(names, pool().map(partial(_array, description), names), strict=True):
        made.update(name.encode() + part)
    return made.hexdigest()


def _array(description: Description, name: str) -> bytes:
    """Of one array, tables as they are and matrices as (outputs, inputs): most files hold them so, without a copy."""
    stored = description.weights[name]
    turned = stored.T if stored.ndim == 2 and not name.startswith("embeddings") else stored
    values = np.ascontiguousarray(turned, dtype=np.float32)
    made = hashlib.sha256(str(values.shape).encode())
    made.update(values.data)
    return made.digest()


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror}); wanted a published graph") from error


def _plain(value: object) -> str:
    return json.dumps(dataclasses.asdict(value), sort_keys=True)  # type: ignore[call-overload]  # dataclasses only


def _short(said: str) -> str:
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def _layout(layout: Layout, side: str) -> str:
    """A layout's fields beside its lengths, where they are not the usual ones."""
    shown = [each for each in dataclasses.fields(Layout) if each.name not in _SIDES[side]]
    values = [(each.name, getattr(layout, each.name), each.default) for each in shown]
    said = (f"{name}={value!r}" for name, value, usual in values if value != usual or name.endswith("_length"))
    return ", ".join(said)


def _head(head: Head) -> str:
    """A head's fields where they are not the usual ones."""
    values = [(each.name, getattr(head, each.name), each.default) for each in dataclasses.fields(Head)]
    said = (f"{name}={value!r}" for name, value, usual in values if value != usual or name == "pooling")
    return ", ".join(said)
