"""Values: what a passage may say of itself, each kind in its normal form.

Knows the kinds and their limits. A value in normal form is what a stored column gives back. Refuses
to know fields and passages: the schema puts them into its messages.
"""

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal, TypeAlias

import numpy as np

from vizsla.collections.metadata import dates
from vizsla.core.errors import DataError

Kind: TypeAlias = Literal["text", "number", "boolean", "date", "texts", "numbers", "list"]
"""What a field holds; `list` is a list of which only empty ones were seen."""

Value: TypeAlias = str | int | float | bool | date | list[str] | list[int | float]
"""A value in its normal form."""

Row: TypeAlias = dict[str, Value]
"""A passage's metadata in normal form, without what is absent."""

EXACT = 2**53
"""Every whole number up to this size is a float64."""

LIST_ENTRIES = 1_000


def read(value: object, kind: Kind) -> Value:
    """A value of a field of this kind, in its normal form.

    Raises:
        DataError: it is none; the message says what was wanted.
    """
    return _READERS[kind](value.item() if isinstance(value, np.generic) else value)


def kind_of(value: object) -> Kind:
    """The kind of field that a first value makes.

    >>> kind_of(True), kind_of(2024), kind_of("2024-05-01"), kind_of(["a"]), kind_of([])
    ('boolean', 'number', 'text', 'texts', 'list')

    Raises:
        DataError: a value of no kind.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple) and value:
        return "texts" if isinstance(value[0], str) else "numbers"
    for types, kind in _KINDS:
        if isinstance(value, types):
            return kind
    raise DataError("wanted a text, a number, true or false, a date, or a list of texts or of numbers")


def number(value: object) -> int | float:
    """A finite number that float64 holds exactly.

    Raises:
        DataError: anything else, `True` among it.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError("wanted a number")
    if isinstance(value, int) and abs(value) > EXACT:
        raise DataError("wanted a whole number of at most 2**53, which a float64 holds exactly; keep it as a text")
    if not math.isfinite(value):
        raise DataError("wanted a finite number; leave the field out where there is none")
    return int(value) if isinstance(value, int) else float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise DataError("wanted a text")
    if not value.isascii() and any("\ud800" <= one <= "\udfff" for one in value):
        raise DataError("wanted a text that UTF-8 can hold: half a surrogate pair cannot")
    return str(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise DataError("wanted true or false")
    return value


def _date(value: object) -> date:
    if isinstance(value, str):
        value = dates.read(value)
    if not isinstance(value, date):
        raise DataError("wanted a date, or a text such as 2024-05-01 or 2024-05-01T10:30:00Z")
    return dates.unpack(*dates.pack(value))


def _entries(value: object) -> list[object]:
    if not isinstance(value, list | tuple):
        raise DataError("wanted a list")
    if len(value) > LIST_ENTRIES:
        raise DataError(f"wanted a list of at most {LIST_ENTRIES:,} entries, found {len(value):,}")
    return list(value)


def _texts(value: object) -> list[str]:
    try:
        return [_text(one) for one in _entries(value)]
    except DataError as error:
        raise DataError(f"{error}, in a list of texts") from None


def _numbers(value: object) -> list[int | float]:
    try:
        return [number(one) for one in _entries(value)]
    except DataError as error:
        raise DataError(f"{error}, in a list of numbers") from None


def _empty(value: object) -> list[str]:
    if _entries(value):
        raise DataError("wanted an empty list")
    return []


_READERS: Mapping[Kind, Callable[[object], Value]] = {
    "text": _text,
    "number": number,
    "boolean": _boolean,
    "date": _date,
    "texts": _texts,
    "numbers": _numbers,
    "list": _empty,
}
_KINDS: tuple[tuple[type | tuple[type, ...], Kind], ...] = (
    (bool, "boolean"),
    ((int, float), "number"),
    (str, "text"),
    (date, "date"),
    ((list, tuple), "list"),
)
