"""Merging: adjacent segments become one, so that there are never many, and dead rows go.

Rule: walk back from the newest; as long as four times the rows so far are at least those of the next older segment,
take it in. So sizes fall by more than four from one segment to the next, and n rows have at most log4(n) + 1 of them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vizsla.collections import joining
from vizsla.collections.metadata.columns import MetadataColumns
from vizsla.collections.parts import LexicalPart, SparsePart
from vizsla.collections.segment import KIND, VERSION, Segment
from vizsla.collections.settings import CollectionSettings
from vizsla.core import artifacts
from vizsla.core.vectors import Bitmap
from vizsla.data import corpus_joining

GROWTH = 4


def tail(sizes: Sequence[int], growth: int = GROWTH) -> int:
    """How many of the newest segments become one; 1 where none does.

    >>> tail([100, 9, 2, 1]), tail([100, 9, 1]), tail([36, 9, 1]), tail([])
    (3, 1, 1, 0)
    """
    taken, rows = 0, 0
    for size in reversed(sizes):
        if taken and growth * rows < size:
            break
        taken, rows = taken + 1, rows + size
    return taken


def merge(segments: Sequence[Segment], kept: Sequence[Bitmap], folder: str | Path, settings: CollectionSettings) -> int:
    """Store the kept rows of segments, in their order, as one segment; returns how many they are.

    Law: what is found in it, and every score, is what a fresh segment of the same passages gives.

    Raises:
        ArtifactError: a segment was altered, or the place cannot be written.
    """
    rows = sum(int(np.count_nonzero(mask)) for mask in kept)
    with artifacts.draft(folder, kind=KIND, version=VERSION, settings={"rows": rows}) as draft:
        corpus_joining.join([one.corpus for one in segments], kept, draft.path("corpus"))
        MetadataColumns.joined([one.metadata for one in segments], kept).write(draft)
        for encoder in settings.encoders:
            found = [one.parts[encoder.name] for one in segments]
            place = draft.path(f"parts/{encoder.name}")
            if lexical := [part for part in found if isinstance(part, LexicalPart)]:
                joining.join_lexical(place, lexical, kept, settings.bm25)
            if sparse := [part for part in found if isinstance(part, SparsePart)]:
                joining.join_sparse(place, sparse, kept)
    return rows
