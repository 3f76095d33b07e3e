"""Filling: the vectors of a change, made by the collection's models, or copied where the text stayed as it was.

Knows dense and sparse rows. Refuses to know what is committed when.
"""

from collections.abc import Mapping
from typing import TypeAlias, cast

import numpy as np
from scipy.sparse import csr_array, vstack

from vizsla.collections.changes import Change
from vizsla.collections.encoding import Encoders
from vizsla.collections.parts import DensePart, SparsePart
from vizsla.collections.settings import EncoderSettings
from vizsla.core import vectors as checked
from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import Passage, Text
from vizsla.core.vectors import Dense, Sparse

Vectors: TypeAlias = Mapping[str, Dense | Sparse]


def vectors(change: Change, encoders: Encoders) -> Vectors:
    """The vectors of each passage of a change by each model's name: (n, dim)."""
    fresh = [place for place in range(len(change.passages)) if place not in change.sources]
    texts = [_text(change.passages[place]) for place in fresh]
    made: dict[str, Dense | Sparse] = {}
    for one in encoders.settings.encoders:
        if one.kind == "dense":
            made[one.name] = _dense(change, one, fresh, cast("Dense", _encoded(encoders, one, texts)))
        elif one.kind == "sparse":
            made[one.name] = _sparse(change, one, fresh, cast("Sparse", _encoded(encoders, one, texts)))
    return made


def _encoded(encoders: Encoders, one: EncoderSettings, texts: list[Text]) -> Dense | Sparse:
    if texts:
        return encoders.encode(one.name, texts)
    nothing = (0, one.dim)
    return np.zeros(nothing, np.float32) if one.kind == "dense" else csr_array(nothing, dtype=np.float32)


def _dense(change: Change, one: EncoderSettings, fresh: list[int], encoded: Dense) -> Dense:
    rows = np.empty((len(change.passages), one.dim), np.float32)
    rows[fresh] = checked.dense(encoded, dim=one.dim)
    for place, (segment, row) in change.sources.items():
        part = segment.parts[one.name]
        if not isinstance(part, DensePart):
            raise ArtifactError(f"{segment.folder}: '{one.name}' holds no dense vectors; restore it from a copy")
        rows[place] = part.index.vectors[row]
    return rows


def _sparse(change: Change, one: EncoderSettings, fresh: list[int], encoded: Sparse) -> Sparse:
    copied = []
    for segment, row in change.sources.values():
        part = segment.parts[one.name]
        if not isinstance(part, SparsePart):
            raise ArtifactError(f"{segment.folder}: '{one.name}' holds no sparse vectors; restore it from a copy")
        found = part.index.contents.rows(row, row + 1)
        copied.append(csr_array((found.values, found.terms, np.append(0, found.ends)), shape=(1, one.dim)))
    rows = csr_array(vstack([checked.sparse(encoded, dim=one.dim), *copied], format="csr"))
    order = np.argsort([*fresh, *change.sources], kind="stable")
    return checked.sparse(rows[order], dim=one.dim)


def _text(passage: Passage) -> Text:
    return (passage.title, passage.text) if passage.title else passage.text
