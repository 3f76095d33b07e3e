"""From what a caller names to two towers: a folder, a weights file, a registry name or an id of the hub.

Knows where models are looked for, and what may be asked beyond their files. Refuses to know how they are read and
run.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vizsla.core.errors import ArtifactError, IncompatibleError, SettingsError
from vizsla.models import hub, reading, registry
from vizsla.models.description import Description, Towers
from vizsla.models.model import width
from vizsla.models.registry import Entry
from vizsla.models.table import bag_of_words

BAG_OF_WORDS = "bag-of-words"
"""Given as `queries`: each token of a query weighs 1, without a forward pass."""
_WINDOWS = ("first", "max")
_OWN = ("dim", "windows")


@dataclass(frozen=True, slots=True)
class Use:
    """How a model is used, beyond what it is.

    Attributes:
        precision: "fp32" or "bf16".
        dim: the first so many columns of a vector (Matryoshka), 0 for all.
        windows: of a long passage "first" cuts it to one length, "max" takes the largest output of its windows.
        unit: those columns are brought to unit length again, where the model brings its vectors to it.
    """

    precision: str = "fp32"
    dim: int = 0
    windows: str = "first"
    unit: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asks for.

    Attributes:
        model: both towers: a folder, a weights file, a name of the registry, an id of the hub.
        queries: the queries' tower in its place, or "bag-of-words".
        passages: the passages' tower in its place.
        max_length: most tokens, or (of a query, of a passage).
        layout: an input layout by name.
        settings: fields of the description by name, and `dim` and `windows`.
    """

    model: str | Path | None = None
    queries: str | Path | None = None
    passages: str | Path | None = None
    max_length: int | tuple[int, int] | None = None
    layout: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


def find(wanted: Wanted, precision: str | None = None) -> tuple[Towers, Use]:
    """The towers that a caller names, and how they are to be used.

    Raises:
        SettingsError: nothing named, a name that means nothing, or a setting that cannot be.
        ArtifactError: files that are missing or are not what they should be.
        IncompatibleError: two towers that do not belong together.
    """
    use = _use(wanted.settings, precision)
    queries, passages = wanted.queries or wanted.model, wanted.passages or wanted.model
    if passages is None or queries is None:
        raise SettingsError("found no model for one side; wanted model=..., or both queries=... and passages=...")
    right = _told(_read(passages, wanted), wanted)
    if queries == BAG_OF_WORDS:
        return _fitting(Towers(bag_of_words(right.passages), right.passages)), use
    left = right if queries == passages else _told(_read(queries, wanted), wanted)
    towers = _fitting(Towers(left.queries, right.passages))
    tower = towers.passages
    own = min(tower.dim, width(tower.architecture, tower.head))
    return towers, use if use.dim else replace(use, dim=own, unit=not _shortened(tower, wanted))


def _use(settings: Mapping[str, object], precision: str | None) -> Use:
    dim, windows = (settings.get(name, usual) for name, usual in (("dim", 0), ("windows", "first")))
    if type(dim) is not int or dim < 0:
        raise SettingsError(f"found dim={dim!r}; wanted a whole number of columns, or 0 for all")
    if windows not in _WINDOWS:
        raise SettingsError(f"found windows={windows!r}; wanted one of {', '.join(_WINDOWS)}")
    return Use(precision or "fp32", dim, str(windows))


def _read(named: str | Path, wanted: Wanted) -> Towers:
    """Both towers of one name; a file or folder that is there comes before a name."""
    settings = {key: value for key, value in wanted.settings.items() if key not in _OWN}
    given = {"layout": wanted.layout, "max_length": wanted.max_length}
    if Path(named).exists():
        return reading.read(named, settings=settings, **given)  # type: ignore[arg-type]  # each to its own
    if _is_path(named):
        raise ArtifactError(f"{named}: is not there; wanted a model's folder or weights file, or a name: vizsla models")
    name = str(named)
    if entry := _registered(name):
        folders = hub.download_entry(entry)
        settings = {"like": entry.name, **settings}
    else:
        folders = (hub.download(name),) * 2
    queries, passages = (reading.read(folder, settings=settings, **given) for folder in folders)  # type: ignore[arg-type]
    return queries if folders[0] == folders[1] else Towers(queries.queries, passages.passages)


def _registered(name: str) -> Entry | None:
    """The registry's entry, none for an id of the hub that it does not know."""
    try:
        return registry.find(name)
    except SettingsError:
        if name.count("/") == 1:
            return None
        raise


def _is_path(named: str | Path) -> bool:
    return isinstance(named, Path) or named.startswith((".", "/", "~")) or named.count("/") > 1


def _shortened(tower: Description, wanted: Wanted) -> bool:
    """Whether files ask for the first columns of vectors: sentence-transformers leaves what remains of unit length."""
    asked = 0 < tower.dim < width(tower.architecture, tower.head)
    return asked and not wanted.settings.get("dim") and "normalize" not in wanted.settings


def _told(towers: Towers, wanted: Wanted) -> Towers:
    """The towers as they are; a word where a dot product of their vectors would not be their score."""
    tower = towers.queries
    unit = tower.head.normalize and not _shortened(tower, wanted)
    if tower.score == "cosine" and tower.head.kind == "vector" and not unit:
        logging.getLogger("vizsla").warning(
            "%s is compared by cosine and does not normalise: its vectors come as the model makes them; for search by "
            "dot products load it with settings={'normalize': True}, or with settings={'score': 'dot'} where it was "
            "trained so",
            tower.name,
        )
    return towers


def _fitting(towers: Towers) -> Towers:
    """Towers whose numbers can be compared.

    Raises:
        IncompatibleError: another kind of output, another width or another score.
    """
    one, other = towers.queries, towers.passages
    for what, left, right in (
        ("output", one.head.kind, other.head.kind),
        ("score", one.score, other.score),
        ("width", width(one.architecture, one.head), width(other.architecture, other.head)),
    ):
        if left != right:
            raise IncompatibleError(
                f"{one.name} and {other.name}: found the {what}s {left!r} and {right!r}; wanted two towers of one model"
            )
    return towers
