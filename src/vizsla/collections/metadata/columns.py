"""Metadata columns: what the passages of a segment say of themselves, by field and by row.

Built from rows, joined from other segments, stored and mapped; a field that no row has takes nothing.
Refuses to know ids, texts and expressions.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import numpy as np

from vizsla.collections.metadata import column as one_column
from vizsla.collections.metadata import packed
from vizsla.collections.metadata.column import Column
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.metadata.values import Row
from vizsla.core.artifacts import Artifact, Draft
from vizsla.core.errors import ArtifactError, ShapeError, VizslaError
from vizsla.core.vectors import Bitmap, check_allowed
from vizsla.data.arena import PositionsLike


class MetadataColumns:
    """The metadata of n passages.

    >>> columns = MetadataColumns.build([{"lang": "zh"}, {}, {"lang": "en"}], Schema({"lang": "text"}))
    >>> columns.row(0), columns.row(1), len(columns)
    ({'lang': 'zh'}, {}, 3)

    Attributes:
        columns: by field, only those that a row has.

    Args:
        size: n.
        columns: as the attribute.
        name: where they are stored, for messages.
    """

    def __init__(self, size: int, columns: Mapping[str, Column], name: str = "the metadata in memory") -> None:
        self.columns, self._size, self._name = columns, size, name

    @classmethod
    def build(cls, rows: Sequence[Row], schema: Schema) -> "MetadataColumns":
        """Columns of rows that `schema.read` gave."""
        fields = dict.fromkeys(name for row in rows for name in row)
        columns = {name: Column.build(schema.fields[name], [row.get(name) for row in rows]) for name in sorted(fields)}
        return cls(len(rows), columns)

    @classmethod
    def joined(cls, parts: Sequence["MetadataColumns"], kept: Sequence[Bitmap]) -> "MetadataColumns":
        """The kept rows of segments, one after another, without reading a value of them.

        Each column is made when it is asked for, so that writing holds one at a time.

        Raises:
            ShapeError: a bitmap that is not one boolean a row of its part.
        """
        for part, mask in zip(parts, kept, strict=True):
            check_allowed(mask, len(part))
        return cls(sum(int(np.count_nonzero(mask)) for mask in kept), _Joined(parts, kept))

    @classmethod
    def load(cls, artifact: Artifact, schema: Schema) -> "MetadataColumns":
        """Map the columns of a stored segment.

        Raises:
            ArtifactError: altered since they were written, or of other kinds than the schema's.
        """
        size, columns = packed.read(artifact)
        for name, column in columns.items():
            kind, wanted = column.values.kind, schema.fields.get(name)
            if kind != wanted and (kind != "list" or wanted not in ("texts", "numbers")):
                found = f"the {kind} '{name}'"
                raise ArtifactError(
                    f"{artifact.folder}: found {found}; wanted {wanted}, as the schema says: restore it"
                )
        decided = {name: packed.decided(column, schema.fields[name]) for name, column in columns.items()}
        return cls(size, decided, str(artifact.folder))

    def write(self, draft: Draft) -> None:
        """Store them as one file, `metadata.npy`."""
        packed.write(draft, self._size, self.columns)

    def __len__(self) -> int:
        return self._size

    def row(self, row: int) -> Row:
        """The metadata of one passage, as `schema.read` gave it.

        Raises:
            ShapeError: no such row.
            ArtifactError: stored values that cannot be.
        """
        return self.many([row])[0]

    def many(self, rows: PositionsLike) -> list[Row]:
        """The metadata of passages, as `schema.read` gave them.

        Raises:
            ShapeError: a row that is not there.
            ArtifactError: stored values that cannot be.
        """
        wanted = np.asarray(rows, np.int64).reshape(-1)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < self._size:
            raise ShapeError(f"found the rows {wanted.min()} to {wanted.max()}; wanted 0 to {self._size - 1}")
        found: list[Row] = [{} for _ in range(len(wanted))]
        with self.reading():
            for name, column in self.columns.items():
                for row, value in zip(found, column.many(wanted), strict=True):
                    if value is not None:
                        row[name] = value
        return found

    def reading(self) -> AbstractContextManager[None]:
        """Says of every error inside that the stored arrays were altered.

        Raises:
            ArtifactError: what reading found.
        """
        return _reading(self._name)


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, IndexError, OverflowError, VizslaError) as error:
        found = f"stored metadata that cannot be ({error})"
        raise ArtifactError(f"{name}: found {found}; altered since it was written: build it again") from error


class _Joined(Mapping[str, Column]):
    """Columns joined when they are asked for."""

    def __init__(self, parts: Sequence[MetadataColumns], kept: Sequence[Bitmap]) -> None:
        self._parts, self._kept = parts, kept
        self._names = sorted({name for part in parts for name in part.columns if self._is_held(name)})

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __getitem__(self, name: str) -> Column:
        if name not in self._names:
            raise KeyError(name)
        with _reading(f"the field '{name}' of segments being merged"):
            found = one_column.joined([part.columns.get(name) for part in self._parts], self._kept)
        if found is None:
            raise KeyError(name)
        return found

    def _is_held(self, name: str) -> bool:
        """Whether a kept row has the field."""
        with _reading(f"the field '{name}' of segments being merged"):
            return self._has_kept(name)

    def _has_kept(self, name: str) -> bool:
        for part, mask in zip(self._parts, self._kept, strict=True):
            column = part.columns.get(name)
            if column is not None and (mask if column.rows is None else mask[column.rows]).any():
                return True
        return False
