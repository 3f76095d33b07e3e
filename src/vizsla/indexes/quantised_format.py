"""A quantised index as it is stored: its manifest and its arrays, of this format and of the first.

The first format has one cell, whose bits are laid in whole tiles. Refuses to know how an index is built and searched.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vizsla.core import artifacts
from vizsla.core import settings as plain
from vizsla.core.artifacts import Artifact, Draft
from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.core.vectors import Dense
from vizsla.indexes import signs
from vizsla.indexes.depths import MEASURED_AT, Depths, Source, check_recall
from vizsla.indexes.rows import ALTERED, mapped, settings_of
from vizsla.indexes.signs import ITSELF, Signs, laid
from vizsla.kernels import signs as kernel

KIND, VERSION = "quantised-index", 2
_FIRST = 1


@dataclass(frozen=True, slots=True)
class Made:
    """What a manifest says of a quantised index.

    Attributes:
        size: positions.
        dim: columns.
        recall: the share of the k best that was wanted.
        seed: of the centres, the rotation and what was held out.
        cells: how many cells the codes stand in; None where there are no codes, and every search is exact.
        rows, depths, found, held_out, asked: as in Depths; None as well.
    """

    size: int
    dim: int
    recall: float
    seed: int
    cells: int | None = None
    rows: tuple[int, ...] | None = None
    depths: tuple[int, ...] | None = None
    found: tuple[float, ...] | None = None
    held_out: Source | None = None
    asked: int | None = None


@dataclass(frozen=True, eq=False)
class Stored:
    """What a folder holds."""

    made: Made
    vectors: Dense
    signs: Signs | None
    measured: Depths | None


def described(vectors: Dense, recall: float, seed: int, found: Signs | None, measured: Depths | None) -> dict[str, Any]:
    """What the manifest of an index says."""
    made = Made(vectors.shape[0], vectors.shape[1], recall, seed)
    if found is not None and measured is not None:
        fields = {name: getattr(measured, name) for name in ("rows", "depths", "found", "held_out", "asked")}
        made = replace(made, cells=len(found.centres), **fields)
    return plain.to_mapping(made)


def write(draft: Draft, found: Signs) -> None:
    """Store the codes."""
    draft.array("centres", found.centres)
    draft.array("lengths", found.codes.lengths)
    draft.array("sizes", found.sizes)
    draft.array("rotation", found.rotation)
    draft.array("bits", found.codes.bits)
    draft.array("factors", found.codes.factors)
    if len(found.centres) > 1:
        draft.array("positions", found.codes.positions)


def read(folder: artifacts.Place) -> Stored:
    """Map a stored index.

    Raises:
        ArtifactError: missing, truncated, or arrays that do not fit its manifest.
    """
    first = artifacts.read_manifest(folder)["format"] == _FIRST
    artifact = artifacts.open_artifact(folder, kind=KIND, version=_FIRST if first else VERSION)
    made = settings_of(artifact, Made)
    if first and made.depths is not None:
        made = replace(made, cells=1, rows=(max(made.size, 1),) * len(MEASURED_AT))
    vectors, measured = mapped(artifact, "vectors", np.float32, (made.size, made.dim)), _measured(folder, made)
    if measured is None:
        return Stored(made, vectors, None, None)
    width = signs.words(made.dim) * kernel.WORD
    rotation = mapped(artifact, "rotation", np.float32, (width, made.dim))
    centres, codes = (_first_codes if first else _codes)(artifact, made)
    return Stored(made, vectors, Signs.of(centres, rotation, codes), measured)


def _measured(folder: artifacts.Place, made: Made) -> Depths | None:
    try:
        check_recall(made.recall)
        given = made.rows, made.depths, made.found, made.held_out, made.asked
        if made.cells is None and given == (None,) * len(given):
            return None
        rows, depths, found, held_out, asked = given
        if rows is None or depths is None or found is None or held_out is None or asked is None:
            raise SettingsError("found some of cells, rows, depths, found, held_out and asked; wanted all or none")
        if made.cells is None or not 1 <= made.cells <= made.size:
            raise SettingsError(f"found cells={made.cells}; wanted 1 to {made.size}")
        return Depths(made.recall, rows, depths, found, held_out, asked)
    except SettingsError as error:
        raise ArtifactError(f"{folder}: its manifest is not a quantised index's: {error}; build it again") from error


def _codes(artifact: Artifact, made: Made) -> tuple[Dense, kernel.Codes]:
    """Centres and codes; what tells kernels where to read is looked at."""
    cells, positions = made.cells or 1, ITSELF
    sizes = mapped(artifact, "sizes", np.int64, (cells,))
    if sizes.min() < 0 or sizes.max() > made.size or sizes.sum() != made.size:
        raise ArtifactError(f"{artifact.folder}/sizes.npy: its cells do not hold {made.size} rows: {ALTERED}")
    if cells > 1:
        positions = mapped(artifact, "positions", np.int32, (made.size,))
        if positions.min() < 0 or positions.max() >= made.size:
            raise ArtifactError(f"{artifact.folder}/positions.npy: positions outside the index: {ALTERED}")
        held = np.zeros(made.size, np.bool_)
        held[positions] = True
        if not held.all():
            raise ArtifactError(f"{artifact.folder}/positions.npy: positions that stand there twice: {ALTERED}")
    firsts, places = laid(sizes)
    lengths = mapped(artifact, "lengths", np.float32, (cells,))
    bits = mapped(artifact, "bits", np.uint64, (int(places[-1]) * signs.words(made.dim),))
    factors = mapped(artifact, "factors", np.float32, (made.size,))
    centres = mapped(artifact, "centres", np.float32, (cells, made.dim))
    return centres, kernel.Codes(bits, factors, positions, firsts, places, lengths)


def _first_codes(artifact: Artifact, made: Made) -> tuple[Dense, kernel.Codes]:
    """As the first format has them: around the mean, and zeros behind the last row of the last tile."""
    tiles = -(-made.size // kernel.TILE)
    bits = mapped(artifact, "bits", np.uint64, (tiles, signs.words(made.dim), kernel.TILE))
    factors = mapped(artifact, "factors", np.float32, (made.size,))
    mean = mapped(artifact, "mean", np.float32, (made.dim,))
    ends = np.array([0, made.size]), np.array([0, tiles * kernel.TILE])
    return mean[None], kernel.Codes(bits.reshape(-1), factors, ITSELF, *ends, np.ones(1, np.float32))
