"""Calibrated: a reranker whose scores are probabilities of relevance, by a fit on judged queries.

Knows that a fit belongs to one contract. Refuses to know how it was made and how it is stored.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vizsla.core.errors import IncompatibleError
from vizsla.core.protocols import Reranker, Text
from vizsla.core.vectors import Scores
from vizsla.models.contract import Contract

PROBABILITY = "probability"


class Fit(Protocol):
    """What `vizsla calibrate` made: it knows what it belongs to, and turns scores into probabilities."""

    def check(self, parts: Mapping[str, str]) -> None: ...
    def alone(self, scores: Scores) -> Scores: ...


class Contracted(Reranker, Protocol):
    """A reranker that says what its scores mean."""

    @property
    def contract(self) -> Contract: ...


@dataclass(frozen=True)
class Calibrated:
    """Orders as its base does, and says how likely a passage is relevant; far from 0.5 scores may become equal.

    Attributes:
        base: a reranker.
        fit: its scores to probabilities.

    Raises:
        IncompatibleError: a fit of another model, or a reranker that gives probabilities itself.
    """

    base: Contracted
    fit: Fit

    def __post_init__(self) -> None:
        check_fit(self.base.contract, self.fit)

    @property
    def contract(self) -> Contract:
        """The base's, with probabilities for scores."""
        parts = self.base.contract.parts
        fitted = hashlib.blake2b(repr(self.fit).encode(), digest_size=8).hexdigest()
        return Contract.of({**parts, "score": PROBABILITY, "calibration": fitted})

    def score(self, pairs: Sequence[tuple[str, Text]]) -> Scores:
        """One probability a (query, passage): (n,) float32."""
        return self.fit.alone(self.base.score(pairs))


def check_fit(contract: Contract, fit: Fit) -> None:
    """Check that a fit may turn the scores of a contract into probabilities.

    Raises:
        IncompatibleError: it was made on others, or they are probabilities already.
    """
    if contract.score == PROBABILITY:
        raise IncompatibleError("found scores that are probabilities already; wanted logits, dots or cosines to fit")
    fit.check({"contract": contract.id})
