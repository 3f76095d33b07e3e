"""The files of a segment: a pack for a small one, a folder of arrays for a large one, which is made in bounded memory.

Both hold the same artifacts under the same names. Knows formats and sizes; refuses to know what the arrays mean.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vizsla.collections import packs
from vizsla.collections.packs import Pack, Packed
from vizsla.core import artifacts
from vizsla.core.artifacts import Artifact, Draft

KIND = "segment"
FOLDER, PACK = 1, 2
"""The formats: of a folder of arrays, and of a pack beside its manifest."""
PACKED_BYTES = 16 << 20
"""What is merged from no more than this goes into a pack."""


def stored(folder: str | Path) -> Artifact:
    """The artifact as it lies on the disk, a pack unread.

    Raises:
        ArtifactError: missing, truncated, or no artifact.
        IncompatibleError: of another kind, or of a format this release does not read.
    """
    version = artifacts.read_manifest(folder)["format"]
    return artifacts.open_artifact(folder, kind=KIND, version=FOLDER if version == FOLDER else PACK)


def opened(place: Path | Packed) -> tuple[Artifact, int]:
    """The artifact with all that is inside it, and the bytes that it takes.

    Raises:
        ArtifactError: missing, truncated, or no artifact.
        IncompatibleError: of another kind, or of a format this release does not read.
    """
    if isinstance(place, Packed):
        size_bytes = sum(one.nbytes for one in place.pack.arrays.values())
        return artifacts.open_artifact(place, kind=KIND, version=FOLDER), size_bytes
    artifact = stored(place)
    size_bytes = sum(entry["size_bytes"] for entry in artifact.manifest["files"].values())
    if artifact.manifest["format"] == PACK:
        pack = Pack.read(artifact.path(packs.NAME))
        artifact = artifacts.open_artifact(pack.root, kind=KIND, version=FOLDER)
    return artifact, size_bytes


@contextmanager
def writing(folder: str | Path, settings: Mapping[str, Any], *, packed: bool) -> Iterator[Draft]:
    """Fill a segment inside the `with` block; leaving it flushes it to the disk and puts it in its place.

    Args:
        folder: where it will stand.
        settings: read when the block ends.
        packed: whether it is made in memory, and stored as a pack.

    Raises:
        ArtifactError: something else stands at `folder`, or it cannot be written.
    """
    if not packed:
        with artifacts.draft(folder, kind=KIND, version=FOLDER, settings=settings) as draft:
            yield draft
        return
    pack = Pack(Path(folder) / packs.NAME)
    with pack.root.draft(KIND, FOLDER, settings) as draft:
        yield draft
    with artifacts.draft(folder, kind=KIND, version=PACK, settings=settings) as outer:
        pack.write(outer.path(packs.NAME))
