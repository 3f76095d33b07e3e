"""The largest of a stream of scores, against a plain sort, whatever blocks the stream comes in."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.kernels import selecting

SCORES = st.sampled_from([-np.inf, -2.0, -0.0, 0.0, 0.5, 0.5, 1.0, 7.0, 3e38, np.inf])
NOTHING = np.zeros(0, np.bool_)


def taken(scores: list[float], k: int, block: int, allowed: list[bool] | None, slack: float = 0.0) -> dict[int, float]:
    stream, bitmap = np.array(scores, np.float32), NOTHING if allowed is None else np.array(allowed, np.bool_)
    best, wanted = selecting.nothing(k), (k, slack, np.inf)
    for begin in range(0, len(stream), block):
        some = slice(begin, begin + block)
        best = selecting.take(stream[some], begin, bitmap[some], best, wanted)
    best = selecting.narrowed(best, wanted, 0)
    return dict(zip(best.positions[: best.count].tolist(), best.scores[: best.count].tolist(), strict=True))


@settings(max_examples=300, deadline=None)
@given(st.lists(SCORES, max_size=60), st.integers(1, 70), st.integers(1, 40), st.data())
def test_all_that_reach_the_kth_are_left(scores: list[float], k: int, block: int, data: st.DataObject) -> None:
    allowed = data.draw(st.none() | st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    kept = {at: score for at, score in enumerate(scores) if allowed is None or allowed[at]}
    edge = sorted(kept.values(), reverse=True)[k - 1] if k <= len(kept) else -np.inf
    wanted = {at: float(np.float32(score)) for at, score in kept.items() if score >= edge}
    assert taken(scores, k, block, allowed) == wanted


def test_more_equals_than_there_was_room_for() -> None:
    assert len(taken([1.0] * 20_000, 1, 512, None)) == 20_000
    assert len(taken([0.0] * 9_000 + [1.0] * 9_000, 10, 512, None)) == 9_000
    assert list(taken([float(one) for one in range(30_000)], 3, 512, None)) == [29_997, 29_998, 29_999]


def test_what_is_within_the_slack_is_left() -> None:
    assert taken([1.0, 3.0, 2.0, 2.5, 1.9], 2, 5, None, 0.5).keys() == {1, 2, 3}


def test_what_is_no_number_is_left_for_whoever_looks() -> None:
    assert 1 in taken([1.0, float("nan"), *[2.0] * 5000], 3, 512, None)


def test_scores_beyond_a_ceiling_are_equal() -> None:
    stream, wanted = np.array([5.0, 9.0, 7.0, 1.0, -8.0, -9.0], np.float32), (1, 0.5, 6.0)
    best = selecting.narrowed(selecting.take(stream, 0, NOTHING, selecting.nothing(1), wanted), wanted, 0)
    assert best.positions[: best.count].tolist() == [1, 2]
    below = selecting.take(stream[4:], 0, NOTHING, selecting.nothing(1), wanted)
    below = selecting.narrowed(below, wanted, 0)
    assert below.positions[: below.count].tolist() == [0, 1]
