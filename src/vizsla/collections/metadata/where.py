"""`where`: from SQL's familiar form to an expression, checked against a schema.

    lang = 'zh' AND year >= 2020 AND 'news' IN tags AND NOT (title LIKE 'Re:%' OR source IS NULL)

A recursive descent of our own: fields, values, comparisons, IN, BETWEEN, LIKE, IS NULL, CONTAINS, AND,
OR, NOT and parentheses, and nothing else that could be reached. Refuses to know how columns are stored.
"""

from collections.abc import Callable
from typing import NamedTuple, NoReturn

from vizsla.collections.metadata import dates, tokens, values
from vizsla.collections.metadata.expressions import (
    Absent,
    All,
    Among,
    Any,
    Comparison,
    Constant,
    Expression,
    Like,
    Literal,
    Member,
)
from vizsla.collections.metadata.like import Pattern
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.metadata.stored_values import Operator
from vizsla.collections.metadata.tokens import Token, TokenKind, named, quoted
from vizsla.collections.metadata.values import Kind
from vizsla.core.errors import DataError, SettingsError
from vizsla.core.settings import nearest

DEPTH = 50
LIST_ENTRIES = 1_000
PATTERN_CHARACTERS = 1_000
_OPERATORS: dict[str, Operator] = {
    "=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
}  # fmt: skip
_TURNED: dict[Operator, Operator] = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LISTS = ("texts", "numbers", "list")
_EXAMPLES: dict[Kind, str] = {
    "text": "a text in single quotes",
    "number": "a number",
    "boolean": "TRUE or FALSE",
    "date": "a date in single quotes, such as '2024-05-01' or '2024-05-01T10:30:00Z'",
    "texts": "a text in single quotes",
    "numbers": "a number",
    "list": "a text in single quotes or a number",
}


def parse(text: str, schema: Schema) -> Expression:
    """An expression from its text.

    >>> schema = Schema({"lang": "text", "year": "number", "tags": "texts"})
    >>> expression = parse("NOT (lang <> 'zh' or year < 2020) and tags contains 'news'", schema)
    >>> expression.text
    "lang = 'zh' AND year >= 2020 AND 'news' IN tags"
    >>> [part.text for part in expression.parts()]
    ["lang = 'zh'", 'year >= 2020', "'news' IN tags"]

    Raises:
        SettingsError: not of this form, an unknown field, or a value that is not of the field's kind; shows the place.
    """
    return _Parser(text, schema).read()


