"""Duplicates: which ids of a stream were there before, in about 8 bytes an id.

Only 64-bit hashes are kept, in sorted arrays that are merged when they grow alike. Two different
ids are taken for one with probability n² / 3.7e19: one in 40 million for a million ids. Refuses
to know what the ids name.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vizsla.data.ids import Hashes, hash_ids


class SeenIds:
    """Remembers ids by their hashes.

    >>> SeenIds().add(["a", "b", "a"]).tolist()
    [True, True, False]
    """

    def __init__(self) -> None:
        self._sorted: list[Hashes] = []

    def add(self, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Remember these ids; True for each that was not there before, in this batch or an earlier one: (n,)."""
        hashes = hash_ids(ids)
        fresh = np.zeros(len(hashes), dtype=np.bool_)
        fresh[np.unique(hashes, return_index=True)[1]] = True
        for known in self._sorted:
            places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            fresh &= known[places] != hashes
        if fresh.any():
            self._sorted.append(np.sort(hashes[fresh]))
        self._merge()
        return fresh

    def _merge(self) -> None:
        """Keep every array at least twice as long as the next, so that there are only log n of them."""
        while len(self._sorted) > 1 and len(self._sorted[-2]) < 2 * len(self._sorted[-1]):
            pair = np.concatenate([self._sorted.pop(), self._sorted.pop()])
            pair.sort(kind="stable")  # finds the two sorted halves and merges them
            self._sorted.append(pair)
