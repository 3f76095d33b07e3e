"""Expressions: what `where` says, evaluated on the columns of a segment.

SQL has three truths: what compares with an absent value is unknown, and a row is kept only where the
whole is true. NOT stands nowhere here: every expression knows its opposite, which is true where it is
false, so that unknown stays unknown and one array of booleans is enough for each. Refuses to know the
grammar.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from vizsla.collections.metadata.columns import MetadataColumns
from vizsla.collections.metadata.like import Pattern
from vizsla.collections.metadata.stored_values import Operator, Scalars, Stored, StoredValues, Texts
from vizsla.core.vectors import Bitmap

_OPPOSITE: Mapping[Operator, Operator] = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


class Expression(ABC):
    """A condition on the metadata of a passage."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The same condition as text: two with one text choose the same passages."""

    @property
    @abstractmethod
    def fields(self) -> frozenset[str]:
        """The fields it asks for."""

    @abstractmethod
    def opposite(self) -> "Expression":
        """What is true where this is false."""

    @abstractmethod
    def evaluate(self, columns: MetadataColumns) -> Bitmap:
        """Which rows of a segment it keeps: (n,) bool, true where the condition is.

        Raises:
            ArtifactError: stored values that cannot be.
        """

    def parts(self) -> tuple["Expression", ...]:
        """The conditions that must all hold."""
        return (self,)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class All(Expression):
    """All of these: AND."""

    conditions: tuple[Expression, ...]

    @property
    def text(self) -> str:
        return " AND ".join(f"({one.text})" if isinstance(one, Any) else one.text for one in self.conditions)

    @property
    def fields(self) -> frozenset[str]:
        return frozenset().union(*(one.fields for one in self.conditions))

    def opposite(self) -> Expression:
        return Any(tuple(one.opposite() for one in self.conditions))

    def evaluate(self, columns: MetadataColumns) -> Bitmap:
        found = self.conditions[0].evaluate(columns)
        for one in self.conditions[1:]:
            found &= one.evaluate(columns)
        return found

    def parts(self) -> tuple[Expression, ...]:
        return self.conditions


@dataclass(frozen=True)
class Any(Expression):
    """One of these at least: OR."""

    conditions: tuple[Expression, ...]

    @property
    def text(self) -> str:
        return " OR ".join(one.text for one in self.conditions)

    @property
    def fields(self) -> frozenset[str]:
        return frozenset().union(*(one.fields for one in self.conditions))

    def opposite(self) -> Expression:
        return All(tuple(one.opposite() for one in self.conditions))

    def evaluate(self, columns: MetadataColumns) -> Bitmap:
        found = self.conditions[0].evaluate(columns)
        for one in self.conditions[1:]:
            found |= one.evaluate(columns)
        return found


@dataclass(frozen=True)
class Constant(Expression):
    """TRUE or FALSE."""

    value: bool

    @property
    def text(self) -> str:
        return "TRUE" if self.value else "FALSE"

    @property
    def fields(self) -> frozenset[str]:
        return frozenset()

    def opposite(self) -> Expression:
        return Constant(not self.value)

    def evaluate(self, columns: MetadataColumns) -> Bitmap:
        return np.full(len(columns), self.value)


@dataclass(frozen=True)
class Literal:
    """A value as it stands in an expression.

    Attributes:
        value: as columns compare it.
        text: as an expression writes it.
    """

    value: Stored
    text: str


@dataclass(frozen=True)
class _OfField(Expression):
    """A condition on one field, as it is written."""

    field: str
    name: str

    @property
    def fields(self) -> frozenset[str]:
        return frozenset({self.field})


@dataclass(frozen=True)
class _OfValues(_OfField):
    """A condition on the values of a field: unknown where there is none."""

    def evaluate(self, columns: MetadataColumns) -> Bitmap:
        with columns.reading():
            column = columns.columns.get(self.field)
            return np.zeros(len(columns), np.bool_) if column is None else column.spread(self._choose(column.values))

    @abstractmethod
    def _choose(self, values: StoredValues) -> Bitmap:
        """Which of the values that there are it is true for: (m,) bool, an array of its own."""


@dataclass(frozen=True)
class Comparison(_OfValues):
    """A field and a value: = <> < <= > >=."""

    op: Operator
    literal: Literal

    @property
    def text(self) -> str:
        return f"{self.name} {self.op} {self.literal.text}"

    def opposite(self) -> Expression:
        return replace(self, op=_OPPOSITE[self.op])

    def _choose(self, values: StoredValues) -> Bitmap:
        return values.compare(self.op, self.literal.value)


@dataclass(frozen=True)
class _Signed(_OfValues):
    """A condition that may say NOT in its midst."""

    negated: bool

    def opposite(self) -> Expression:
        return replace(self, negated=not self.negated)

    @property
    def _not(self) -> str:
        return "NOT " if self.negated else ""

    def _choose(self, values: StoredValues) -> Bitmap:
        found = self._hold(values)
        return np.logical_not(found, out=found) if self.negated else found

    @abstractmethod
    def _hold(self, values: StoredValues) -> Bitmap:
        """Which values it holds for without its NOT."""


@dataclass(frozen=True)
class Among(_Signed):
    """A field and a list of values: IN."""

    literals: tuple[Literal, ...]

    @property
    def text(self) -> str:
        return f"{self.name} {self._not}IN ({', '.join(one.text for one in self.literals)})"

    def _hold(self, values: StoredValues) -> Bitmap:
        return cast(Scalars | Texts, values).among([one.value for one in self.literals])


@dataclass(frozen=True)
class Member(_Signed):
    """A value and a field that holds lists: IN the other way round."""

    literal: Literal

    @property
    def text(self) -> str:
        return f"{self.literal.text} {self._not}IN {self.name}"

    def _hold(self, values: StoredValues) -> Bitmap:
        return values.compare("=", self.literal.value)


@dataclass(frozen=True)
class Like(_Signed):
    """A field of texts and a pattern.

    Attributes:
        pattern: taken apart.
        written: the pattern and its ESCAPE, as an expression writes them.
    """

    pattern: Pattern
    written: str

    @property
    def text(self) -> str:
        return f"{self.name} {self._not}LIKE {self.written}"

    def _hold(self, values: StoredValues) -> Bitmap:
        return cast(Texts, values).like(self.pattern)


@dataclass(frozen=True)
class Absent(_OfField):
    """A field that has no value: IS NULL."""

    negated: bool

    @property
    def text(self) -> str:
        return f"{self.name} IS {'NOT ' if self.negated else ''}NULL"

    def opposite(self) -> Expression:
        return replace(self, negated=not self.negated)

    def evaluate(self, columns: MetadataColumns) -> Bitmap:
        with columns.reading():
            column = columns.columns.get(self.field)
            if column is None:
                return np.full(len(columns), not self.negated)
            found = column.spread(np.ones(len(column.values), np.bool_))
            return found if self.negated else np.logical_not(found, out=found)
