"""Running: a retriever and queries to a run.

The only place where positions become outside ids for evaluation. Knows the retriever's door and
the corpus' ids; refuses to know judgements and measures.
"""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever
from vizsla.data.runs import Run


class PassageIds(Protocol):
    """Positions to outside ids, as a corpus gives them."""

    def many(self, positions: npt.NDArray[np.int64]) -> list[str]: ...


def make_run(
    retriever: Retriever,
    queries: Mapping[str, str],
    ids: PassageIds,
    *,
    k: int,
    name: str,
    batch_size: int = 256,
    on_progress: Callable[[int], None] | None = None,
) -> Run:
    """Search every query and name what was found.

    Args:
        retriever: what to search with.
        queries: query id to text.
        ids: the ids of the passages the retriever searches.
        k: how many hits a query, at least 1.
        name: of the run.
        batch_size: how many queries are handed to the retriever at once.
        on_progress: called after each batch with the number of queries it held.

    Returns:
        One ranking a query, in the order of `queries`; a query without hits keeps an empty one.
    """
    rankings: dict[str, list[tuple[str, float]]] = {}
    waiting = iter(queries)
    while batch := list(islice(waiting, batch_size)):
        found = retriever.search([queries[query] for query in batch], k)
        rankings.update(zip(batch, _named(found, ids), strict=True))
        if on_progress is not None:
            on_progress(len(batch))
    return Run(name=name, rankings=rankings)


def _named(hits: Hits, ids: PassageIds) -> list[list[tuple[str, float]]]:
    real = hits.positions >= 0
    pairs = iter(zip(ids.many(hits.positions[real]), hits.scores[real].tolist(), strict=True))
    return [[next(pairs) for _ in range(count)] for count in hits.counts()]
