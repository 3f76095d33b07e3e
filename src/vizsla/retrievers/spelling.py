"""Spelling: how names, numbers and options stand in a pipeline's expression.

Knows the one canonical form of each. Refuses to know which words and options there are.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import MISSING, fields
from typing import Any

from vizsla.core.errors import SettingsError

BARE = r"[^\W\d][\w.\-/]*"
"""A name that needs no quotes; there is no subtraction, so hyphens stand in names."""

_LONGEST = 200
_WHOLE = 1e15  # below it, float64 holds every whole number


def check_name(name: str, what: str) -> None:
    """See that something can bear this name.

    Raises:
        SettingsError: empty, longer than 200 characters, or with characters that cannot be printed.
    """
    if not name or len(name) > _LONGEST or not name.isprintable():
        found = f"{name[:_LONGEST]!r} for the name of a {what}"
        raise SettingsError(f"found {found}; wanted 1 to {_LONGEST} characters, all of them printable")


def spell_name(name: str, reserved: Sequence[str]) -> str:
    """A name as it is written: in quotes where it would be read as something else.

    >>> spell_name("bge-small", ["top"]), spell_name("top", ["top"]), spell_name("my model", ["top"])
    ('bge-small', '"top"', '"my model"')
    """
    bare = re.fullmatch(BARE, name) is not None and name not in reserved
    return name if bare else json.dumps(name, ensure_ascii=False)


def spell_number(value: float) -> str:
    """A number in its shortest form that reads back the same.

    >>> spell_number(100.0), spell_number(0.30), spell_number(-2)
    ('100', '0.3', '-2')
    """
    return str(int(value)) if value == int(value) and abs(value) < _WHOLE else repr(float(value))


def spell_call(word: str, given: Sequence[str], options: Sequence[str] = ()) -> str:
    """A step: its word, what stands in its brackets without a name, and its options."""
    return f"{word}({', '.join([*given, *options])})"


def spell_options(step: Any, *names: str) -> list[str]:
    """The options of a step, a dataclass, that are not as usual: `name=value`."""
    usual = {each.name: each.default for each in fields(step) if each.default is not MISSING}
    given = [(name, getattr(step, name)) for name in names if getattr(step, name) != usual[name]]
    return [f"{name}={value if isinstance(value, str) else spell_number(value)}" for name, value in given]
