"""Dense rows at an index's door: looked at block by block, mapped from an artifact, of one plain type for kernels.

Refuses to know how they are searched.
"""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from vizsla.core import artifacts, vectors
from vizsla.core import settings as plain
from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.core.vectors import Dense

ALTERED = "altered since it was written; build it again"
BLOCK = 1 << 13
"""Rows looked at, or multiplied, at a time."""

M = TypeVar("M", bound=plain.Dataclass)


def checked(passages: Dense) -> Dense:
    """Vectors as `vizsla.core.vectors.dense` makes them, in bounded memory; not copied where they are so already.

    Raises:
        ShapeError: not two dimensions, or a value that is not finite.
    """
    fits = isinstance(passages, np.ndarray) and passages.dtype == np.float32 and passages.ndim == 2
    if not (fits and passages.flags.c_contiguous):
        return vectors.dense(passages)
    for begin in range(0, len(passages), BLOCK):
        vectors.dense(passages[begin : begin + BLOCK])
    return passages


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A read-only view of one type, whether the array is mapped or not, so that kernels are compiled once."""
    view = np.asarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view


def mapped(artifact: artifacts.Artifact, name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """A stored array of the shape that its manifest asks for.

    Raises:
        ArtifactError: of another type or shape, or not in C order.
    """
    array = artifact.array(name, dtype, len(shape))
    if array.shape != shape or not array.flags.c_contiguous:
        found = f"{artifact.folder}/{name}.npy: found an array of shape {array.shape}"
        raise ArtifactError(f"{found}; wanted {shape}, a row after another: {ALTERED}")
    return array


def settings_of(artifact: artifacts.Artifact, kind: type[M]) -> M:
    """What a manifest says of an index.

    Raises:
        ArtifactError: not the settings of this kind.
    """
    try:
        return plain.from_mapping(kind, artifact.settings)
    except (SettingsError, OverflowError) as error:  # a whole number in JSON may be larger than any float
        raise ArtifactError(f"{artifact.folder}: its manifest is not this index's: {error}; build it again") from error
