"""A run names what a retriever found, whatever the batches."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from vizsla.core.hits import Hits, empty
from vizsla.core.vectors import Bitmap
from vizsla.evaluating.running import make_run


class Letters:
    """Finds one passage a letter of the query, the first letter highest."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        self.batches.append(len(queries))
        hits = empty(len(queries), k)
        for row, query in enumerate(queries):
            for rank, letter in enumerate(query[:k]):
                hits.positions[row, rank] = ord(letter) - ord("a")
                hits.scores[row, rank] = float(k - rank)
        return hits


class Names:
    def many(self, positions: npt.NDArray[np.int64]) -> list[str]:
        return [f"passage-{position}" for position in positions.tolist()]


QUERIES = {"q1": "ca", "q2": "", "q3": "abc"}


def test_positions_become_ids_in_rank_order_and_rows_end_short() -> None:
    run = make_run(Letters(), QUERIES, Names(), k=2, name="letters")
    assert run.name == "letters"
    assert run.rankings == {
        "q1": [("passage-2", 2.0), ("passage-0", 1.0)],
        "q2": [],
        "q3": [("passage-0", 2.0), ("passage-1", 1.0)],
    }
    assert list(run.rankings) == list(QUERIES)


@pytest.mark.parametrize(("size", "batches"), [(1, [1, 1, 1]), (2, [2, 1]), (3, [3]), (9, [3])])
def test_batches_change_nothing_and_progress_is_told(size: int, batches: list[int]) -> None:
    retriever, told = Letters(), list[int]()
    run = make_run(retriever, QUERIES, Names(), k=3, name="r", batch_size=size, on_progress=told.append)
    assert run == make_run(Letters(), QUERIES, Names(), k=3, name="r")
    assert retriever.batches == told == batches


def test_no_queries_make_a_run_without_rankings() -> None:
    assert make_run(Letters(), {}, Names(), k=3, name="none").rankings == {}
