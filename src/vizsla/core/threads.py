"""The one pool of threads: as many as this process may use cores."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from vizsla.core.errors import SettingsError

VARIABLE = "VIZSLA_THREADS"


def workers() -> int:
    """How many threads to use: VIZSLA_THREADS where it is set, else the cores this process may run on.

    Raises:
        SettingsError: the variable is not a number of at least one.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted:
        if not wanted.isdecimal() or int(wanted) < 1:
            raise SettingsError(f"found {VARIABLE}={wanted!r}; wanted a whole number of at least 1")
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pool() -> ThreadPoolExecutor:
    """The threads, started when first asked for."""
    return _pool(workers())


@lru_cache(maxsize=1)
def _pool(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="vizsla")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked child has none of the parent's threads
