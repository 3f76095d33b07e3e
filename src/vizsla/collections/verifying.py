"""Verifying: every byte of a collection read, and what its parts say of each other compared.

Knows the log and segments as they are stored. Refuses to repair.
"""

import numpy as np

from vizsla.collections.views import View, Views
from vizsla.core.errors import ArtifactError
from vizsla.data.ids import hash_ids
from vizsla.data.problems import shown


def verify(views: Views) -> int:
    """Check the log's structure, every byte of every segment, and that no id lives twice; returns the bytes read.

    Raises:
        ArtifactError: names what is missing, altered or contradicts the rest.
    """
    while True:
        view = views.latest()
        try:
            views.log.verify()
            read = sum(segment.verify() for segment in view.segments)
        except ArtifactError:
            if views.log.is_last(view.state):
                raise  # no writer changed it meanwhile
        else:
            _check_ids(view)
            return read + views.log.path.stat().st_size


def _check_ids(view: View) -> None:
    """No id lives twice: equal hashes first, and only then the ids."""
    hashes = [np.zeros(0, np.uint64)]
    for segment, dead in zip(view.segments, view.dead, strict=True):
        if segment.corpus.ids.first_duplicate():
            raise ArtifactError(f"{segment.folder}: found an id twice in one segment; restore it from a copy")
        by_row = segment.corpus.ids.hashes()
        hashes.append(by_row if dead is None else by_row[~dead])
    held, times = np.unique(np.concatenate(hashes), return_counts=True)
    suspects = set(held[times > 1].tolist())
    seen: set[str] = set()
    for segment, dead in zip(view.segments, view.dead, strict=True) if suspects else ():
        rows = np.arange(len(segment)) if dead is None else np.flatnonzero(~dead)
        for id_ in segment.corpus.ids.many(rows):
            if int(hash_ids([id_])[0]) in suspects:
                if id_ in seen:
                    raise ArtifactError(f"{segment.folder}: found the id {shown(id_)} alive twice; restore it")
                seen.add(id_)
