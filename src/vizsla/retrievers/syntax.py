"""Syntax: the expression of a pipeline to its steps, by a tokenizer and recursive descent.

    pipeline = source { ">>" step }
    source   = name | "(" pipeline ")" | ("rrf" | "weighted") "(" base { "," base } { "," option } ")"
    base     = pipeline [ "=" number ]                          the number is its weight, else 1
    step     = word "(" [ value ] { "," option } ")"            rerank, top, min_score, parents
    option   = word "=" value
    value    = number | name

A name is a letter and then letters, digits and _ . - /; any other stands in double quotes, as do names
that are words or options here. Refuses to know which stages there are, and what steps do.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache, partial
from types import NoneType
from typing import Any, Literal, NoReturn, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from vizsla.core.errors import SettingsError
from vizsla.core.settings import nearest
from vizsla.retrievers.spelling import BARE
from vizsla.retrievers.steps import FUSINGS, RESERVED, STEPS, Fusing, Pipeline, Step

LONGEST = 4096
_MOST_BRACKETS = 20
_SHOWN = 72
_REMEMBERED = 128
_TOKEN = re.compile(
    rf"""(?P<space>\s+)|(?P<arrow>>>)|(?P<mark>[(),=])|(?P<name>{BARE})"""
    r"""|(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))"""
    r"""|(?P<string>"(?:[^"\\]|\\.)*")|(?P<odd>.)""",
    re.DOTALL,
)
_WHOLE = re.compile(r"[+-]?[0-9]+")
_FUSINGS: dict[str, type[Fusing]] = {kind.word: kind for kind in FUSINGS}
_STEPS: dict[str, type[Step]] = {kind.word: kind for kind in STEPS}
_Value: TypeAlias = str | int | float
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # arrow, mark, name, number, string or end
    text: str
    start: int

    @property
    def shown(self) -> str:
        return "the end" if self.kind == "end" else f"'{self.text[:40]}'"


def parse(text: str) -> Pipeline:
    """Read a pipeline's expression.

    >>> parse('weighted(bm25=.3, dense=.7, norm="minmax")>>rerank(minilm,depth=30)>>top(10)').rerankers()
    ('minilm',)
    >>> print(parse("(rrf(bm25, dense >> top(50)))"))
    rrf(bm25, dense >> top(50))

    Raises:
        SettingsError: not an expression: the message shows where, what was found and what was wanted.
    """
    if len(text) > LONGEST:
        raise SettingsError(f"found a pipeline of {len(text):,} characters; wanted at most {LONGEST:,}")
    return _read(text)


@lru_cache(maxsize=_REMEMBERED)
def _read(text: str) -> Pipeline:
    """The same, remembered: a pipeline is read again for every search by it."""
    reader = _Reader(text)
    found = reader.pipeline()
    reader.finish()
    return found


