"""Settings: frozen dataclasses, read from and written to TOML tables.

An unknown key is an error that names the nearest known one; a value of another type is an error
that says which was wanted. Only flat tables of strings, numbers, booleans and lists of these.
"""

import dataclasses
import difflib
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

from vizsla.core.errors import SettingsError


class Dataclass(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


S = TypeVar("S", bound=Dataclass)
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a name that does not exist.

    >>> nearest("laguage", ["language", "stem"])
    "did you mean 'language'?"
    >>> nearest("x", ["language", "stem"])
    'known: language, stem'
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(names)}"


def from_mapping(kind: type[S], values: Mapping[str, object]) -> S:
    """Make settings from plain values, refusing unknown keys and wrong types.

    Raises:
        SettingsError: an unknown key, or a value of another type.
    """
    hints = get_type_hints(kind)
    known = {field.name: hints[field.name] for field in dataclasses.fields(kind)}
    missing = [field.name for field in dataclasses.fields(kind) if field.name not in values and _needed(field)]
    if missing:
        raise SettingsError(f"found no value for {', '.join(missing)} of {kind.__name__}; wanted: {missing[0]} = ...")
    for key, value in values.items():
        if key not in known:
            raise SettingsError(f"found the unknown setting '{key}' for {kind.__name__}; {nearest(key, known)}")
        if not _fits(value, known[key]):
            raise SettingsError(f"found {key} = {value!r} in {kind.__name__}; wanted {_in_words(known[key])}")
    return kind(**{key: _convert(value, known[key]) for key, value in values.items()})


def to_mapping(settings: Dataclass) -> dict[str, Any]:
    """Plain values of every field, ready for JSON or TOML (tuples become lists)."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(settings)))
    return plain


def from_toml(kind: type[S], text: str) -> S:
    """Read settings from a TOML text.

    Raises:
        SettingsError: not TOML, an unknown key, or a value of another type.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"found text that is not TOML: {error}; wanted lines such as: key = value") from error
    return from_mapping(kind, values)


def to_toml(settings: Dataclass) -> str:
    """Write settings as TOML; a field that is None is left out.

    >>> import dataclasses
    >>> point = dataclasses.make_dataclass("Point", [("x", float), ("name", str)], frozen=True)
    >>> print(to_toml(point(1.5, "a")), end="")
    x = 1.5
    name = "a"
    """
    pairs = to_mapping(settings).items()
    return "".join(f"{key} = {_toml(value)}\n" for key, value in pairs if value is not None)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_toml(str(key))} = {_toml(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")


def _needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _fits(value: object, kind: Any) -> bool:
    origin, inside = get_origin(kind), get_args(kind)
    if kind is Any or kind is object:
        return True
    if origin in (tuple, list):
        return isinstance(value, list | tuple) and all(_fits(item, inside[0]) for item in value)
    if origin in (dict, Mapping):
        return isinstance(value, dict) and all(_fits(item, inside[1]) for item in value.values())
    if inside:
        return any(_fits(value, option) for option in inside) or value in inside
    if kind is float:
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
        return whole or isinstance(value, float)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind) if isinstance(kind, type) else value == kind


def _convert(value: Any, kind: Any) -> Any:
    origin, inside = get_origin(kind), get_args(kind)
    if origin is tuple:
        return tuple(_convert(item, inside[0]) for item in value)
    if origin in (Union, UnionType):
        return _convert(value, next(option for option in inside if _fits(value, option)))
    return float(value) if kind is float else value


def _in_words(kind: Any) -> str:
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Literal, Union, UnionType):
        return " or ".join(repr(one) if origin is Literal else _in_words(one) for one in inside if one is not NoneType)
    if origin in (tuple, list):
        return f"a list, each of it {_in_words(inside[0])}"
    return _WORDS.get(kind, "names and values")
