"""Corpus writer: passages into the arrays of a corpus, a buffer at a time.

Memory: one buffer of passages, and 8 bytes a passage for the hashes of the ids (24 while they are
sorted at the end). Refuses to know where the files stand.
"""

from collections.abc import Iterable, Mapping
from typing import IO

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.growing import GrowingArray
from vizsla.data.ids import Hashes, hash_ids, sort_hashes

DTYPES: dict[str, npt.DTypeLike] = {
    "bytes": np.uint8,
    "starts": np.int64,
    "title_sizes": np.int32,
    "id_bytes": np.uint8,
    "id_starts": np.int64,
    "id_hashes": np.uint64,
    "id_order": np.int64,
}
"""The stored arrays, all of one dimension."""

_BUFFER_PASSAGES = 4096
_BUFFER_BYTES = 16 << 20
_TITLE_LIMIT_BYTES = 2**31 - 2


class CorpusWriter:
    """Writes each array of a corpus to its file.

    Attributes:
        arrays: one growing array a name in DTYPES.
    """

    def __init__(self, files: Mapping[str, IO[bytes]]) -> None:
        self.arrays = {name: GrowingArray(files[name], dtype) for name, dtype in DTYPES.items()}
        self._hashes: list[Hashes] = []
        self._texts: list[bytes] = []
        self._titles: list[int] = []
        self._ids: list[str] = []
        self._buffered_bytes = 0
        self._ends = {"starts": 0, "id_starts": 0}

    def write(self, passages: Iterable[Passage]) -> int:
        """Write every passage and close the arrays; returns how many.

        Raises:
            DataError: an empty id, or text that UTF-8 cannot hold.
        """
        for name in self._ends:
            self.arrays[name].append(np.zeros(1, dtype=np.int64))
        for passage in passages:
            self._add(passage)
            if len(self._ids) >= _BUFFER_PASSAGES or self._buffered_bytes >= _BUFFER_BYTES:
                self._flush()
        self._flush()
        hashes, order = sort_hashes(np.concatenate([np.empty(0, dtype=np.uint64), *self._hashes]))
        self.arrays["id_hashes"].append(hashes)
        self.arrays["id_order"].append(order)
        for array in self.arrays.values():
            array.close()
        return len(order)

    def _add(self, passage: Passage) -> None:
        try:
            passage.id.encode()
            title = b"%s\n" % one_line(passage.title).encode() if passage.title else b""
            text = title + passage.text.encode()
        except UnicodeEncodeError as error:
            found = f"{error.object[error.start : error.end]!r} in the passage {passage.id!r}"
            raise DataError(f"found {found}; wanted text that UTF-8 can hold: half a surrogate pair cannot") from None
        if not passage.id or len(title) > _TITLE_LIMIT_BYTES:
            found = f"the id {passage.id!r} and a title of {len(title)} bytes"
            raise DataError(f"found {found}; wanted an id of at least one character and a title below 2 GiB")
        self._ids.append(passage.id)
        self._titles.append(len(title))
        self._texts.append(text)
        self._buffered_bytes += len(text)

    def _flush(self) -> None:
        self._append("bytes", "starts", self._texts)
        self._append("id_bytes", "id_starts", [one.encode() for one in self._ids])
        self.arrays["title_sizes"].append(np.array(self._titles, dtype=np.int32))
        self._hashes.append(hash_ids(self._ids))
        self._texts, self._titles, self._ids, self._buffered_bytes = [], [], [], 0

    def _append(self, values: str, starts: str, pieces: list[bytes]) -> None:
        ends = self._ends[starts] + np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
        self.arrays[values].append(b"".join(pieces))
        self.arrays[starts].append(ends)
        self._ends[starts] = int(ends[-1]) if len(ends) else self._ends[starts]


def one_line(title: str) -> str:
    """A title as a corpus keeps it: its line ends are spaces."""
    return title.replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
