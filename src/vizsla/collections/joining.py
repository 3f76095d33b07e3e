"""Joining parts: the kept rows of several segments as the rows of one, without a text or a vector made again.

Vocabularies become one by their sorted terms and rows are renumbered, so joined rows are those of a fresh segment of
the same passages, bit for bit. Knows the parts' arrays; refuses to know which segments are joined, and why.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vizsla.collections import parts
from vizsla.collections.parts import DensePart, LexicalPart, Part, SparsePart
from vizsla.collections.settings import CollectionSettings
from vizsla.core.artifacts import Place
from vizsla.core.errors import ArtifactError
from vizsla.core.vectors import Bitmap
from vizsla.data.growing import GrowingArray
from vizsla.encoders.bm25 import BM25
from vizsla.encoders.vocabulary import Vocabulary
from vizsla.indexes import inverted
from vizsla.indexes.forward import Forward
from vizsla.indexes.inverted import InvertedIndex
from vizsla.kernels.postings import Counts
from vizsla.kernels.uniting import unite
from vizsla.text import packing

Int64s = npt.NDArray[np.int64]
_BLOCK = 4096


def join(folder: Place, found: Sequence[Part], kept: Sequence[Bitmap], settings: CollectionSettings) -> None:
    """Store the kept rows of parts of one encoder as one part."""
    if lexical := [part for part in found if isinstance(part, LexicalPart)]:
        _join_lexical(folder, lexical, kept, settings.bm25)
    if sparse := [part for part in found if isinstance(part, SparsePart)]:
        _join_sparse(folder, sparse, kept)
    if dense := [part for part in found if isinstance(part, DensePart)]:
        _join_dense(folder, dense, kept, settings.recall)


def _join_lexical(folder: Place, found: Sequence[LexicalPart], kept: Sequence[Bitmap], bm25: BM25) -> None:
    """Store the kept rows of lexical parts as one; a term that no kept row holds is dropped."""
    live = [_frequencies(part, mask) for part, mask in zip(found, kept, strict=True)]
    vocabulary, numbers = _united([part.vocabulary.strings for part in found], live)
    with _waiting(folder, np.int32) as forward:
        for part, mask, columns in zip(found, kept, numbers, strict=True):
            for rows in _kept_rows(part.index, mask):
                forward.add(Counts(columns[rows.terms], rows.values, rows.ends), len(vocabulary))
        parts.save_lexical(folder, vocabulary, forward, np.arange(len(vocabulary)), bm25)


def _join_sparse(folder: Place, found: Sequence[SparsePart], kept: Sequence[Bitmap]) -> None:
    """Store the kept rows of sparse parts as one."""
    dim = found[0].index.dim
    with _waiting(folder, np.float32) as forward:
        for part, mask in zip(found, kept, strict=True):
            for rows in _kept_rows(part.index, mask):
                forward.add(rows, dim)
        inverted.write(folder, forward, np.arange(dim), None)


def _join_dense(folder: Place, found: Sequence[DensePart], kept: Sequence[Bitmap], recall: float) -> None:
    """Store the kept rows of dense parts as one."""
    if not isinstance(folder, Path):
        rows = np.concatenate([part.index.vectors[mask] for part, mask in zip(found, kept, strict=True)])
        parts.write_dense(folder, rows, recall)
        return
    scratch = folder.with_name(f"{folder.name}.npy")
    scratch.parent.mkdir(parents=True, exist_ok=True)
    with scratch.open("wb") as file:
        values = GrowingArray(file, np.float32)
        for part, mask in zip(found, kept, strict=True):
            places = np.flatnonzero(mask)
            for begin in range(0, len(places), _BLOCK):
                values.append(part.index.vectors[places[begin : begin + _BLOCK]].reshape(-1))
        values.close()
    mapped = np.load(scratch, mmap_mode="r").reshape(-1, found[0].index.dim)
    parts.write_dense(folder, mapped, recall)
    scratch.unlink()


@contextmanager
def _waiting(folder: Place, values: npt.DTypeLike) -> Iterator[Forward]:
    """Rows on their way into a part: in a file beside it, or in memory where the part is made there."""
    scratch = folder.with_name(f"{folder.name}.rows") if isinstance(folder, Path) else None
    if scratch is not None:
        scratch.mkdir(parents=True)
    with closing(Forward(scratch, values)) as forward:
        yield forward
    if scratch is not None:
        scratch.rmdir()


def _frequencies(part: LexicalPart, kept: Bitmap) -> Int64s:
    """How many kept rows hold each term: (terms,)."""
    live = np.array(part.vocabulary.frequencies)
    if not kept.all():
        for rows in _kept_rows(part.index, ~kept):
            live -= np.bincount(rows.terms, minlength=len(live))
    return live


def _united(vocabularies: Sequence[packing.Strings], live: Sequence[Int64s]) -> tuple[Vocabulary, list[Int64s]]:
    """One vocabulary of all live terms, and what each old number became; -1 where no live row holds the term."""
    terms, numbers = _live(vocabularies[0], live[0])
    renumbered, frequencies = [numbers], live[0][live[0] > 0]
    for strings, counts in zip(vocabularies[1:], live[1:], strict=True):
        others, numbers = _live(strings, counts)
        first, second = unite(*terms, *others)
        if len(first) != len(terms.starts) - 1 or len(second) != len(others.starts) - 1:
            raise ArtifactError("the vocabulary holds offsets outside its terms: altered since it was written")
        size = int(max(first.max(initial=-1), second.max(initial=-1))) + 1
        summed = np.zeros(size, np.int64)
        summed[first] += frequencies
        summed[second] += counts[counts > 0]
        # Each string of the union stands in one list or both: taken from the first where it stands there.
        rows = np.empty(size, np.int64)
        rows[second] = np.arange(len(second)) + len(first)
        rows[first] = np.arange(len(first))
        terms, frequencies = packing.take(packing.concatenate(terms, others), rows), summed
        renumbered = [*(_through(one, first) for one in renumbered), _through(numbers, second)]
    return Vocabulary(terms.data, terms.starts, frequencies), renumbered


def _live(strings: packing.Strings, frequencies: Int64s) -> tuple[packing.Strings, Int64s]:
    """The terms that a live row holds, and each term's number among them, -1 where none does."""
    held = frequencies > 0
    numbers = np.where(held, np.cumsum(held) - 1, -1)
    plain = packing.Strings(np.asarray(strings.data), np.asarray(strings.starts))
    return (plain if held.all() else packing.take(plain, np.flatnonzero(held))), numbers


def _through(numbers: Int64s, further: Int64s) -> Int64s:
    """Numbers renumbered once more; -1 stays."""
    return np.where(numbers >= 0, further[numbers] if len(further) else -1, -1)


def _kept_rows(index: InvertedIndex, kept: Bitmap) -> Iterator[Counts]:
    """The kept rows of an index, block by block, each row's columns rising."""
    for begin in range(0, len(kept), _BLOCK):
        end = min(begin + _BLOCK, len(kept))
        mask = kept[begin:end]
        if not mask.any():
            continue
        rows = index.contents.rows(begin, end)
        if mask.all():
            yield rows
            continue
        sizes = np.diff(rows.ends, prepend=0)
        entries = np.repeat(mask, sizes)
        yield Counts(rows.terms[entries], rows.values[entries], np.cumsum(sizes[mask]))
