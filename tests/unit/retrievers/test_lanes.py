import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from vizsla.core.errors import DataError
from vizsla.retrievers.lanes import together


def refuse() -> int:
    raise DataError("broken")


def slowly(seconds: float, answer: int) -> int:
    time.sleep(seconds)
    return answer


def nested(depth: int, leaf: Callable[[], int]) -> int:
    return leaf() if depth == 0 else sum(together([partial(nested, depth - 1, leaf)] * 3))


@pytest.fixture(params=["1", "2", "4"])
def cores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("VIZSLA_THREADS", request.param)
    return int(request.param)


def test_what_calls_return_in_their_order(cores: int) -> None:
    assert cores >= 1
    assert together([lambda: 1]) == [1]
    assert together([]) == []
    slow = [partial(slowly, 0.02 * (3 - at), at) for at in range(4)]
    assert together(slow) == [0, 1, 2, 3]


def test_as_many_calls_at_the_same_time_as_there_are_cores(cores: int) -> None:
    barrier = threading.Barrier(cores)
    assert sorted(together([partial(barrier.wait, timeout=30)] * cores)) == list(range(cores))


def test_one_core_has_no_other_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZSLA_THREADS", "1")
    assert together([threading.get_ident] * 3) == [threading.get_ident()] * 3


def test_threads_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZSLA_THREADS", "2")
    barrier = threading.Barrier(2)

    def meet() -> int:
        barrier.wait(timeout=30)
        return threading.get_ident()

    seen = {tuple(together([meet, meet])) for _ in range(20)}
    assert len(seen) == 1
    assert len(set(*seen)) == 2


def test_calls_within_calls_end_however_many_callers_there_are(cores: int) -> None:
    wanted = 3**4
    found: list[int] = []
    leaf = partial(slowly, 0, 1)
    callers = [threading.Thread(target=lambda: found.append(nested(4, leaf))) for _ in range(2 * cores)]
    for one in callers:
        one.start()
    for one in callers:
        one.join(50)
    assert found == [wanted] * len(callers)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_a_call_raises_is_raised(cores: int, place: int) -> None:
    calls: list[Callable[[], int]] = [lambda: cores] * 3
    calls[place] = refuse
    with pytest.raises(DataError, match="broken"):
        together(calls)


def test_after_a_failure_none_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIZSLA_THREADS", "2")
    held, begun = threading.Event(), threading.Event()
    called = threading.Event()

    def fail() -> int:
        begun.wait(30)  # the lane is busy, so the third call has not begun
        return refuse()

    def hold() -> int:
        begun.set()
        held.wait(30)
        return 0

    def call() -> int:
        called.set()
        return 0

    with pytest.raises(DataError, match="broken"):
        together([fail, hold, call])
    held.set()
    assert together([lambda: 1, lambda: 2]) == [1, 2]
    assert not called.is_set()
