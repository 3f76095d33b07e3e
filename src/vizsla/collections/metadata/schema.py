"""A schema: which fields passages have, and of which kind each is.

The first value of a field fixes its kind; a date is one where its value is a `date`, or where the
schema said so before. Knows the limits of names and sizes. Refuses to know how values are stored.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import get_args

import orjson

from vizsla.collections.metadata import values
from vizsla.collections.metadata.values import Kind, Row
from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Passage
from vizsla.core.settings import nearest
from vizsla.data.problems import shown

FIELDS = 256
JSON_BYTES = 64 << 10
_NAME = re.compile(r"\w{1,64}")


@dataclass(frozen=True, slots=True)
class Schema:
    """Fields by name, each with its kind.

    >>> schema, rows = Schema({"published": "date"}).read([Passage("a", "...", metadata={"year": 2024, "tags": []})])
    >>> dict(schema.fields), rows
    ({'published': 'date', 'year': 'number', 'tags': 'list'}, [{'year': 2024, 'tags': []}])

    Attributes:
        fields: text, number, boolean, date, texts, numbers, or list: a list of which no entry was seen yet.

    Raises:
        SettingsError: a name or a kind that cannot be, or more than 256 fields.
    """

    fields: Mapping[str, Kind] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in self.fields.items():
            if not _NAME.fullmatch(name):
                raise SettingsError(f"found the field {shown(name)}; {_WANTED_NAME}")
            if kind not in get_args(Kind):
                raise SettingsError(f"found the kind {shown(kind)} for '{name}'; {nearest(str(kind), get_args(Kind))}")
        if len(self.fields) > FIELDS:
            raise SettingsError(f"found {len(self.fields)} fields; wanted at most {FIELDS}")
        object.__setattr__(self, "fields", MappingProxyType(dict(self.fields)))

    def read(self, passages: Iterable[Passage]) -> tuple["Schema", list[Row]]:
        """The passages' metadata in normal form, and this schema with the fields that they bring.

        None is as good as absent. Nothing is changed: where it raises, this schema stands as it was.

        Raises:
            DataError: a value that is not of its field's kind, or beyond a limit; names the passage and the field.
        """
        kinds, rows = dict(self.fields), []
        for passage in passages:
            row = {name: _read(passage.id, name, value, kinds) for name, value in _present(passage)}
            if row and len(to_json(row)) > JSON_BYTES:
                found = f"{len(to_json(row)):,} bytes of metadata as JSON"
                raise DataError(f"passage {shown(passage.id)}: found {found}; wanted at most {JSON_BYTES:,}")
            rows.append(row)
        return (self if kinds == self.fields else Schema(kinds)), rows


def to_json(row: Row) -> bytes:
    """A row as JSON with sorted names, dates in ISO 8601: equal rows give equal bytes.

    >>> to_json({"year": 2024, "lang": "zh"})
    b'{"lang":"zh","year":2024}'
    """
    return orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


_WANTED_NAME = "wanted 1 to 64 letters, digits and _ as the name of a field"


def _present(passage: Passage) -> Iterable[tuple[str, object]]:
    return [(name, value) for name, value in passage.metadata.items() if value is not None]


def _read(id_: str, name: str, value: object, kinds: dict[str, Kind]) -> values.Value:
    """One value; `kinds` learns the field where it is new, and of a list what its entries are."""
    kind = kinds.get(name)
    try:
        if kind is None:
            _check_new(name, kinds)
        if kind is None or (kind == "list" and isinstance(value, list | tuple) and value):
            kind = values.kind_of(value)
        read = values.read(value, kind)
    except DataError as error:
        found = f"found {shown(value)} ({type(value).__name__})"
        known = f"; '{name}' is of the kind {kind}" if kind else ""
        raise DataError(f"passage {shown(id_)}, field {shown(name)}: {found}; {error}{known}") from None
    kinds[name] = kind
    return read


def _check_new(name: object, kinds: Mapping[str, Kind]) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DataError(_WANTED_NAME)
    if len(kinds) >= FIELDS:
        raise DataError(f"wanted at most {FIELDS} fields in a collection")
