"""The last few things are remembered, the oldest is forgotten first."""

from threading import Barrier, Thread

import pytest

from vizsla.collections.recent import Recent


def test_it_makes_once_what_it_remembers() -> None:
    asked: list[str | None] = []
    recent = Recent[str | None, list[str | None]](2)

    def get(key: str | None) -> list[str | None]:
        def make() -> list[str | None]:
            asked.append(key)
            return [key]

        return recent.get(key, make)

    first = get("a")
    assert (get("a") is first, get(None), get("a") is first) == (True, [None], True)
    get("c")
    assert get("a") == first
    assert asked == ["a", None, "c", "a"], "the oldest was forgotten, however lately it was asked for"


def test_what_cannot_be_made_is_not_remembered() -> None:
    recent = Recent[str, int](2)
    with pytest.raises(ZeroDivisionError):
        recent.get("a", lambda: 1 // 0)
    assert recent.get("a", lambda: 1) == 1


def test_two_threads_that_make_it_at_once_get_the_same() -> None:
    recent, both, found = Recent[str, object](2), Barrier(2, timeout=10), list[object]()

    def make() -> object:
        both.wait()
        return object()

    threads = [Thread(target=lambda: found.append(recent.get("a", make))) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found[0] is found[1]
