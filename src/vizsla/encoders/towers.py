"""Two models as one encoder: what dense and sparse encoders share.

Knows that queries and passages may have models of their own. Refuses to know what the numbers are.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Generic, TypeVar

from vizsla.models.contract import Contract, contract
from vizsla.models.model import Model, Truncation
from vizsla.models.table import TokenTable

T = TypeVar("T", bound=Model | TokenTable)


class TwoModels(Generic[T]):
    """An encoder of a model for queries and one for passages, one model twice where they share it.

    Args:
        queries: the queries' model.
        passages: the passages' model.
        use: what is done to the outputs beyond the heads, for the contract.
    """

    def __init__(self, queries: T, passages: T, use: Mapping[str, str]) -> None:
        self._queries = queries
        self._passages = passages
        self._use = dict(use)

    @cached_property
    def contract(self) -> Contract:
        """What the vectors mean, and its id."""
        marks = {"queries": self._queries.digest, "passages": self._passages.digest}
        return contract(self._queries.description, self._passages.description, marks, use=self._use)

    @property
    def precision(self) -> str:
        """Of the arithmetic, for the record."""
        return self._passages.precision

    @property
    def runtime(self) -> str:
        """What runs the passages' graph, for the record."""
        return self._passages.runtime

    @property
    def truncated(self) -> dict[str, Truncation]:
        """What did not fit so far, of "queries" and of "passages"."""
        queries, passages = self._queries.truncated["queries"], self._passages.truncated["passages"]
        return {"queries": replace(queries), "passages": replace(passages)}