class _Reader:
    """One pass over the tokens; every method reads what its name says and stands behind it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._tokenized()
        self._at = 0
        self._brackets = 0

    def pipeline(self) -> Pipeline:
        found = self._source()
        while self._next.kind == "arrow":
            self._take()
            begin = self._next
            step = self._step()
            found = self._made(begin, partial(Pipeline, found.source, (*found.steps, step)))
        return found

    def finish(self) -> None:
        if self._next.kind != "end":
            self._fail(self._next, "'>>' or the end")

    def _source(self) -> Pipeline:
        token = self._next
        if token.text == "(":
            self._open()
            found = self.pipeline()
            self._close("')'")
            return found
        if token.kind == "name" and token.text in _FUSINGS:
            return self._made(token, partial(Pipeline, self._fusing()))
        if token.kind == "name" and token.text in RESERVED:
            wanted = "a stage, or a stage of that name in double quotes"
            self._fail(token, f"{wanted}: a step stands behind '>>'" if token.text in _STEPS else wanted)
        if token.kind == "name" and self._peek.text == "(":
            self._fail(token, f"a stage or a fusion ({nearest(token.text, _FUSINGS)})")
        if token.kind not in ("name", "string"):
            self._fail(token, "a stage's name, rrf(...), weighted(...) or '('")
        return self._made(token, partial(Pipeline, self._name()))

    def _fusing(self) -> Fusing:
        begin = self._take()
        kind = _FUSINGS[begin.text]
        self._open()
        bases, weights = list[Pipeline](), list[float]()
        options: dict[str, Any] = {}
        while True:
            if self._peek.text == "=" and self._next.text in RESERVED:
                self._option(kind, options)
            elif options:
                self._fail(self._next, "an option: pipelines stand before options")
            else:
                bases.append(self.pipeline())
                weights.append(self._weight())
            if self._next.text != ",":
                break
            self._take()
        self._close("',' or ')'")
        made: Callable[[], Fusing] = partial(kind, tuple(bases), tuple(weights), **options)
        return self._made(begin, made)

    def _weight(self) -> float:
        if self._next.text != "=":
            return 1.0
        self._take()
        return float(self._value(float))

    def _step(self) -> Step:
        begin = self._next
        if begin.kind != "name" or begin.text not in _STEPS:
            hint = nearest(begin.text, _STEPS) if begin.kind == "name" else f"known: {', '.join(_STEPS)}"
            self._fail(begin, f"a step ({hint})")
        self._take()
        kind = _STEPS[begin.text]
        lead = fields(kind)[0]
        self._open()
        values: dict[str, Any] = {}
        if self._next.text != ")" and self._peek.text != "=":
            values[lead.name] = self._value(get_type_hints(kind)[lead.name])
        elif lead.default is MISSING:
            self._fail(self._next, f"the {lead.name} of {begin.text}")
        elif self._next.text != ")":
            self._option(kind, values)
        while self._next.text == ",":
            self._take()
            self._option(kind, values)
        self._close("',' or ')'")
        made: Callable[[], Step] = partial(kind, **values)
        return self._made(begin, made)

    def _option(self, kind: type[Fusing | Step], values: dict[str, Any]) -> None:
        token = self._next
        hints = get_type_hints(kind)
        known = [each.name for each in fields(kind) if each.name not in ("bases", "weights")]
        known = known if kind in FUSINGS else known[1:]
        if token.kind != "name" or token.text not in known:
            hint = nearest(token.text, known) if token.kind == "name" and known else f"known: {', '.join(known)}"
            self._fail(token, f"an option of {kind.word} ({hint if known else 'it has none'})")
        if token.text in values:
            self._fail(token, "each option once")
        self._take()
        if self._next.text != "=":
            self._fail(self._next, "'='")
        self._take()
        values[token.text] = self._value(hints[token.text])

    def _value(self, hint: Any) -> _Value:
        """A number or a name, as the field it is for asks."""
        token = self._next
        kinds = [kind for kind in get_args(hint) or (hint,) if kind is not NoneType]
        if get_origin(hint) is Literal:
            choices = get_args(hint)
            if token.kind not in ("name", "string") or (name := self._name()) not in choices:
                self._fail(token, f"one of {', '.join(choices)}")
            return str(name)
        if str in kinds:
            if token.kind not in ("name", "string"):
                self._fail(token, "a name")
            return self._name()
        whole = float not in kinds
        if token.kind != "number" or (whole and not _WHOLE.fullmatch(token.text)):
            self._fail(token, "a whole number" if whole else "a number")
        self._take()
        return int(token.text) if whole else float(token.text)

    def _name(self) -> str:
        token = self._take()
        if token.kind == "name":
            return token.text
        try:
            return str(json.loads(token.text))
        except ValueError:
            return self._fail(token, "a name in double quotes, with JSON's escapes")

    def _open(self) -> None:
        token = self._next
        if token.text != "(":
            self._fail(token, "'('")
        self._brackets += 1
        if self._brackets > _MOST_BRACKETS:
            self._fail(token, f"at most {_MOST_BRACKETS} brackets in each other")
        self._take()

    def _close(self, wanted: str) -> None:
        if self._next.text != ")":
            self._fail(self._next, wanted)
        self._brackets -= 1
        self._take()

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    @property
    def _peek(self) -> _Token:
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def _take(self) -> _Token:
        token = self._next
        self._at += token.kind != "end"
        return token

    def _made(self, begin: _Token, make: Callable[[], T]) -> T:
        """A step made of what was read; what it refuses is shown where it begins."""
        try:
            return make()
        except SettingsError as error:
            raise SettingsError(f"{error}\n{_pointed(self._text, begin)}") from None

    def _tokenized(self) -> list[_Token]:
        tokens = []
        for match in _TOKEN.finditer(self._text):
            token = _Token(str(match.lastgroup), match[0], match.start())
            if token.kind == "odd":
                self._fail(token, "names, numbers, ( ) , = and >>")
            if token.kind != "space":
                tokens.append(token)
        return [*tokens, _Token("end", "", len(self._text))]

    def _fail(self, token: _Token, wanted: str) -> NoReturn:
        raise SettingsError(f"found {token.shown} in a pipeline; wanted {wanted}\n{_pointed(self._text, token)}")


def _pointed(text: str, token: _Token) -> str:
    """The line that a token stands in, as much of it as fits, and marks under the token."""
    begin = text.rfind("\n", 0, token.start) + 1
    end = (text + "\n").index("\n", token.start)
    left = max(begin, token.start - _SHOWN // 2)
    line = re.sub(r"\s", " ", text[left : min(end, left + _SHOWN)])
    before = line[: token.start - left]
    width = sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in before)
    marks = "^" * max(1, min(len(token.text), len(line) - len(before)))
    place = f"column {token.start - begin + 1}"
    if "\n" in text:
        place = f"line {text.count(chr(10), 0, token.start) + 1}, {place}"
    return f"  {line}\n  {' ' * width}{marks} {place}"
