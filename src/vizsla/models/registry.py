"""The registry: every published checkpoint by name, with its licence, its settings and its figures.

Knows `registry.toml`. Refuses to know how files are fetched and read: `hub` and `reading` do.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

from vizsla.core.errors import SettingsError
from vizsla.core.settings import from_mapping, nearest
from vizsla.models.description import Family

System: TypeAlias = Literal["rocketqa", "ms-marco-cross-encoder", "corom", "sentence-transformers", "splade"]
Kind: TypeAlias = Literal["dense", "sparse", "reranker"]
Store: TypeAlias = Literal["hub", "modelscope", "baidu"]
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Source:
    """Where figures were published.

    Attributes:
        title: of the paper or page.
        url: where it stands.
        conditions: what all its figures share.
    """

    title: str
    url: str
    conditions: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One published number.

    Attributes:
        measure: "MRR@10", "time of one query", ...
        value: as published.
        unit: "%", "s", "ms", "per second".
        data: what it was measured on.
        source: who says so.
        conditions: what this figure adds to its source's conditions.
    """

    measure: str
    value: float
    unit: str
    data: str
    source: Source
    conditions: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One published model: a checkpoint, or the two towers of an encoder.

    Attributes:
        name: what `vizsla.load` takes.
        system: whose it is.
        family: the architecture of the passages' tower.
        kind: what comes out: dense vectors, sparse weights of terms, or a reranker's scores.
        languages: of its training texts.
        licence: an SPDX identifier, or "unknown".
        store: where the files are: only "hub" can be fetched by `hub.download`.
        url: its page, or its archive.
        id: its id at the store; empty where there are two.
        queries: id of the queries' tower.
        passages: id of the passages' tower.
        aliases: further names it is known by.
        parameters: weights of the encoder without heads, of both towers where they differ; 0 where not known.
        layout: how texts go in, a name of `description.Layout`.
        settings: fields of the description that the files leave out.
        note: what to know before loading it.
        figures: what was published of it.
    """

    name: str
    system: System
    family: Family
    kind: Kind
    languages: tuple[str, ...]
    licence: str
    store: Store
    url: str
    id: str = ""
    queries: str = ""
    passages: str = ""
    aliases: tuple[str, ...] = ()
    parameters: int = 0
    layout: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    note: str = ""
    figures: tuple[Figure, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Its ids at the store: one, or queries then passages."""
        return (self.id,) if self.id else (self.queries, self.passages)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that finds it."""
        return tuple(dict.fromkeys((self.name, *self.ids, *self.aliases)))

    @property
    def restriction(self) -> str:
        """What its licence keeps people from, in words; empty where nothing is known to.

        >>> find("efficient-splade-V-large").restriction
        'not for commercial use; what is made from it must carry the same licence'
        """
        if self.licence == UNKNOWN:
            return "no licence was found stated; read the model's page before using it"
        parts = self.licence.split("-")
        limits = {"NC": "not for commercial use", "SA": "what is made from it must carry the same licence"}
        return "; ".join(words for part, words in limits.items() if part in parts)


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """Every published model, system by system."""
    text = files("vizsla.models").joinpath("registry.toml").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> tuple[Entry, ...]:
    """Read a registry's TOML.

    Raises:
        SettingsError: an unknown key, a value of another type, or a source that is not listed.
    """
    read = tomllib.loads(text)
    sources = {key: from_mapping(Source, values) for key, values in read["sources"].items()}
    return tuple(_entry(values, sources) for values in read["models"])


def find(name: str) -> Entry:
    """The model that a name, an alias or a hub id means.

    >>> find("cross-encoder/ms-marco-MiniLM-L-6-v2").name
    'ms-marco-MiniLM-L6-v2'

    Raises:
        SettingsError: no such model; the message names the nearest.
    """
    known = {each: entry for entry in entries() for each in entry.names}
    if name not in known:
        raise SettingsError(f"found no model '{name}' in the registry; {_hint(name, list(known))}; see: vizsla models")
    return known[name]


def _hint(name: str, known: list[str]) -> str:
    folded = {each.casefold(): each for each in reversed(known)}
    holding = sorted((each for each in folded if name and name.casefold() in each), key=len)
    close = holding or get_close_matches(name.casefold(), folded, n=1)
    if close:
        return f"did you mean '{folded[close[0]]}'?"
    return f"it knows {len(entries())} models, such as '{known[0]}'"


def _entry(values: dict[str, Any], sources: Mapping[str, Source]) -> Entry:
    figures = tuple(_figure(each, sources) for each in values.get("figures", ()))
    settings = {key: tuple(one) if isinstance(one, list) else one for key, one in values.get("settings", {}).items()}
    return from_mapping(Entry, {**values, "figures": figures, "settings": settings})


def _figure(values: dict[str, Any], sources: Mapping[str, Source]) -> Figure:
    source = values.get("source", "")
    if source not in sources:
        raise SettingsError(f"found the source '{source}' of a figure; {nearest(source, sources)}")
    return from_mapping(Figure, {**values, "source": sources[source]})
