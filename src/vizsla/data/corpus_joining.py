"""Joining corpora: the kept passages of several, one corpus after another, without reading a text.

Knows the arrays of a corpus and copies stretches of bytes, a block of passages at a time; every offset is checked on
the way. Memory: one block, and 16 bytes a passage while the hashes of the ids are sorted.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import numpy as np

from vizsla.core.artifacts import Place, draft
from vizsla.core.errors import ArtifactError
from vizsla.core.vectors import Bitmap, check_allowed
from vizsla.data.arena import Arena, Ints
from vizsla.data.corpus import KIND, VERSION, Corpus
from vizsla.data.corpus_writer import DTYPES
from vizsla.data.growing import GrowingArray
from vizsla.data.ids import Hashes, sort_hashes

_BLOCK = 4096


def join(corpora: Sequence[Corpus], kept: Sequence[Bitmap], folder: Place) -> None:
    """Store the kept passages of corpora as one; no id may be kept twice.

    Args:
        corpora: in their order.
        kept: (n,) for each, which of its passages go on.
        folder: where the corpus will stand.

    Raises:
        ShapeError: a bitmap of another size than its corpus.
        ArtifactError: stored offsets that leave the arrays, or something else stands at `folder`.
    """
    for corpus, mask in zip(corpora, kept, strict=True):
        check_allowed(mask, len(corpus))
    total = sum(int(np.count_nonzero(mask)) for mask in kept)
    with draft(folder, kind=KIND, version=VERSION, settings={"passages": total}) as target, ExitStack() as files:
        arrays = {name: GrowingArray(files.enter_context(target.open(name)), dtype) for name, dtype in DTYPES.items()}
        ends = {"starts": 0, "id_starts": 0}
        for name in ends:
            arrays[name].append(np.zeros(1, np.int64))
        for corpus, rows in _blocks(corpora, kept):
            arrays["title_sizes"].append(corpus.title_sizes[rows])
            texts = Arena(corpus.bytes, corpus.starts, f"{corpus.name}: passages")
            ids = Arena(corpus.id_bytes, corpus.id_starts, f"{corpus.name}: ids")
            ends["starts"] = _copy(texts, rows, arrays["bytes"], arrays["starts"], ends["starts"])
            ends["id_starts"] = _copy(ids, rows, arrays["id_bytes"], arrays["id_starts"], ends["id_starts"])
        hashes, order = sort_hashes(np.concatenate([np.empty(0, np.uint64), *map(_hashes, corpora, kept)]))
        arrays["id_hashes"].append(hashes)
        arrays["id_order"].append(order)
        for array in arrays.values():
            array.close()


def _blocks(corpora: Sequence[Corpus], kept: Sequence[Bitmap]) -> Iterator[tuple[Corpus, Ints]]:
    for corpus, mask in zip(corpora, kept, strict=True):
        rows = np.flatnonzero(mask).astype(np.int64)
        for start in range(0, len(rows), _BLOCK):
            yield corpus, rows[start : start + _BLOCK]


def _copy(arena: Arena, rows: Ints, values: GrowingArray, starts: GrowingArray, end: int) -> int:
    """Append the strings of rising rows, neighbours at once; returns where the last one ends."""
    begins, stops = arena.spans(rows)
    edges = np.flatnonzero(np.concatenate([[True], begins[1:] != stops[:-1], [True]]))
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        values.append(arena.bytes[begins[first] : stops[last - 1]].tobytes())
    ends = end + np.cumsum(stops - begins)
    starts.append(ends)
    return int(ends[-1])


def _hashes(corpus: Corpus, mask: Bitmap) -> Hashes:
    """The hashes of the kept ids by row."""
    order = corpus.id_order
    if len(order) and not 0 <= order.min() <= order.max() < len(corpus):
        raise ArtifactError(f"{corpus.name}: found positions beyond its passages; altered since it was written")
    by_row = np.empty(len(corpus), np.uint64)
    by_row[order] = corpus.id_hashes
    return by_row[mask]
