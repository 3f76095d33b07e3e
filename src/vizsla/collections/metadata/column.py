"""A column: one field's values and the rows that have one.

Knows rows of a segment, from 0. What is absent takes no room. Refuses to know files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from vizsla.collections.metadata.stored_values import Arrays, Lists, Scalars, StoredValues, Texts
from vizsla.collections.metadata.values import Kind, Value
from vizsla.core.errors import ArtifactError
from vizsla.core.vectors import Bitmap
from vizsla.data.arena import Ints

Rows = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Column:
    """One field of a segment of n passages, m of which have it.

    Attributes:
        size: n.
        stored_rows: (m,) int32, rising; None where every passage has the field.
        values: m of them.
    """

    size: int
    stored_rows: Rows | None
    values: StoredValues

    @classmethod
    def build(cls, kind: Kind, found: Sequence[Value | None]) -> "Column":
        """A column from one value a row, None where it is absent."""
        present = [value for value in found if value is not None]
        rows = None
        if len(present) < len(found):
            rows = np.array([row for row, value in enumerate(found) if value is not None], np.int32)
        return cls(len(found), rows, build_values(kind, present))

    def arrays(self) -> Arrays:
        """What is stored: by name."""
        return ({} if self.stored_rows is None else {"rows": self.stored_rows}) | self.values.arrays()

    def spread(self, chosen: Bitmap) -> Bitmap:
        """One boolean a value to one a row, false where the field is absent: (n,) bool."""
        if self._present is None:
            return chosen
        found = np.zeros(self.size, np.bool_)
        found[self._present] = chosen
        return found

    def many(self, rows: Ints) -> list[Value | None]:
        """The values of rows, None where one is absent."""
        if self.rows is None:
            return [*self.values.many(rows)]
        places = self.rows.searchsorted(rows.astype(np.int32))  # of their own type, or all would be copied
        there = places < len(self.rows)
        there[there] = self.rows[places[there]] == rows[there]
        read = iter(self.values.many(places[there]))
        return [next(read) if one else None for one in there.tolist()]

    @cached_property
    def rows(self) -> Rows | None:
        """The stored rows, looked at once: (m,) int32.

        Raises:
            ArtifactError: they do not rise, or are more than there are.
        """
        rows = self.stored_rows
        if rows is not None and len(rows):
            rising = bool((rows[1:] > rows[:-1]).all())
            if not rising or rows[0] < 0 or rows[-1] >= self.size:
                found = f"rows {rows.min()} to {rows.max()} of {self.size}, {'rising' if rising else 'not rising'}"
                raise ArtifactError(f"found {found}; wanted them to rise below {self.size}")
        return rows

    @cached_property
    def _present(self) -> Bitmap | None:
        """Which rows have the field: (n,), quicker to spread by than the rows; None where all have it."""
        if self.rows is None:
            return None
        present = np.zeros(self.size, np.bool_)
        present[self.rows] = True
        return present


def build_values(kind: Kind, present: Sequence[Any]) -> StoredValues:
    """The values of a field of this kind as arrays."""
    if kind == "text":
        return Texts.build(present)
    return Lists.build(kind, present) if kind in ("texts", "numbers", "list") else Scalars.build(kind, present)


def joined(columns: Sequence[Column | None], kept: Sequence[Bitmap]) -> Column | None:
    """The kept rows of one field in several segments, one segment after another; None where none has it."""
    bases = np.cumsum([0, *(np.count_nonzero(mask) for mask in kept)])
    rows, masks, parts = [], [], []
    for column, mask, base in zip(columns, kept, bases, strict=False):
        if column is None:
            continue
        held = mask if column.rows is None else mask[column.rows]
        places = np.flatnonzero(mask) if column.rows is None else column.rows[held]
        rows.append((np.cumsum(mask) - 1 + base)[places].astype(np.int32))
        masks.append(held)
        parts.append(column.values)
    if not sum(map(len, rows)):
        return None
    every, size = np.concatenate(rows), int(bases[-1])
    return Column(size, None if len(every) == size else every, parts[0].joined(parts, masks))
