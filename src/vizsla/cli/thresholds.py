"""Thresholds: from options to an index whose hits score enough, or are likely enough relevant.

Knows where the calibration of an index stands. Refuses to know commands.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from vizsla.core.errors import SettingsError

if TYPE_CHECKING:
    from vizsla.collections.frozen import FrozenCollection
    from vizsla.core.protocols import Retriever

_PANEL = "Thresholds"
MinScore: TypeAlias = Annotated[
    float | None, typer.Option(help="Leave out hits that score less.", rich_help_panel=_PANEL)
]
MinProbability: TypeAlias = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Leave out hits less likely relevant; scores are probabilities.", rich_help_panel=_PANEL
    ),
]
CalibrationOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="What vizsla calibrate wrote; else INDEX.calibration.", rich_help_panel=_PANEL),
]


def beside(index: Path) -> Path:
    """Where the calibration of an index stands, if it is not said: `INDEX.calibration`."""
    return Path(f"{os.path.realpath(index)}.calibration")


def judged(data: Path, split: str) -> str:
    """What judgements are called in the record of a calibration."""
    return f"{data}, split {split}"


def same_judgements(named: str, data: Path, split: str) -> bool:
    """Whether what `judged` named is, by its folder's name and its split, what stands at `data` now."""
    place, _, part = named.rpartition(", split ")
    return part == split and Path(place).resolve().name == data.resolve().name


@dataclass(frozen=True, slots=True)
class Threshold:
    """The least score or the least probability of a hit, and where the calibration stands."""

    min_score: float | None = None
    min_probability: float | None = None
    calibration: Path | None = None

    def __post_init__(self) -> None:
        if self.min_score is not None and (self.min_probability is not None or self.calibration is not None):
            raise SettingsError("found --min-score for probabilities; wanted --min-probability, or no calibration")

    def open(self, index: Path) -> "FrozenCollection":
        """The index, its scores calibrated where probabilities are asked for."""
        from vizsla.collections.frozen import FrozenCollection

        collection = FrozenCollection.load(index)
        if self.min_probability is None and self.calibration is None:
            return collection
        from vizsla.retrievers.calibration import Calibration

        place = self.calibration or beside(index)
        if self.calibration is None and not place.exists():
            raise SettingsError(f"found no calibration at {place}; wanted one: vizsla calibrate {index} DATA")
        return collection.calibrated(Calibration.load(place))

    def of_collection(self) -> float | None:
        """The least score of a hit.

        Raises:
            SettingsError: probabilities are asked for, which a collection has none of.
        """
        if self.min_probability is not None or self.calibration is not None:
            raise SettingsError("found a calibration for a collection; wanted --min-score, or an index of vizsla index")
        return self.min_score

    def over(self, retriever: "Retriever") -> "Retriever":
        """The retriever without the hits below the threshold."""
        from vizsla.retrievers.thresholded import Thresholded

        least = self.min_score if self.min_probability is None else self.min_probability
        return retriever if least is None else Thresholded(retriever, least)
