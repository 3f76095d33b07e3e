"""Opening: a collection from its folder and from the flags that its commands share.

Knows a collection's folder from an index's, and how names and values are written. Refuses to know what is searched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol, TypeAlias

import typer

from vizsla.core.errors import ArtifactError, SettingsError

if TYPE_CHECKING:
    from vizsla.collections.collection import Collection
    from vizsla.collections.snapshot import Snapshot
    from vizsla.core.hits import Positions
    from vizsla.core.protocols import Retriever

PANEL = "The collection"
Folder: TypeAlias = Annotated[Path, typer.Argument(metavar="FOLDER", help="A collection, made by vizsla create.")]
Models: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="NAME=MODEL", help="Where a model is now, if it has moved.", rich_help_panel=PANEL),
]
Where: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="CONDITION", help="Of metadata: \"lang = 'zh' AND year >= 2020\".", rich_help_panel=PANEL),
]
PipelineOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--pipeline",
        metavar="PIPELINE",
        help="A kept name, or such as 'rrf(bm25, minilm)'.",
        rich_help_panel=PANEL,
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object on one line.")]


class Ids(Protocol):
    """Positions to outside ids, and back."""

    def many(self, positions: "Positions") -> list[str]: ...
    def positions(self, ids: Sequence[str]) -> "Positions": ...


@dataclass(frozen=True, slots=True)
class SnapshotIds:
    """The ids of a snapshot, as a corpus gives its own."""

    snapshot: "Snapshot"

    def many(self, positions: "Positions") -> list[str]:
        """The ids of positions."""
        return self.snapshot.ids(positions)

    def positions(self, ids: Sequence[str]) -> "Positions":
        """Where ids live, -1 where none does."""
        return self.snapshot.positions(ids)


@dataclass(frozen=True, slots=True)
class Searched:
    """What judged queries are asked of, an index or a collection.

    Attributes:
        retriever: what searches.
        ids: of its passages.
        size: how many there are.
        fitted_on: the judgements that its probabilities were fitted on; empty where it gives scores.
    """

    retriever: "Retriever"
    ids: Ids
    size: int
    fitted_on: str = ""

    def within(self, k: int) -> int:
        """A depth that is no deeper than there are passages."""
        return min(k, max(self.size, 1))


def is_collection(folder: Path) -> bool:
    """Whether a collection stands here."""
    from vizsla.collections.log import FILE

    return (folder / FILE).is_file()


def is_artifact(folder: Path) -> bool:
    """Whether something that vizsla wrote and that does not change stands here, such as an index."""
    from vizsla.core.artifacts import MANIFEST

    return (folder / MANIFEST).is_file()


def refuse_neither(folder: Path) -> None:
    """Refuse what is neither a collection nor an index, where both would do.

    Raises:
        ArtifactError: it is not there, or something else.
        SettingsError: a short option, where a command has none.
    """
    if is_collection(folder) or is_artifact(folder):
        return
    if str(folder).startswith("-") and not folder.exists():
        raise SettingsError(f"found '{folder}' where a folder is wanted; try --help")
    found = "holds neither" if folder.is_dir() else "is no folder" if folder.exists() else "is not there"
    raise ArtifactError(f"{folder}: {found}; wanted a collection of vizsla create, or an index of vizsla index")


def opened(folder: Path, models: Sequence[str] | None = None) -> "Collection":
    """The collection of a folder.

    Raises:
        ArtifactError: there is none, or it is damaged.
        SettingsError: a model that is not written as NAME=MODEL.
    """
    from vizsla.collections.collection import Collection
    from vizsla.core.settings import nearest

    if not is_collection(folder) and is_artifact(folder):
        advice = "put what it was made from into a collection: vizsla create, vizsla add"
        raise ArtifactError(f"{folder}: found an index, which does not change once it is built; {advice}")
    if folder.is_file():
        raise ArtifactError(f"{folder}: is a file; wanted the folder of a collection first, then what comes into it")
    places = named_values(models, "--model", "minilm=FOLDER")
    found = Collection.open(folder, models={name: placed(value) for name, value in places.items()})
    if places:
        info = found.info()
        known = {**info.models, **info.rerankers}
        if unknown := [name for name in places if name not in known]:
            there = nearest(unknown[0], known) if known else "it has no models"
            raise SettingsError(f"found --model {unknown[0]}=… for {folder}, which has no model of this name; {there}")
    return found


def refuse_for_an_index(**flags: object) -> None:
    """Refuse flags that only a collection understands.

    Raises:
        SettingsError: names the first of them.
    """
    for name, value in flags.items():
        if value:
            raise SettingsError(f"found --{name} for an index; wanted a collection: vizsla create, vizsla add")


def named_values(texts: Iterable[str] | None, option: str, example: str) -> dict[str, str]:
    """Values by name, from what was given as NAME=VALUE.

    Raises:
        SettingsError: no name, no value, or a name that comes twice.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, _, value = (part.strip() for part in text.partition("="))
        if not name or not value or name in found:
            raise SettingsError(f"found {option} '{text}'; wanted each name once, with its value: {option} {example}")
        found[name] = value
    return found


def placed(model: str) -> str:
    """A model's place from wherever vizsla is called next: a folder's whole path; other names stay."""
    return str(Path(model).absolute()) if Path(model).exists() else model
