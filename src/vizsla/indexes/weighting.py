"""Weightings: how what is stored at a position counts. Knows BM25's shape, and no query."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import SettingsError

_LARGEST = 1e20
"""Times the length of any passage over the average, at most the number of passages, this is a float32."""


@dataclass(frozen=True, slots=True)
class TermFrequencies:
    """Lexical postings: tf / (tf + norm), norm = saturation x (1 - slope + slope x length / average length).

    Every BM25 variant is this times a weight of the query's term (see `vizsla.encoders.bm25`).

    Attributes:
        saturation: k1, or k1 + delta for BM25L.
        slope: b, between 0 and 1.
    """

    saturation: float
    slope: float

    def __post_init__(self) -> None:
        if not (0 < self.saturation <= _LARGEST and 0 <= self.slope <= 1):
            found = f"saturation={self.saturation}, slope={self.slope}"
            wanted = f"a saturation above 0 and a slope from 0 to 1, the saturation at most {_LARGEST:g}"
            raise SettingsError(f"found {found}; wanted {wanted}")

    def norms(self, lengths: npt.NDArray[np.int32], average: float | None = None) -> npt.NDArray[np.float32]:
        """The norm of each position, by the average of all, or by another: (n,)."""
        average = mean(lengths) if average is None else average
        relative = lengths / average if average > 0 else np.ones(len(lengths))
        norms: npt.NDArray[np.float32] = (self.saturation * (1 - self.slope + self.slope * relative)).astype(np.float32)
        return norms


def mean(lengths: npt.NDArray[np.int32]) -> float:
    """The average length, 0 where there is none."""
    return float(lengths.mean(dtype=np.float64)) if len(lengths) else 0.0
