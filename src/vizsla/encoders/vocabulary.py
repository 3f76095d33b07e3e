"""A vocabulary: sorted terms and how many passages hold each, in memory or mapped.

Terms are numbered in the order of their UTF-8 bytes, so that every index over the same terms sums
in the same order. Refuses to know where terms come from.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from vizsla.core.artifacts import Artifact, Draft
from vizsla.core.errors import ArtifactError, ShapeError
from vizsla.kernels import postings
from vizsla.text import packing

_ABSENT = -1
_ALTERED = "the vocabulary holds offsets outside its terms: altered since it was written; build it again"


class Vocabulary:
    """Terms by number and numbers by term.

    Args:
        data: (bytes,) uint8, the sorted terms one after another.
        starts: (n + 1,) int64, where each begins.
        frequencies: (n,) int64, passages that hold each.
    """

    def __init__(
        self, data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], frequencies: npt.NDArray[np.int64]
    ) -> None:
        self._data, self._starts, self.frequencies = data, starts, frequencies
        if not len(starts) or starts[0] != 0 or starts[-1] != len(data) or len(frequencies) != len(starts) - 1:
            raise ArtifactError("the arrays of the vocabulary do not fit each other; build the index again")

    @classmethod
    def build(
        cls, terms: packing.Strings, numbers: npt.NDArray[np.int64], frequencies: npt.NDArray[np.int64]
    ) -> tuple["Vocabulary", npt.NDArray[np.int64]]:
        """A vocabulary of terms that came in any order.

        Args:
            terms: packed.
            numbers: (n,) what each was numbered before.
            frequencies: (n,) by those numbers.

        Returns:
            The vocabulary, and the number each old number became: (n,) int64.
        """
        by_rank = packing.rank(terms)
        order = np.empty(len(by_rank), np.int64)
        order[numbers[by_rank]] = np.arange(len(by_rank))
        return cls(*packing.take(terms, by_rank), frequencies[numbers[by_rank]]), order

    def write(self, draft: Draft) -> None:
        """Store the arrays."""
        draft.array("terms", self._data)
        draft.array("term_starts", self._starts)
        draft.array("frequencies", self.frequencies)

    @classmethod
    def read(cls, artifact: Artifact) -> "Vocabulary":
        """Map the stored arrays."""
        starts, frequencies = artifact.array("term_starts", np.int64), artifact.array("frequencies", np.int64)
        return cls(artifact.array("terms", np.uint8), starts, frequencies)

    def __len__(self) -> int:
        return len(self.frequencies)

    @property
    def strings(self) -> packing.Strings:
        """The sorted terms, packed."""
        return packing.Strings(self._data, self._starts)

    def numbers(self, terms: Sequence[str]) -> npt.NDArray[np.int64]:
        """The number of each term, -1 where it is absent: (m,) int64.

        Raises:
            ArtifactError: the search met stored offsets outside the terms.
        """
        return self.find(packing.pack(terms))

    def find(self, terms: packing.Strings) -> npt.NDArray[np.int64]:
        """As `numbers`, of packed terms."""
        found: npt.NDArray[np.int64] = postings.find_strings(*terms, self._data, self._starts)
        if found.min(initial=0) < _ABSENT:
            raise ArtifactError(_ALTERED)
        return found

    def term(self, number: int) -> str:
        """The term of a number.

        Raises:
            ShapeError: no such number.
            ArtifactError: stored offsets outside the terms.
        """
        if not 0 <= number < len(self):
            raise ShapeError(f"found the term number {number}; wanted 0 to {len(self) - 1}")
        begin, end = int(self._starts[number]), int(self._starts[number + 1])
        if not 0 <= begin <= end <= len(self._data):
            raise ArtifactError(_ALTERED)
        return bytes(self._data[begin:end]).decode("utf-8", "replace")
