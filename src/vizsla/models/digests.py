"""A tower's digest without reading its weights again.

The digest of what does not change is kept in the cache, under a key of where every weight lies: its file's device,
inode, size and times of change and of status, its offset, shape and strides. No program can set the time of status
back, so another content is another key. A file whose status changed in the last two seconds could change again within
one tick of its clock: of such a file nothing is kept. Weights that are no views of a file (halves made whole, slices
joined) are hashed at every load.
"""

import dataclasses
import glob
import hashlib
import json
import logging
import os
import time
from pathlib import Path
from typing import Any, TypeAlias

from vizsla.models import cache
from vizsla.models.contract import digest
from vizsla.models.description import Description
from vizsla.models.weights.places import Identity, identity, origin

_FORMAT = 1
_TICK_NS = 2_000_000_000
_LETTERS = 32

Origins: TypeAlias = list[tuple[str, Identity, tuple[Any, ...]]]


def of(description: Description) -> str:
    """The digest of a tower's weights and architecture, from the cache where it is known.

    Raises:
        ArtifactError: the published graph cannot be read.
    """
    origins = _published(description.graph) if description.graph else _weights(description)
    if origins is None or any(_fresh(each) for _, each, _ in origins):
        return digest(description)
    said = json.dumps([_FORMAT, dataclasses.asdict(description.architecture), origins], sort_keys=True)
    place = cache.folder() / "digests" / hashlib.blake2b(said.encode(), digest_size=16).hexdigest()
    known = _kept(place)
    if known is None:
        known = digest(description)
        _keep(place, known)
    return known


def _weights(description: Description) -> Origins | None:
    """Where each weight lies; None where one lies in no file."""
    made: Origins = []
    for name in sorted(description.weights):
        array = description.weights[name]
        found = origin(array)
        if found is None:
            return None
        made.append((name, found[0], (found[1], array.shape, array.strides, array.dtype.str)))
    return made


def _published(graph: str) -> Origins | None:
    paths = sorted(Path(graph).parent.glob(f"{glob.escape(Path(graph).name)}*"))
    try:
        return [(str(path), identity(path.stat()), ()) for path in paths]
    except OSError:
        return None  # the digest's own reading says what is wrong


def _fresh(found: Identity) -> bool:
    return found.changed_ns > time.time_ns() - _TICK_NS


def _kept(place: Path) -> str | None:
    try:
        said = place.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return said if len(said) == _LETTERS and set(said) <= set("0123456789abcdef") else None


def _keep(place: Path, said: str) -> None:
    """Write by one rename. A cache that cannot be written costs time at the next load and nothing else."""
    unfinished = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(said, encoding="ascii")
        unfinished.replace(place)
    except OSError as error:
        logging.getLogger("vizsla").info("%s: digest not kept (%s)", place, error.strerror)
