"""What an inverted index stores: the arrays of docs/formats/index.md and what its manifest says of them.

Knows their types, sizes and order, and checks them at the door; refuses to know how they are searched.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vizsla.core import artifacts
from vizsla.core import settings as plain
from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.indexes.weighting import TermFrequencies
from vizsla.kernels import bounding, scoring, summing

ALTERED = "altered since it was written; build it again"
_VALUES = ("float32", "uint8", "uint16", "uint32", "uint64")
_BITS = 8
_SHORT = 1 << 16


@dataclass(frozen=True, slots=True)
class Made:
    """What a manifest says of an index.

    Attributes:
        size: positions.
        dim: columns.
        values: the type of what the rows hold.
        weighting: how term frequencies weigh; None where impacts are stored.
        bits: 8 where impacts were rounded, else None.
        rounding: how far they were moved, as a share of all impacts added up.
    """

    size: int
    dim: int
    values: str
    weighting: dict[str, float] | None
    bits: int | None = None
    rounding: float | None = None

    def __post_init__(self) -> None:
        rounded = self.bits == _BITS and self.weighting is None and (self.rounding is None or self.rounding >= 0)
        if self.size < 0 or self.values not in _VALUES or not (rounded or self.bits is self.rounding is None):
            found = f"{self.size} positions, {self.values} values, bits {self.bits}, rounding {self.rounding}"
            raise SettingsError(f"found {found}; wanted values of one of {_VALUES}, bits 8 for impacts or none")


def kinds(values: np.dtype[Any], dim: int) -> dict[str, npt.DTypeLike]:
    """The arrays that are made piece by piece, and their types."""
    rows: dict[str, npt.DTypeLike] = {
        "row_ends": np.int64,
        "row_columns": np.uint16 if dim <= _SHORT else np.int32,
        "row_values": values,
    }
    return rows | {"positions": np.int32, "codes": np.uint8, "tiles": np.uint8, "groups": np.uint8}


def arranged(
    arrays: dict[str, npt.NDArray[Any]], starts: npt.NDArray[np.int64], frequent: npt.NDArray[np.int32]
) -> scoring.Stored:
    """The arrays as kernels take them: plain and read-only, so that one compiled loop serves mapped ones and others."""
    made = {name: np.asarray(array).view(np.ndarray) for name, array in (arrays | {"starts": starts}).items()}
    made["frequent"] = np.asarray(frequent).view(np.ndarray)
    for array in made.values():
        array.flags.writeable = False
    rows = summing.Rows(made["row_ends"], made["row_columns"], made["row_values"])
    return scoring.Stored(rows, bounding.Postings(*(made[name] for name in bounding.Postings._fields)))


def plain_weighting(weighting: TermFrequencies | None) -> dict[str, float] | None:
    """A weighting as a manifest holds it."""
    return None if weighting is None else plain.to_mapping(weighting)


def read_settings(artifact: artifacts.Artifact) -> tuple[Made, TermFrequencies | None]:
    """What a manifest says, checked.

    Raises:
        ArtifactError: not the settings of an index.
    """
    try:
        made = plain.from_mapping(Made, artifact.settings)
        return made, None if made.weighting is None else plain.from_mapping(TermFrequencies, made.weighting)
    except (SettingsError, OverflowError) as error:  # a whole number in JSON may be larger than any float
        raise ArtifactError(f"{artifact.folder}: its manifest is not an index's: {error}; build it again") from error


def check(
    folder: artifacts.Place,
    made: Made,
    arrays: scoring.Stored,
    others: tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]],
) -> None:
    """Every size, and every value that a loop could be led astray by without looking.

    Raises:
        ArtifactError: names what does not fit.
    """
    rows, held = arrays
    starts, frequent = held.starts, held.frequent
    steps, lengths = others
    padded = (made.size + bounding.GROUP - 1) // bounding.GROUP * bounding.GROUP
    lexical = made.weighting is not None
    fits = (
        len(rows.ends) == made.size + 1
        and len(starts) == made.dim + 1
        and len(rows.columns) == len(rows.values) == rows.ends[-1]
        and len(held.positions) == len(held.codes) == starts[-1]
        and len(held.tiles) == len(frequent) * padded == bounding.GROUP * len(held.groups)
        and len(lengths) == (made.size if lexical else 0)
        and len(steps) == (0 if lexical else made.dim)
        and starts[0] == rows.ends[0] == 0
    )
    if not fits:
        raise ArtifactError(f"{folder}: the arrays do not fit each other; build the index again")
    if len(frequent) and not (0 <= frequent[0] <= frequent[-1] < made.dim and (np.diff(frequent) > 0).all()):
        raise ArtifactError(f"{folder}/frequent.npy: found columns out of order: {ALTERED}")
    if lengths.min(initial=0) < 0:
        raise ArtifactError(f"{folder}/lengths.npy: found a length below zero: {ALTERED}")
    if not (np.isfinite(steps) & (steps > 0)).all():
        raise ArtifactError(f"{folder}/steps.npy: found a step that is not above zero: {ALTERED}")
