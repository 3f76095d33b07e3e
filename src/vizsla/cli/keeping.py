"""Keeping: what a collection remembers besides passages, pipelines, rerankers and kinds of fields, from flags.

Knows how they are written; checks them together before anything is changed. Refuses to know what they do.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from vizsla.cli.opening import named_values, placed
from vizsla.core.errors import SettingsError

if TYPE_CHECKING:
    from vizsla.collections.collection import Collection

_PANEL = "What it keeps"
Fields: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=KIND", help="text, number, boolean, date, …", rich_help_panel=_PANEL),
]
Pipelines: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--pipeline",
        metavar="NAME=PIPELINE",
        help="The one named default is searched by itself.",
        rich_help_panel=_PANEL,
    ),
]
Rerankers: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--reranker", metavar="NAME=MODEL", help="For pipelines: … >> rerank(NAME, depth=30).", rich_help_panel=_PANEL
    ),
]


@dataclass(frozen=True, slots=True)
class Kept:
    """Kinds of fields, pipelines and places of rerankers, each by name."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    pipelines: Mapping[str, str] = field(default_factory=dict)
    rerankers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls, fields: Sequence[str] | None, pipelines: Sequence[str] | None, rerankers: Sequence[str] | None
    ) -> "Kept":
        """From what was given as NAME=VALUE, each checked by itself.

        Raises:
            SettingsError: a kind, a pipeline, a pair or the name of a model that cannot be.
        """
        from vizsla.collections.metadata.schema import Schema
        from vizsla.models.registry import find
        from vizsla.retrievers.pipeline import parse

        kinds: dict[str, Any] = dict(named_values(fields, "--field", "published=date"))
        wanted = named_values(pipelines, "--pipeline", "'default=rrf(bm25, minilm)'")
        places = named_values(rerankers, "--reranker", "cross=FOLDER")
        for model in places.values():
            if not Path(model).exists() and "/" not in model:
                find(model)  # a misspelt name is told now, not when it is first searched with
        return cls(
            Schema(kinds).fields,
            {name: str(parse(text)) for name, text in wanted.items()},
            {name: placed(model) for name, model in places.items()},
        )

    def check(self, encoders: Iterable[str]) -> None:
        """Refuse a pipeline that speaks of a stage which is not there.

        Raises:
            SettingsError: names the stage, and the nearest that is there.
        """
        from vizsla.core.settings import nearest
        from vizsla.retrievers.pipeline import parse

        known = list(encoders)
        for name, text in self.pipelines.items():
            for stage in parse(text).stages():
                if stage not in known:
                    found = f"found the pipeline {name}={text}, which speaks of '{stage}'"
                    raise SettingsError(f"{found}; wanted encoders of the collection: {nearest(stage, known)}")

    def put(self, collection: "Collection") -> None:
        """Let the collection keep all of it.

        Raises:
            SettingsError: a field that is of another kind already.
        """
        if self.fields:
            collection.keep_fields(self.fields)
        for name, model in self.rerankers.items():
            collection.keep_reranker(name, model)
        for name, text in self.pipelines.items():
            collection.keep_pipeline(name, text)
