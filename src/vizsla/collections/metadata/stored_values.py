"""Stored values: the values of one field, one after another, as arrays that numpy compares.

Three forms: numbers of any meaning, texts coded by a dictionary, and lists, which are an owner a
member and the members in one of the other forms. Refuses to know which passages they belong to.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Literal, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from vizsla.collections.metadata import dates
from vizsla.collections.metadata.dictionary import Codes, Dictionary, union
from vizsla.collections.metadata.like import Pattern
from vizsla.collections.metadata.values import Kind, Value
from vizsla.core.vectors import Bitmap
from vizsla.data.arena import Ints

Operator: TypeAlias = Literal["=", "<>", "<", "<=", ">", ">="]
Stored: TypeAlias = str | float | int | bool
"""A literal as it is compared: a text, a number, microseconds, or true or false."""

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

_COMPARE: Mapping[Operator, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WHOLE, _FRACTION = 1, 0
_SCALARS: Mapping[Kind, npt.DTypeLike] = {"number": np.float64, "date": np.int64, "boolean": np.bool_}


class StoredValues(Protocol):
    """The values of one field: m of them."""

    @property
    def kind(self) -> Kind: ...
    def __len__(self) -> int: ...
    def arrays(self) -> Arrays: ...
    def many(self, places: Ints) -> list[Value]: ...
    def compare(self, op: Operator, value: Stored) -> Bitmap: ...
    def joined(self, parts: Sequence[Any], kept: Sequence[Bitmap]) -> Any: ...


@dataclass(frozen=True, eq=False)
class Scalars:
    """Numbers, dates or booleans.

    Attributes:
        kind: number, date or boolean.
        values: (m,) float64, int64 microseconds or bool.
        forms: (m,) uint8, of numbers 1 where one is whole, of dates the form of `dates`; none for booleans.
    """

    kind: Kind
    values: npt.NDArray[Any]
    forms: npt.NDArray[np.uint8]

    @classmethod
    def build(cls, kind: Kind, values: Sequence[Any]) -> "Scalars":
        forms: Sequence[int] = []
        if kind == "number":
            forms = [_WHOLE if isinstance(one, int) else _FRACTION for one in values]
        if kind == "date":
            packed = [dates.pack(one) for one in values]
            values, forms = [micros for micros, _ in packed], [form for _, form in packed]
        return cls(kind, np.array(values, _SCALARS[kind]), np.array(forms, np.uint8))

    def __len__(self) -> int:
        return len(self.values)

    def arrays(self) -> Arrays:
        return {"values": self.values, "forms": self.forms}

    def many(self, places: Ints) -> list[Value]:
        values: list[Any] = self.values[places].tolist()
        if self.kind == "boolean":
            return values
        forms = self.forms[places].tolist()
        if self.kind == "date":
            return list(map(dates.unpack, values, forms))
        return [int(value) if form == _WHOLE else value for value, form in zip(values, forms, strict=True)]

    def compare(self, op: Operator, value: Stored) -> Bitmap:
        return cast(Bitmap, _COMPARE[op](self.values, value))

    def among(self, wanted: Sequence[Stored]) -> Bitmap:
        return np.isin(self.values, np.array(wanted, self.values.dtype))

    def joined(self, parts: Sequence["Scalars"], kept: Sequence[Bitmap]) -> "Scalars":
        forms = [part.forms[mask] if len(part.forms) else part.forms for part, mask in zip(parts, kept, strict=True)]
        values = [part.values[mask] for part, mask in zip(parts, kept, strict=True)]
        return Scalars(self.kind, np.concatenate(values), np.concatenate(forms))


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts coded by a dictionary.

    Attributes:
        codes: (m,) int32.
        dictionary: the texts of the codes.
    """

    codes: Codes
    dictionary: Dictionary

    @property
    def kind(self) -> Kind:
        return "text"

    @classmethod
    def build(cls, texts: Sequence[str]) -> "Texts":
        dictionary, codes = Dictionary.build(texts)
        return cls(codes, dictionary)

    def __len__(self) -> int:
        return len(self.codes)

    def arrays(self) -> Arrays:
        return {"codes": self.codes, "bytes": self.dictionary.data, "starts": self.dictionary.starts}

    def many(self, places: Ints) -> list[Value]:
        return list(self.dictionary.texts(self.codes[places]))

    def compare(self, op: Operator, value: Stored) -> Bitmap:
        begin, end = self.dictionary.span(cast(str, value))
        if op in ("=", "<>"):
            same: Bitmap = self.codes == (begin if end > begin else -1)
            return same if op == "=" else ~same
        return cast(Bitmap, _COMPARE[op](self.codes, {"<": begin, ">=": begin, "<=": end - 1, ">": end - 1}[op]))

    def among(self, wanted: Sequence[Stored]) -> Bitmap:
        table = np.zeros(len(self.dictionary), np.bool_)
        for value in wanted:
            table[slice(*self.dictionary.span(cast(str, value)))] = True
        return table.take(self.codes)

    def like(self, pattern: Pattern) -> Bitmap:
        return self.dictionary.matching(pattern).take(self.codes)

    def joined(self, parts: Sequence["Texts"], kept: Sequence[Bitmap]) -> "Texts":
        codes = [part.codes[mask] for part, mask in zip(parts, kept, strict=True)]
        used = [np.unique(one, return_inverse=True) for one in codes]
        dictionary, new = union(part.dictionary.entries(one) for part, (one, _) in zip(parts, used, strict=True))
        bases = np.cumsum([0, *(len(one) for one, _ in used)])
        made = [new[base + inverse] for base, (_, inverse) in zip(bases, used, strict=False)]
        return Texts(np.concatenate(made), dictionary)


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists of texts or of numbers.

    Attributes:
        kind: texts, numbers, or list where no entry is known.
        size: m, how many lists.
        owners: (members,) int32, rising: the list that each member is of.
        members: all lists' entries.
    """

    kind: Kind
    size: int
    owners: Codes
    members: StoredValues

    @classmethod
    def build(cls, kind: Kind, lists: Sequence[Sequence[Any]]) -> "Lists":
        owners = np.repeat(np.arange(len(lists), dtype=np.int32), [len(one) for one in lists])
        members = [member for one in lists for member in one]
        made = Scalars.build("number", members) if kind == "numbers" else Texts.build(members)
        return cls(kind, len(lists), owners, made)

    def __len__(self) -> int:
        return self.size

    @cached_property
    def rising_owners(self) -> Codes:
        """The owners, looked at once."""
        owners = self.owners
        if len(owners) and (owners[0] < 0 or owners[-1] >= self.size or (owners[1:] < owners[:-1]).any()):
            raise ValueError(f"owners {owners.min()} to {owners.max()} of {self.size} lists, or falling ones")
        return owners

    def arrays(self) -> Arrays:
        return {"owners": self.owners, **self.members.arrays()}

    def many(self, places: Ints) -> list[Value]:
        wanted = places.astype(np.int32)  # of their own type: numpy would copy all owners to compare them with another
        begins, ends = self.rising_owners.searchsorted(wanted), self.rising_owners.searchsorted(wanted, side="right")
        spans = list(zip(begins.tolist(), ends.tolist(), strict=True))
        members = [member for begin, end in spans for member in range(begin, end)]
        read = iter(self.members.many(np.array(members, np.int64)))
        return [cast(Value, list(islice(read, end - begin))) for begin, end in spans]

    def compare(self, op: Operator, value: Stored) -> Bitmap:
        """Which lists hold a member that compares so."""
        found = np.zeros(self.size, np.bool_)
        if len(self.owners):
            found[self.rising_owners[np.flatnonzero(self.members.compare(op, value))]] = True
        return found

    def joined(self, parts: Sequence["Lists"], kept: Sequence[Bitmap]) -> "Lists":
        owners, masks, base = [], [], 0
        for part, mask in zip(parts, kept, strict=True):
            masks.append(mask[part.rising_owners])
            places = (np.cumsum(mask) - 1 + base).astype(np.int32)
            owners.append(places[part.rising_owners[masks[-1]]])
            base += int(np.count_nonzero(mask))
        decided = next((part for part in parts if part.kind != "list"), self)  # the others have no members
        known = [(part.members, mask) for part, mask in zip(parts, masks, strict=True) if part.kind == decided.kind]
        members: StoredValues = decided.members
        members = members.joined([one for one, _ in known], [mask for _, mask in known])
        return Lists(decided.kind, base, np.concatenate(owners), members)
