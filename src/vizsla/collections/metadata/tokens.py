"""Tokens of a `where` expression, each with its place, and errors that show the place.

Knows characters. Refuses to know the grammar and the fields.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, TypeAlias

from vizsla.core.errors import SettingsError

CHARACTERS = 10_000
KEYWORDS = frozenset(("AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ESCAPE", "BETWEEN", "CONTAINS", "TRUE", "FALSE"))
"""What is no field's name unless it stands in double quotes, in either case of letters."""

TokenKind: TypeAlias = Literal["string", "number", "name", "keyword", "sign", "end"]

_SHOWN = 60  # characters of the expression on either side of an error
_TOKEN = re.compile(
    r"""\s+
    |(?P<string>'(?:[^']|'')*')
    |(?P<quoted>"[^"]*")
    |(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<word>[^\W\d]\w*)
    |(?P<sign><>|!=|<=|>=|[=<>(),])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression.

    Attributes:
        kind: keywords apart from names.
        text: a string's or name's own characters, a keyword in capitals, else as written.
        begin: where it begins.
        end: where it ends.
    """

    kind: TokenKind
    text: str
    begin: int
    end: int


def read(text: str) -> list[Token]:
    """The tokens of an expression, `end` the last of them.

    Raises:
        SettingsError: too long, or characters that begin nothing.
    """
    if len(text) > CHARACTERS:
        raise SettingsError(f"found a where expression of {len(text):,} characters; wanted at most {CHARACTERS:,}")
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise error(text, at, f"found {text[at]!r}; {_EXPECTED.get(text[at], _ANYTHING)}")
        if match.lastgroup:
            tokens.append(_token(match, match.lastgroup))
        at = match.end()
    return [*tokens, Token("end", "", at, at)]


def error(text: str, at: int, message: str) -> SettingsError:
    """An error at a place of an expression, with that part of it and a caret below.

    >>> print(error("lang = zh", 7, "found zh; wanted 'zh'"))
    where expression, character 8: found zh; wanted 'zh'
      lang = zh
             ^
    """
    begin = max(0, at - _SHOWN)
    line = "".join(one if one.isprintable() else " " for one in text[begin : at + _SHOWN])
    before, after = "..." if begin else "", "..." if at + _SHOWN < len(text) else ""
    # A wide character takes two columns of a terminal, and so does an ideographic space.
    gap = "".join("\u3000" if unicodedata.east_asian_width(one) in "WF" else " " for one in line[: at - begin])
    shown = f"  {before}{line}{after}\n  {' ' * len(before)}{gap}^"
    return SettingsError(f"where expression, character {at + 1}: {message}\n{shown}")


def quoted(text: str) -> str:
    """A text as an expression writes it.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def named(field: str) -> str:
    """A field as an expression writes it: in double quotes where it could be taken for something else.

    >>> named("year"), named("in"), named("2nd")
    ('year', '"in"', '"2nd"')
    """
    plain = not field[0].isdecimal() and field[0].isidentifier() and field.upper() not in KEYWORDS
    return field if plain else f'"{field}"'


_ANYTHING = "wanted a field, a value, a comparison or a parenthesis"
_EXPECTED = {"'": "wanted a closing ' after it", '"': 'wanted a closing " after it'}


def _token(match: re.Match[str], group: str) -> Token:
    written, span = match[group], match.span()
    if group == "string":
        return Token("string", written[1:-1].replace("''", "'"), *span)
    if group == "quoted":
        return Token("name", written[1:-1], *span)
    if group == "word":
        upper = written.upper()
        return Token("keyword", upper, *span) if upper in KEYWORDS else Token("name", written, *span)
    return Token("number" if group == "number" else "sign", written, *span)