class _Parser:
    """One way through the tokens of one expression."""

    def __init__(self, text: str, schema: Schema) -> None:
        self._text, self._schema = text, schema
        self._tokens = tokens.read(text)
        self._at = 0
        self._depth = 0

    def read(self) -> Expression:
        found = self._any()
        if self._next.kind != "end":
            self._refuse("AND, OR or the end")
        return found

    def _any(self) -> Expression:
        conditions = [self._all()]
        while self._take("keyword", "OR"):
            conditions.append(self._all())
        return _flat(Any, conditions)

    def _all(self) -> Expression:
        conditions = [self._not()]
        while self._take("keyword", "AND"):
            conditions.append(self._not())
        return _flat(All, conditions)

    def _not(self) -> Expression:
        if self._take("keyword", "NOT"):
            return self._inside(self._not).opposite()
        if self._take("sign", "("):
            found = self._inside(self._any)
            self._want("sign", ")", "AND, OR or a closing parenthesis")
            return found
        if self._next.kind in ("string", "number") or self._sees("TRUE", "FALSE", "NULL"):
            return self._of_value()
        return self._of_field()

    def _inside(self, read: Callable[[], Expression]) -> Expression:
        if self._depth == DEPTH:
            self._refuse(f"at most {DEPTH} parentheses and NOTs inside each other")
        self._depth += 1
        found = read()
        self._depth -= 1
        return found

    def _of_value(self) -> Expression:
        """What begins with a value: a value and a field, a value IN a field of lists, TRUE, FALSE."""
        first, place = self._next, self._at
        self._at += 1
        op = _OPERATORS.get(self._next.text) if self._next.kind == "sign" else None
        negated = self._take("keyword", "NOT")
        if not op and not self._sees("IN"):
            if negated or first.text not in ("TRUE", "FALSE") or first.kind != "keyword":
                self._refuse("IN" if negated else "a comparison or IN")
            return Constant(first.text == "TRUE")
        self._at += 1
        field = self._field()
        after, self._at = self._at, place
        found = self._comparison(field, _TURNED[op]) if op else self._member(field, negated=negated)
        self._at = after
        return found

    def _of_field(self) -> Expression:
        """What begins with a field."""
        field = self._field()
        if self._next.kind == "sign" and (op := _OPERATORS.get(self._next.text)):
            self._at += 1
            return self._comparison(field, op)
        if self._take("keyword", "IS"):
            negated = self._take("keyword", "NOT")
            self._want("keyword", "NULL", "NULL" if negated else "NULL or NOT NULL")
            return Absent(field.name, field.written, negated)
        negated = self._take("keyword", "NOT")
        for word, read in (("CONTAINS", self._member), ("IN", self._among), ("LIKE", self._like)):
            if self._take("keyword", word):
                return read(field, negated=negated)
        if self._take("keyword", "BETWEEN"):
            return self._between(field).opposite() if negated else self._between(field)
        if negated or field.kind != "boolean":
            self._refuse("IN, BETWEEN, LIKE or CONTAINS" if negated else f"a comparison after '{field.name}'")
        return Comparison(field.name, field.written, "=", Literal(True, "TRUE"))

    def _comparison(self, field: "_Field", op: Operator) -> Comparison:
        self._refuse_lists(field)
        if field.kind == "boolean" and op not in ("=", "<>"):
            self._refuse(f"a field with an order: '{field.name}' is a boolean, which takes = and <>", field.token)
        return Comparison(field.name, field.written, op, self._literal(field, field.kind))

    def _between(self, field: "_Field") -> Expression:
        low = self._comparison(field, ">=")
        self._want("keyword", "AND", "AND and the upper end")
        return All((low, self._comparison(field, "<=")))

    def _among(self, field: "_Field", *, negated: bool) -> Expression:
        self._refuse_lists(field)
        self._want("sign", "(", "a list in parentheses")
        found = [self._literal(field, field.kind)]
        while self._take("sign", ","):
            if len(found) == LIST_ENTRIES:
                self._refuse(f"at most {LIST_ENTRIES:,} values in a list")
            found.append(self._literal(field, field.kind))
        self._want("sign", ")", "a comma or a closing parenthesis")
        return Among(field.name, field.written, negated, tuple(found))

    def _member(self, field: "_Field", *, negated: bool) -> Expression:
        kind = field.kind
        if kind not in _LISTS:
            advice = f"'{field.name}' is a {kind}; write {field.written} IN (...)"
            self._refuse(f"a field of lists: {advice}", field.token)
        if kind == "list":
            kind = "numbers" if self._next.kind == "number" else "texts"
        return Member(field.name, field.written, negated, self._literal(field, kind))

    def _like(self, field: "_Field", *, negated: bool) -> Expression:
        if field.kind != "text":
            self._refuse(f"a field of texts before LIKE: '{field.name}' is of the kind {field.kind}", field.token)
        token, pattern = self._next, str(self._literal(field, "text").value)
        if len(pattern) > PATTERN_CHARACTERS:
            self._refuse(f"a pattern of at most {PATTERN_CHARACTERS:,} characters, not {len(pattern):,}", token)
        escape, written = None, quoted(pattern)
        if self._take("keyword", "ESCAPE"):
            sign, escape = self._next, str(self._literal(field, "text").value)
            if len(escape) != 1:
                self._refuse("one character after ESCAPE", sign)
            written += f" ESCAPE {quoted(escape)}"
        try:
            return Like(field.name, field.written, negated, Pattern.read(pattern, escape), written)
        except DataError as error:
            raise self._error(token, str(error)) from None

    def _literal(self, field: "_Field", kind: Kind) -> Literal:
        """The value that comes next, as columns of this kind compare it."""
        token = self._next
        try:
            found = _read(token, kind)
        except DataError as error:
            raise self._error(token, f"{error}, for '{field.name}'") from None
        if found is None:
            hint = f"; write {field.written} IS NULL for what is absent" if token.text == "NULL" else ""
            self._refuse(f"{_EXAMPLES[kind]}, for '{field.name}' is of the kind {field.kind}{hint}")
        self._at += 1
        return found

    def _field(self) -> "_Field":
        token = self._next
        kind = self._schema.fields.get(token.text)
        if token.kind != "name" or kind is None:
            known = nearest(token.text, self._schema.fields) if self._schema.fields else "no passage has metadata"
            quote = "; write a name that is also a keyword in double quotes" if token.kind == "keyword" else ""
            self._refuse(f"a field: {known}{quote}")
        self._at += 1
        return _Field(token, kind)

    def _refuse_lists(self, field: "_Field") -> None:
        if field.kind in _LISTS:
            self._refuse(f"'...' IN {field.written}, or IS NULL: '{field.name}' holds lists", field.token)

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _sees(self, *keywords: str) -> bool:
        return self._next.kind == "keyword" and self._next.text in keywords

    def _take(self, kind: TokenKind, text: str) -> bool:
        found = self._next.kind == kind and self._next.text == text
        self._at += found
        return found

    def _want(self, kind: TokenKind, text: str, wanted: str) -> None:
        if not self._take(kind, text):
            self._refuse(wanted)

    def _refuse(self, wanted: str, token: Token | None = None) -> NoReturn:
        raise self._error(token or self._next, f"wanted {wanted}")

    def _error(self, token: Token, message: str) -> SettingsError:
        return tokens.error(self._text, token.begin, f"found {_shown(token)}; {message}")


class _Field(NamedTuple):
    """A field where it stands."""

    token: Token
    kind: Kind

    @property
    def name(self) -> str:
        return self.token.text

    @property
    def written(self) -> str:
        return named(self.token.text)


def _flat(kind: type[All] | type[Any], conditions: list[Expression]) -> Expression:
    """One condition as it is; those of a condition of this kind among the others."""
    flat = [part for one in conditions for part in (one.conditions if isinstance(one, kind) else (one,))]
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def _read(token: Token, kind: Kind) -> Literal | None:
    """A value of this kind; None where the token is of another."""
    if token.kind == "keyword" and token.text in ("TRUE", "FALSE") and kind == "boolean":
        return Literal(token.text == "TRUE", token.text)
    if token.kind == "number" and kind in ("number", "numbers"):
        whole = token.text.lstrip("+-").isdecimal()
        number = values.number(int(token.text) if whole else float(token.text))
        return Literal(float(number), repr(number))
    if token.kind == "string" and kind == "date":
        micros, _ = dates.pack(dates.read(token.text))
        return Literal(micros, quoted(dates.text(micros)))
    if token.kind == "string" and kind in ("text", "texts"):
        return Literal(str(values.read(token.text, "text")), quoted(token.text))
    return None


def _shown(token: Token) -> str:
    return "the end" if token.kind == "end" else tokens.quoted(token.text) if token.kind == "string" else token.text
