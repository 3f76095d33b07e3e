import numpy as np
import pytest

from vizsla.core.errors import ShapeError
from vizsla.retrievers.shortened import Shortened

from .tables import listed, table

ROWS = ([5.0, 4.0, 3.0, 2.0], [None, 1.0, None, None])


@pytest.mark.parametrize(("k", "count"), [(1, 1), (2, 2), (3, 3), (4, 3), (9, 3)])
def test_never_more_than_so_many(k: int, count: int) -> None:
    base = table(*ROWS)
    hits = Shortened(base, 3).search(["0", "1"], k)
    assert hits.positions.shape == hits.scores.shape == (2, k)
    assert (hits.positions.dtype.name, hits.scores.dtype.name) == ("int64", "float32")
    assert listed(hits) == listed(table(*ROWS).search(["0"], count))
    assert listed(hits, 1) == [(1, 1.0)]
    assert set(hits.scores[0, count:].tolist()) <= {-np.inf}
    assert base.asked == [(("0", "1"), count)]


def test_a_trace_shows_it() -> None:
    trace = Shortened(table(*ROWS), 2, "top(2)").trace(["0"], 3, np.array([True, False, True, True]))
    assert [(stage.name, stage.hits.positions.tolist()) for stage in trace.stages] == [
        ("Table", [[0, 2]]),
        ("top(2)", [[0, 2, -1]]),
    ]


def test_what_is_no_depth() -> None:
    with pytest.raises(ShapeError, match="k=0"):
        Shortened(table(*ROWS), 0)
    with pytest.raises(ShapeError, match="k=0"):
        Shortened(table(*ROWS), 3).search(["0"], 0)
