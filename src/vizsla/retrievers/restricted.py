"""Restricted search: a retriever that searches one set of passages and no others.

Knows a bitmap. Refuses to know what the set is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vizsla.core import vectors
from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever
from vizsla.core.vectors import Bitmap


@dataclass(frozen=True)
class Restricted:
    """Searches as the base does among the positions of a set.

    Attributes:
        base: what searches.
        own: the set, (n,) of as many as the base searches.
    """

    base: Retriever
    own: Bitmap

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best of the set for each query.

        Raises:
            ShapeError: a bitmap of another size than the set's.
        """
        wanted = vectors.check_allowed(allowed, len(self.own))
        return self.base.search(queries, k, self.own if wanted is None else self.own & wanted)
