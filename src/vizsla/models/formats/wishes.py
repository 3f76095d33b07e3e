"""What a caller wants otherwise: settings by a field's name, a registry entry for what files do not say, lengths.

Knows the fields of a description and refuses names that are none of them; refuses to know where files stand.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vizsla.core.errors import SettingsError
from vizsla.core.settings import Dataclass, from_mapping, nearest
from vizsla.models.description import Architecture, Head, Layout, Tokens

D = TypeVar("D", bound=Dataclass)
_ALIASES = {"head": "kind"}  # a head is named by its kind
_HIDDEN = {"name", "json", "size"}
_INSIDE = ("gelu", "gelu_tanh", "relu")  # an architecture's activations; a head's are others


def _names(kind: type[Dataclass]) -> set[str]:
    return {each.name for each in dataclasses.fields(kind)} - _HIDDEN


_PARTS: dict[str, type[Dataclass]] = {"architecture": Architecture, "head": Head, "layout": Layout, "tokens": Tokens}
_KNOWN = sorted(
    set().union(*map(_names, _PARTS.values()))
    | {f"{part}.activation" for part in ("architecture", "head")}
    | {"head", "score", "layout", "tokens"}
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """Settings that stand before what the files say, and entries that stand behind it.

    Attributes:
        settings: fields of the description by name; `head` is its kind, `tokens` a tokenizer's file or folder.
        like: the same, for what the files leave out.
        layout: an input layout by name, "" for the files' own.
        lengths: most tokens of a query and of a passage, none for the files' own.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    like: Mapping[str, object] = field(default_factory=dict)
    layout: str = ""
    lengths: tuple[int, int] | None = None


def wished(settings: Mapping[str, object], like: Mapping[str, object], layout: str, max_length: object) -> Wishes:
    """Check names and lengths.

    Raises:
        SettingsError: a name that no description has, or a length that cannot be.
    """
    for key in [*settings, *like]:
        if key not in _KNOWN:
            raise SettingsError(f"found the unknown setting '{key}' of a model; {nearest(key, _KNOWN)}")
    named = layout or str(settings.get("layout") or like.get("layout") or "")
    return Wishes(_placed(settings), _placed(like), named, _lengths(max_length))


def _placed(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings under one name each: `kind` for `head`, and `activation` for the part that has such a one."""
    made = {_ALIASES.get(key, key): value for key, value in settings.items() if key != "layout"}
    if "activation" in made:
        value = made.pop("activation")
        inside = value in _INSIDE and not (value == "relu" and made.get("kind") == "terms")
        made["architecture.activation" if inside else "head.activation"] = value
    return {
        key: (value,) if key in ("pooling", "dense") and isinstance(value, str) else value
        for key, value in made.items()
    }


def _lengths(max_length: object) -> tuple[int, int] | None:
    if max_length is None:
        return None
    pair = max_length if isinstance(max_length, tuple | list) else (max_length, max_length)
    if len(pair) != 2 or not all(type(length) is int and length > 0 for length in pair):
        raise SettingsError(
            f"found max_length={max_length!r}; wanted a whole number, or one for queries and one for passages"
        )
    return pair[0], pair[1]


def overridden(value: D, part: str, wishes: Wishes) -> D:
    """A part of the description with the settings laid over it.

    Raises:
        SettingsError: a value of another type.
    """
    fields = _names(type(value))
    wanted: dict[str, Any] = {}
    for key, given in wishes.settings.items():
        owner, _, name = key.rpartition(".")
        if name in fields and owner in ("", part):
            wanted[name] = given
    if not wanted:
        return value
    kept = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    return from_mapping(type(value), kept | wanted)
