import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vizsla.core.errors import SettingsError, ShapeError
from vizsla.retrievers.cached import CacheCounts, Cached

from .tables import Table, listed, table

ROWS = ([5.0, 4.0, 3.0, 2.0], [None, 1.0, None, None], [None] * 4)


def test_an_answer_is_searched_once() -> None:
    base = table(*ROWS)
    cached = Cached(base, 10)
    first, second = cached.search(["0", "1", "0"], 2), cached.search(["1", "2", "0"], 2)
    assert base.asked == [(("0", "1"), 2), (("2",), 2)]
    assert [listed(first, row) for row in range(3)] == [[(0, 5.0), (1, 4.0)], [(1, 1.0)], [(0, 5.0), (1, 4.0)]]
    assert [listed(second, row) for row in range(3)] == [[(1, 1.0)], [], [(0, 5.0), (1, 4.0)]]
    assert second.positions.shape == (3, 2)
    assert cached.counts == CacheCounts(served=3, searched=3, held=3)


def test_only_an_exact_base_lets_deep_answers_serve_shallow_searches() -> None:
    exact, other = table(*ROWS), table(*ROWS)
    kept, plain = Cached(exact, 10, exact=True), Cached(other, 10)
    for k in (3, 2, 3, 4, 1):
        assert listed(kept.search(["0"], k)) == listed(plain.search(["0"], k)) == listed(other.search(["0"], k))
    assert [k for _, k in exact.asked] == [3, 4]
    assert kept.counts == CacheCounts(served=3, searched=2, held=1)
    assert plain.counts == CacheCounts(served=1, searched=4, held=4)


def test_an_exact_answer_that_ended_serves_every_depth() -> None:
    base = table(*ROWS)
    cached = Cached(base, 10, exact=True)
    assert listed(cached.search(["1"], 2)) == listed(cached.search(["1"], 50)) == [(1, 1.0)]
    assert cached.search(["1"], 50).positions.shape == (1, 50)
    assert [k for _, k in base.asked] == [2]


def test_the_least_recently_used_goes_first() -> None:
    base = table(*ROWS)
    cached = Cached(base, 2)
    for query in ("0", "1", "0", "2", "0", "1"):
        cached.search([query], 1)
    assert [queries for queries, _ in base.asked] == [("0",), ("1",), ("2",), ("1",)]
    assert cached.counts.held == 2


def test_more_queries_than_the_cache_holds() -> None:
    cached = Cached(table(*ROWS), 1)
    assert [listed(cached.search(["0", "1", "2"], 1), row) for row in range(3)] == [[(0, 5.0)], [(1, 1.0)], []]


def test_what_is_allowed_tells_answers_apart() -> None:
    base = table(*ROWS)
    cached = Cached(base, 10, exact=True)
    allowed = np.array([False, True, True, False])
    for _ in range(2):
        assert listed(cached.search(["0"], 4)) == [(0, 5.0), (1, 4.0), (2, 3.0), (3, 2.0)]
        assert listed(cached.search(["0"], 4, allowed)) == [(1, 4.0), (2, 3.0)]
        assert listed(cached.search(["0"], 4, ~allowed)) == [(0, 5.0), (3, 2.0)]
        assert listed(cached.search(["0"], 4, np.ones(4, np.bool_))) == [(0, 5.0), (1, 4.0), (2, 3.0), (3, 2.0)]
    assert len(base.asked) == 4


@pytest.mark.parametrize(
    "wrong", [np.array([1, 1, 0, 0]), np.array([True, True, False, False, False]), [True, True, False, False]]
)
def test_what_the_base_refuses_is_never_found(wrong: object) -> None:
    cached = Cached(table(*ROWS), 10)
    cached.search(["0"], 2, np.array([True, True, False, False]))
    for _ in range(2):
        with pytest.raises(ShapeError, match="bitmap"):
            cached.search(["0"], 2, wrong)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="bitmap"):
        cached.search([], 2, wrong)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="k=0"):
        cached.search(["0"], 0)


def test_nobody_can_change_an_answer() -> None:
    cached = Cached(table(*ROWS), 10)
    for _ in range(2):
        found = cached.search(["0"], 2)
        assert listed(found) == [(0, 5.0), (1, 4.0)]
        found.positions[:] = 3
        found.scores[:] = 0


def test_a_trace_is_the_bases_own() -> None:
    cached = Cached(table(*ROWS), 10)
    cached.search(["0"], 2)
    trace = cached.trace(["0", "1"], 2)
    assert [(stage.name, len(stage.hits)) for stage in trace.stages] == [("Table", 2)]
    assert cached.counts.served == 0


def test_a_cache_that_cannot_be() -> None:
    with pytest.raises(SettingsError, match="cache of 0"):
        Cached(table(*ROWS), 0)


@pytest.mark.parametrize("exact", [False, True])
def test_threads_share_it(*, exact: bool) -> None:
    """Eight threads ask in different orders of a cache too small for all answers: every answer is right."""
    draw = np.random.default_rng(1)
    scores = draw.normal(size=(40, 15)).astype(np.float32)
    cached = Cached(Table(scores), 16, exact=exact)
    barrier = threading.Barrier(8)

    def ask(seed: int) -> int:
        barrier.wait(timeout=30)
        own, base = np.random.default_rng(seed), Table(scores)
        for _ in range(150):
            queries = [str(query) for query in own.integers(0, 40, 3)]
            k = int(own.integers(1, 18))
            found, wanted = cached.search(queries, k), base.search(queries, k)
            np.testing.assert_array_equal(found.positions, wanted.positions)
            np.testing.assert_array_equal(found.scores, wanted.scores)
        return 150 * 3

    with ThreadPoolExecutor(8) as threads:
        asked = sum(threads.map(ask, range(8)))
    assert cached.counts.served + cached.counts.searched == asked
    assert cached.counts.held == 16
    assert cached.counts.served > 0
