"""The cross-encoder: a query and a passage read together by a published model.

Knows scores of pairs and their order. Refuses to know files and graphs.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from vizsla.core.errors import SettingsError
from vizsla.core.protocols import Text
from vizsla.core.vectors import Scores
from vizsla.models.contract import Contract, contract
from vizsla.models.description import PROBABLE, Description, Towers
from vizsla.models.finding import Use
from vizsla.models.model import Model, Truncation
from vizsla.rerankers.calibrated import PROBABILITY, Calibrated, Fit


class CrossEncoder:
    """Pairs to scores, higher is better: raw logits or probabilities, as the contract says.

    Args:
        model: a reranker.
        windows: "max" scores a long passage by the best of its windows, each read with the query.
    """

    def __init__(self, model: Model, *, windows: str = "first") -> None:
        self._model = model
        self._windows = windows

    @classmethod
    def of(cls, towers: Towers, use: Use) -> "CrossEncoder":
        """The reranker of a description.

        Raises:
            SettingsError: columns of a vector, or two models, neither of which a reranker has; or an activation that
                does not make the score what it is called.
        """
        if use.dim:
            raise SettingsError(f"found dim={use.dim} for a reranker, which gives one score a pair; leave it out")
        if towers.queries is not towers.passages:
            raise SettingsError("found two models for a reranker, which reads query and passage together; give model=")
        _check_score(towers.passages)
        windows = use.windows == "max"
        return cls(Model(towers.passages, precision=use.precision, windows=windows), windows=use.windows)

    @cached_property
    def contract(self) -> Contract:
        """What the scores mean, and its id."""
        description, mark = self._model.description, self._model.digest
        return contract(description, description, {"passages": mark}, use={"windows": self._windows})

    @property
    def precision(self) -> str:
        """Of the arithmetic, for the record."""
        return self._model.precision

    @property
    def runtime(self) -> str:
        """What runs the graph, for the record."""
        return self._model.runtime

    @property
    def truncated(self) -> Truncation:
        """What did not fit so far."""
        return replace(self._model.truncated["pairs"])

    def score(self, pairs: Sequence[tuple[str, Text]]) -> Scores:
        """One score a (query, passage): (n,) float32.

        Raises:
            DataError: a pair is not one, or holds something that is not text.
        """
        scores = np.full(len(pairs), -np.inf, np.float32)
        for positions, values in self._model.outputs(pairs, "pairs"):
            np.maximum.at(scores, positions, values[:, 0])  # a long pair comes once a window
        return scores

    def calibrated(self, fit: Fit) -> Calibrated:
        """The same reranker, whose scores are probabilities of relevance.

        Args:
            fit: what `vizsla calibrate MODEL DATA` stored, loaded by `vizsla.load`.

        Raises:
            IncompatibleError: a fit of another model, or a model that gives probabilities itself.
        """
        return Calibrated(self, fit)

    def predict(self, pairs: Sequence[tuple[str, Text]]) -> Scores:
        """As sentence-transformers calls it: `score`."""
        return self.score(pairs)

    def rank(self, query: str, passages: Sequence[Text], top_k: int | None = None) -> list[dict[str, int | float]]:
        """As sentence-transformers calls it: passages in falling score, each `{"corpus_id": place, "score": ...}`.

        Of equal scores the earlier place comes first.

        Args:
            query: one query.
            passages: its candidates.
            top_k: how many to return, all of them by default.
        """
        scores = self.score([(query, passage) for passage in passages])
        order = np.argsort(-scores, kind="stable")[:top_k]
        return [{"corpus_id": int(place), "score": float(scores[place])} for place in order]


def _check_score(description: Description) -> None:
    """Settings may name a score that its activation does not make; a published graph says nothing of its own."""
    score, activation = description.score, description.head.activation
    if not description.graph and (score == PROBABILITY) != (activation in PROBABLE):
        found = f"the score '{score}' by the activation '{activation}'"
        wanted = "a logit by identity, or a probability by sigmoid or softmax: set the activation, it says the score"
        raise SettingsError(f"{description.name}: found {found}; wanted {wanted}")
