import threading
from collections.abc import Sequence

import numpy as np
import pytest

from vizsla.core.errors import DataError, SettingsError, ShapeError
from vizsla.core.hits import Hits
from vizsla.core.protocols import Retriever
from vizsla.core.threads import pool
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.fused import Fused
from vizsla.retrievers.fusion import ReciprocalRank, WeightedSum
from vizsla.retrievers.tracing import Named

from .tables import Table, listed, table

ROWS = ([3.0, 2.0, None, 1.0], [None, 5.0, 9.0, 4.0])


class Meeting:
    """Searches once another one searches too, and lets the one pool of threads work as indexes do."""

    def __init__(self, barrier: threading.Barrier, base: Table) -> None:
        self.barrier, self.base = barrier, base

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        self.barrier.wait(timeout=30)
        return next(iter(pool().map(lambda _: self.base.search(queries, k, allowed), [None])))


class Broken:
    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        raise DataError(f"broken for {len(queries)}, {k}, {allowed}")


def test_each_base_is_asked_for_the_depth_and_for_k_where_that_is_more() -> None:
    bases = table(*ROWS), table(*ROWS)
    fused = Fused(bases, depth=3)
    assert fused.search(["0", "1"], 2).positions.shape == (2, 2)
    assert fused.search(["1"], 7).positions.shape == (1, 7)
    for base in bases:
        assert base.asked == [(("0", "1"), 3), (("1",), 7)]


@pytest.mark.parametrize("threads", ["1", "2", "3"])
def test_bases_of_bases_that_use_the_pool_never_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch, threads: str
) -> None:
    monkeypatch.setenv("VIZSLA_THREADS", threads)
    barrier = threading.Barrier(min(2, int(threads)))  # two at a time, where there are two cores
    base = [Meeting(barrier, table(ROWS[at % 2])) for at in range(4)]
    inner = [Fused((base[0], base[1])), Fused((base[2], base[3]))]
    plain = [Fused((table(ROWS[0]), table(ROWS[1])))] * 2
    for _ in range(20):
        assert listed(Fused(tuple(inner)).search(["0"], 4)) == listed(Fused(tuple(plain)).search(["0"], 4))


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("place", [0, 1])
def test_what_a_base_refuses_is_refused(monkeypatch: pytest.MonkeyPatch, threads: str, place: int) -> None:
    monkeypatch.setenv("VIZSLA_THREADS", threads)
    bases: list[Retriever] = [table(ROWS[0]), Broken()]
    with pytest.raises(DataError, match="broken for 1, 100"):
        Fused((bases[place], bases[1 - place])).search(["0"], 4)


def test_a_trace_tells_every_base_and_the_fusing() -> None:
    fused = Fused((Named(table(*ROWS), "bm25"), table(*ROWS)), WeightedSum((1.0, 2.0)), depth=3, name="weighted")
    trace = fused.trace(["0", "1"], 2)
    assert [stage.name for stage in trace.stages] == ["bm25", "Table", "weighted"]
    assert [stage.hits.positions.shape for stage in trace.stages] == [(2, 3), (2, 3), (2, 2)]
    assert all(stage.seconds >= 0 for stage in trace.stages)
    assert trace.stages[-1].note == "3 of each of 2"
    found = fused.search(["0", "1"], 2)
    np.testing.assert_array_equal(trace.hits.positions, found.positions)
    np.testing.assert_array_equal(trace.hits.scores, found.scores)


def test_what_cannot_be_fused() -> None:
    with pytest.raises(SettingsError, match="0 retrievers"):
        Fused(())
    with pytest.raises(SettingsError, match="depth 0"):
        Fused((table(*ROWS),), depth=0)
    with pytest.raises(SettingsError, match="2 weights for 1"):
        Fused((table(*ROWS),), ReciprocalRank((1.0, 1.0)))
    with pytest.raises(ShapeError, match="k=0"):
        Fused((table(*ROWS),)).search(["0"], 0)
