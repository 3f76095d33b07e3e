"""Records: the forms in which readers hand on what they found, each with its place, and the checks they share.

Knows ids, texts and whole numbers. Refuses to know files and layouts.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.problems import Problems, shown

PlacedPassage: TypeAlias = tuple[Passage, str]
"""A passage and its place, `file:line`."""

PlacedQuery: TypeAlias = tuple[str, str, str]
"""A query's id, its text and its place."""

PlacedGrade: TypeAlias = tuple[str, str, int, str]
"""A judgement: query id, passage id, grade, place."""


@dataclass(frozen=True, slots=True)
class TermWeights:
    """A passage as terms and their weights, and its text where the format keeps one."""

    id: str
    weights: Mapping[str, float]
    text: str = ""


PlacedWeights: TypeAlias = tuple[TermWeights, str]
"""A passage's weights and their place."""

_WHOLE = re.compile(rb"[+-]?[0-9]{1,9}")


def make_id(value: object, where: str) -> str:
    """An id as a string; a whole number is written out.

    Raises:
        DataError: empty, or neither a string nor a whole number.
    """
    if type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise DataError(f"{where}: found {shown(value)} as an id; wanted a string or a whole number")
    if not value:
        raise DataError(f"{where}: found an empty id; wanted at least one character")
    return value


def make_text(value: object, where: str, key: str) -> str:
    """A text; null is the empty one.

    Raises:
        DataError: neither a string nor null.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise DataError(f"{where}: found {key} = {shown(value)} ({type(value).__name__}); wanted a string")


def joined(passage: Passage) -> str:
    """Title and text in one, for formats without titles: one space between, as most tools put it."""
    return f"{passage.title} {passage.text}" if passage.title else passage.text


def is_empty(text: str, title: str = "") -> bool:
    """Whether nothing but white space is there."""
    return not (text and not text.isspace()) and not (title and not title.isspace())


def whole_number(value: bytes, where: str, what: str) -> int:
    """A whole number of at most nine digits.

    Raises:
        DataError: anything else.
    """
    if not _WHOLE.fullmatch(value):
        raise DataError(f"{where}: found {shown(value)} as {what}; wanted a whole number")
    return int(value)


def finite_number(value: object, where: str, what: str) -> float:
    """A number of JSON that is neither NaN nor infinite.

    Raises:
        DataError: anything else, `true` among it.
    """
    if type(value) in (int, float):
        try:
            number = float(value)  # type: ignore[arg-type]  # a whole number or a fraction, as the line above says
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise DataError(f"{where}: found {shown(value)} as {what}; wanted a finite number")


def decoded(value: bytes, where: str, problems: Problems) -> str | None:
    """Bytes as text, or None and a noted problem where they are not UTF-8."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        problems.note("broken_utf8", where, value)
        return None


def encoded(text: str, where: str) -> bytes:
    """Text as UTF-8.

    Raises:
        DataError: it holds half a surrogate pair, which UTF-8 cannot.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        found = shown(text.encode("utf-8", "backslashreplace"))
        raise DataError(
            f"{where}: found {found}; wanted text that UTF-8 can hold: half a surrogate pair cannot"
        ) from None
