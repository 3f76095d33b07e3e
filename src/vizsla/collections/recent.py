"""Recent: the last few things that were made, by what they were asked for by.

Refuses to know what they are.
"""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Makes what is asked for, and remembers so much of it; threads may share it.

    >>> lengths = Recent[str, int](2)
    >>> [lengths.get(word, lambda word=word: len(word)) for word in ("a", "bc", "def")]
    [1, 2, 3]

    Args:
        most: how many are remembered; then the oldest is forgotten.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[K, V] = {}
        self._lock = Lock()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """What is remembered of a key, else what is made of it; two threads that make it at once get the same."""
        with self._lock:
            if key in self._held:
                return self._held[key]
        made = make()
        with self._lock:
            found = self._held.setdefault(key, made)
            if len(self._held) > self._most:
                del self._held[next(iter(self._held))]
        return found
