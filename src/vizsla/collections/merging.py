"""Merging: adjacent segments become one, so that there are never many, and dead rows go.

Rule: where a segment is not more than four times as large as the next newer one, it becomes one with all behind it; as
long as four times the rows so far are at least those of the next older segment, that is taken in too. So sizes fall by
more than four from one segment to the next, and n rows have at most log4(n) + 1 of them.
"""

from collections.abc import Sequence
from itertools import pairwise, takewhile
from pathlib import Path

import numpy as np

from vizsla.collections import joining, segment_files
from vizsla.collections.metadata.columns import MetadataColumns
from vizsla.collections.segment import Making, Rows, Segment, in_memory
from vizsla.core.vectors import Bitmap
from vizsla.data import corpus_joining

GROWTH = 4
_FAN = 8


def first(kept: Sequence[int], dead: Sequence[int] = (), *, patient: bool = False) -> int:
    """The first of the segments that become one with all behind it; their number where none does.

    Args:
        kept: rows of each that are not dead.
        dead: rows of each that are; one that holds more of them than of others is written again.
        patient: while more rows are on their way, wait for eight of like size: rows are then copied a third as often.

    >>> first([100, 9, 2, 1]), first([100, 9, 1]), first([100, 9, 1], [0, 10, 0]), first([])
    (1, 3, 1, 0)
    """
    if patient:
        like = list(takewhile(lambda size: size <= _FAN / 2 * kept[-1], reversed(kept)))
        return len(kept) - (len(like) if len(like) >= _FAN else 0)
    near = (place for place, (one, next_) in enumerate(pairwise(kept)) if one <= GROWTH * next_)
    spoiled = (place for place, (one, gone) in enumerate(zip(kept, dead, strict=False)) if gone > one)
    begin = min(next(near, len(kept)), next(spoiled, len(kept)))
    while 0 < begin < len(kept) and kept[begin - 1] <= GROWTH * sum(kept[begin:]):
        begin -= 1
    return begin


def merge(
    segments: Sequence[Segment], kept: Sequence[Bitmap], folder: str | Path, made: Making, rows: Rows | None = None
) -> int:
    """Store the kept rows of segments, in their order, and new ones behind them as one segment; returns how many.

    Law: what is found in it, and every score, is what a fresh segment of the same passages gives.

    Args:
        segments: opened under the schema of `made`.
        kept: (n,) for each, which of its rows go on.
        folder: where the segment will stand.
        made: what all segments have in common.
        rows: new ones, or none.

    Raises:
        ArtifactError: a segment was altered, or the place cannot be written.
    """
    packed = sum(one.size_bytes for one in segments) <= segment_files.PACKED_BYTES
    if rows is not None:
        fresh = in_memory(Path(folder), rows, made)
        segments, kept = [*segments, fresh], [*kept, np.ones(len(fresh), np.bool_)]
    total = sum(int(np.count_nonzero(mask)) for mask in kept)
    with segment_files.writing(folder, {"rows": total}, packed=packed) as draft:
        corpus_joining.join([one.corpus for one in segments], kept, draft.inner("corpus"))
        MetadataColumns.joined([one.metadata for one in segments], kept).write(draft)
        for encoder in made.settings.encoders:
            found = [one.parts[encoder.name] for one in segments]
            joining.join(draft.inner(f"parts/{encoder.name}"), found, kept, made.settings)
    return total
