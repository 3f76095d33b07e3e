"""Lanes: calls made at the same time, which may themselves make calls at the same time.

Knows threads that are kept from search to search. Refuses to know what is called. These threads are not those of
`vizsla.core.threads`: a call waits for work that is done there, and were it made there too, all threads could be
waiting for each other.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from vizsla.core import threads

T = TypeVar("T")


def together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What each call returns, in their order; made at the same time where there are cores for it.

    The caller makes the first call, and then those that no lane has begun, the last first. So it only ever waits for
    calls that are being made, and calls within calls come to an end however few lanes there are.

    Raises:
        Exception: what a call raises; of those that have not begun, none begins then.
    """
    lanes = threads.workers() - 1
    if len(calls) < 2 or not lanes:
        return [call() for call in calls]
    first, *others = calls
    waiting = [_lanes(lanes).submit(call) for call in others]
    try:
        made = first()
        own = {at: others[at]() for at in reversed(range(len(others))) if waiting[at].cancel()}
        return [made, *(own[at] if at in own else each.result() for at, each in enumerate(waiting))]
    finally:
        for each in waiting:
            each.cancel()


@lru_cache(maxsize=1)
def _lanes(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="vizsla-lane")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_lanes.cache_clear)  # a forked child has none of the parent's threads
