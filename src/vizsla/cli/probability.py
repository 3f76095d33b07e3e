"""Probability: from options to a model's scores as probabilities of relevance.

Knows where the calibration of a model stands. Refuses to know commands.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from vizsla.core.errors import IncompatibleError, SettingsError

if TYPE_CHECKING:
    from vizsla.core.vectors import Scores
    from vizsla.models.contract import Contract
    from vizsla.retrievers.calibration import Calibration

_PANEL = "Probabilities"
Asked: TypeAlias = Annotated[
    bool, typer.Option("--probability", help="Probabilities of relevance for scores.", rich_help_panel=_PANEL)
]
MinProbability: TypeAlias = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="The same, without what is less likely relevant.", rich_help_panel=_PANEL),
]
CalibrationOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="What vizsla calibrate wrote; else MODEL.calibration.", rich_help_panel=_PANEL),
]


def place_of(model: str) -> Path:
    """Where the calibration of a model stands, if it is not said: beside its folder, of a name in this one."""
    path = Path(model).absolute() if Path(model).exists() else Path(Path(model).name)
    return path.with_name(f"{path.name}.calibration")


@dataclass(frozen=True, slots=True)
class Probabilities:
    """Whether probabilities are asked for, the least one that is shown, and where the calibration stands."""

    asked: bool = False
    least: float | None = None
    calibration: Path | None = None

    @property
    def wanted(self) -> bool:
        """Whether scores are to be probabilities."""
        return self.asked or self.least is not None or self.calibration is not None

    def open(self, model: str, contract: "Contract") -> "Fitted":
        """What makes probabilities of this model's scores; of a model that gives them itself, they as they are.

        Raises:
            SettingsError: no calibration there.
            IncompatibleError: one of another model, or for a model that gives probabilities itself.
        """
        given = contract.score == "probability"
        if given and self.calibration is not None:
            raise IncompatibleError(f"{model}: found a model that gives probabilities itself; leave --calibration out")
        if given or not self.wanted:
            return Fitted(contract.score, None, self.least or 0.0)
        from vizsla.rerankers.calibrated import PROBABILITY, check_fit
        from vizsla.retrievers.calibration import Calibration

        place = self.calibration or place_of(model)
        if self.calibration is None and not place.exists():
            raise SettingsError(f"found no calibration at {place}; wanted one: vizsla calibrate {model} DATA")
        calibration = Calibration.load(place)
        check_fit(contract, calibration)
        return Fitted(PROBABILITY, calibration, self.least or 0.0)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What scores are called, what makes them probabilities, and the least that is shown where they are."""

    kind: str
    calibration: "Calibration | None"
    least: float

    def __call__(self, scores: "Scores") -> "Scores":
        """Scores as they are shown."""
        return scores if self.calibration is None else self.calibration.alone(scores)

    def shown(self, score: float) -> bool:
        """Whether what scores so is shown."""
        return self.kind != "probability" or score >= self.least
