"""Syncing: a folder of texts that people edit, and a collection that follows it.

A passage's id is `path#n`. It keeps the id as long as its title and text stay, wherever in its file it moves to; what
is new in a file takes the numbers that were given up, then higher ones. Texts are told apart by digest, and those that
moved to another file bring their vectors along. Knows files, ids and digests; refuses to know how passages are stored.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path

import numpy as np

from vizsla.collections.changes import Counts
from vizsla.collections.collection import Collection
from vizsla.collections.frozen import Progress
from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.corpus_writer import one_line
from vizsla.data.cutting import Cutting
from vizsla.data.formats import folder
from vizsla.data.problems import Problems, shown

FIELD = "synced_from"
"""The field of metadata that says which folder a passage follows."""

_BATCH = 4096


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """How a folder is followed.

    Attributes:
        name: what the collection calls the folder; empty for the folder's own name. It tells whose passages are whose.
        cutting: how texts are cut.
    """

    name: str = ""
    cutting: Cutting = field(default_factory=Cutting)


@dataclass(frozen=True, slots=True)
class Synced:
    """What following came to.

    Attributes:
        name: what the collection calls the folder.
        files: how many were read.
        counts: of passages.
    """

    name: str
    files: int
    counts: Counts


def sync(
    collection: Collection,
    directory: str | Path,
    settings: SyncSettings | None = None,
    *,
    problems: Problems | None = None,
    progress: Progress | None = None,
) -> Synced:
    """Make the passages of a folder's `.txt`, `.md` and `.html` files what these hold now.

    Passages that came otherwise, or from a folder of another name, stay as they are; of those that were added from the
    files of this very folder, it takes charge. What was done when it is broken off stays done, and is not done again.

    Args:
        collection: what follows.
        directory: what is followed.
        settings: its name, and how texts are cut.
        problems: where files that cannot be read are counted.
        progress: told of files.

    Raises:
        DataError: no folder, one without a file that can be read while there were some before, or ids of another's.
        OverloadedError: another process is writing.
        ArtifactError: the collection cannot be written.
    """
    root, wanted, problems = Path(directory), settings or SyncSettings(), problems or Problems()
    if not root.is_dir():
        raise DataError(f"{root}: is no folder; wanted one with .txt, .md or .html files in it")
    name = wanted.name or root.resolve().name
    files = list(folder.files(root, problems=problems))
    work = _Work(collection, name, _held(collection, name))
    if work.held and not files:
        advice = "wanted at least one: is the folder there? To remove them all, delete their ids"
        raise DataError(
            f"{root}: found no texts, while the collection holds those of {len(work.held):,} files; {advice}"
        )
    known = {digest: f"{path}#{number}" for path, rows in work.held.items() for number, digest in rows.items()}
    changed = _changed(work, root, files, wanted.cutting, problems, progress)
    counts = collection.update(changed, alike=lambda passage: known.get(_digest(passage)))
    gone = [*work.gone, *(f"{path}#{number}" for path, rows in work.held.items() for number in rows)]
    if gone:
        counts += collection.delete(gone)
    return Synced(name, len(files), counts + Counts(unchanged=work.kept))


@dataclass(slots=True)
class _Work:
    """One sync: digests by number of what is held of each file that was not read yet, and what became of the others."""

    collection: Collection
    name: str
    held: dict[str, dict[int, bytes]]
    gone: list[str] = field(default_factory=list)
    kept: int = 0

    def passages(self, path: str, pieces: list[Passage]) -> Iterator[Passage]:
        """Those of a file's passages that are new, or other under their ids."""
        rows = self.held.pop(path, None)
        adopted = rows is None
        if rows is None:
            rows = self._adopted(path)
        free: dict[bytes, list[int]] = {}
        for number, digest in sorted(rows.items()):
            free.setdefault(digest, []).append(number)
        kept = [(numbers.pop(0) if (numbers := free.get(_digest(one))) else None) for one in pieces]
        left = iter(sorted(number for numbers in free.values() for number in numbers))
        to_give = chain(left, count(max(rows, default=-1) + 1))
        for own, one in zip(kept, pieces, strict=True):
            if own is not None and not adopted:
                self.kept += 1
                continue
            id_ = f"{path}#{next(to_give) if own is None else own}"
            yield Passage(id_, one.text, one.title, {FIELD: self.name}, path)
        self.gone += [f"{path}#{given_up}" for given_up in left]

    def _adopted(self, path: str) -> dict[int, bytes]:
        """Passages of a file that were added from it before it was followed: path#0, path#1, ..., as adding names them.

        Raises:
            DataError: they follow a folder of another name.
        """
        rows: dict[int, bytes] = {}
        while (one := self.collection.get(f"{path}#{len(rows)}")) is not None:
            if owner := one.metadata.get(FIELD):
                found = f"found the id {shown(one.id)} in use for the folder {shown(owner)}"
                advice = f"give it the name {shown(owner)} if it is the same folder, or sync the folder above both"
                raise DataError(f"{found}; wanted it free for {shown(self.name)}: {advice}")
            rows[len(rows)] = _digest(one)
        return rows


def _held(collection: Collection, name: str) -> dict[str, dict[int, bytes]]:
    """The digests of what the collection holds of a folder, by path and number."""
    snapshot, held = collection.snapshot(), dict[str, dict[int, bytes]]()
    if FIELD not in snapshot.setup.schema.fields:
        return held
    quoted = name.replace("'", "''")
    positions = np.flatnonzero(snapshot.bitmap(f"{FIELD} = '{quoted}'"))
    for begin in range(0, len(positions), _BATCH):
        for one in snapshot.passages(positions[begin : begin + _BATCH]):
            path, _, number = one.id.rpartition("#")
            if path == one.parent and number.isascii() and number.isdigit():
                held.setdefault(path, {})[int(number)] = _digest(one)
    return held


def _changed(
    work: _Work, root: Path, files: list[Path], cutting: Cutting, problems: Problems, progress: Progress | None
) -> Iterator[Passage]:
    for done, file in enumerate(files):
        if progress is not None:
            progress("reading", done, len(files))
        name = file.relative_to(root).as_posix()
        pieces = [one for one, _ in folder.read_file(file, name, cutting=cutting, problems=problems)]
        if pieces:
            yield from work.passages(pieces[0].id.rpartition("#")[0], pieces)


def _digest(passage: Passage) -> bytes:
    return hashlib.blake2b(f"{one_line(passage.title)}\n{passage.text}".encode(), digest_size=16).digest()
