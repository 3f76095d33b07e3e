"""Patterns of LIKE: `%` is any number of characters, `_` is one, and case counts, as the standard has it.

Matched on UTF-8, in time that grows with the length of the text and of the pattern, never with a power
of one of them. Refuses to know where texts stand.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, takewhile
from typing import TypeAlias

from vizsla.core.errors import DataError

_Stretch: TypeAlias = tuple[str | None, ...]
_CHARACTER = rb"(?:[\x00-\x7f]|[\xc0-\xff][\x80-\xbf]*+)"


@dataclass(frozen=True)
class Pattern:
    """A pattern taken apart.

    >>> pattern = Pattern.read("vi%la_", None)
    >>> pattern.beginning, bool(pattern.rest.fullmatch("vizslás".encode())), bool(pattern.rest.fullmatch(b"vizslas"))
    ('vi', False, True)

    Attributes:
        stretches: what stands before, between and after the `%`: characters, None for a `_`.
    """

    stretches: tuple[_Stretch, ...]

    @classmethod
    def read(cls, text: str, escape: str | None) -> "Pattern":
        """Take a pattern apart; the character after `escape` stands for itself.

        Raises:
            DataError: nothing comes after an escape.
        """
        stretches: list[list[str | None]] = [[]]
        characters = iter(text)
        for one in characters:
            if one == escape:
                following = next(characters, None)
                if following is None:
                    raise DataError(f"wanted a character after the last {escape!r}")
                stretches[-1].append(following)
            elif one == "%":
                stretches.append([])
            else:
                stretches[-1].append(None if one == "_" else one)
        return cls(tuple(map(tuple, stretches)))

    @cached_property
    def beginning(self) -> str:
        """The characters that every match begins with."""
        return "".join(map(str, takewhile(_is_plain, self.stretches[0])))

    @cached_property
    def literal(self) -> bytes:
        """The longest run of characters that every match holds."""
        runs = [run for stretch in self.stretches for plain, run in _runs(stretch) if plain]
        return max(runs, key=len, default="").encode()

    @cached_property
    def rest(self) -> re.Pattern[bytes] | None:
        """What a match is as a whole; None where every text with the beginning is one."""
        first, *others = (b"".join(map(_expression, one)) for one in self.stretches)
        if None not in self.stretches[0] and others and not any(others):
            return None
        # Once a middle stretch is found, a later place for it cannot help the others: never come back to it.
        middle = b"".join(b"(?>.*?" + one + b")" for one in others[:-1] if one)
        return re.compile(first + middle + (b".*" + others[-1] if others else b""), re.DOTALL)


def _is_plain(one: str | None) -> bool:
    return one is not None


def _runs(stretch: _Stretch) -> list[tuple[bool, str]]:
    return [(plain, "".join(map(str, run))) for plain, run in groupby(stretch, _is_plain)]


def _expression(one: str | None) -> bytes:
    return _CHARACTER if one is None else re.escape(one.encode())
