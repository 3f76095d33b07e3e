"""How a loop is compiled: at first use, for the types it meets, kept on disk, without the interpreter's lock.

The one module that knows the compiler; `List` is the compiler's list of things of one type.
"""

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar, cast

from numba import njit
from numba.typed import List

__all__ = ["List", "compiled"]

F = TypeVar("F", bound=Callable[..., Any])
_LOCK = "vizsla.lock"


def compiled(function: F) -> F:
    """Compile at first use for the types it is called with; keep the machine code on disk.

    It is kept beside the module, else in the user's cache, or where NUMBA_CACHE_DIR says. Where none
    of these can be written to, every process compiles anew, which is said once.
    """
    try:
        made: Any = njit(cache=True, nogil=True, error_model="numpy")(function)
        _guard(made._cache._cache_file)  # noqa: SLF001 - the compiler's public parts do not reach there
        return cast("F", made)
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        _say(str(error))
        return cast("F", njit(nogil=True, error_model="numpy")(function))


def _guard(kept: Any) -> None:
    """Let processes save and load the code of one loop one after another.

    The compiler chooses a file's number, lists it, and writes the file: of two processes that compile a loop for two
    types at once, one could otherwise run what was made for the other's.
    """
    save, load, place = kept.save, kept.load, kept._cache_path  # noqa: SLF001 - as above

    def saved(key: Any, data: Any) -> None:
        with _held(place, fcntl.LOCK_EX):
            save(key, data)

    def loaded(key: Any) -> Any:
        with _held(place, fcntl.LOCK_SH):
            return load(key)

    kept.save, kept.load = saved, loaded


@contextmanager
def _held(place: str, kind: int) -> Iterator[None]:
    """Hold the lock of a folder of machine code; a folder that cannot be written to, or is not there, needs none."""
    try:
        handle = os.open(Path(place, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        yield
        return
    try:
        with suppress(OSError):  # a network's disk that knows no locks
            fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)


_said: list[str] = []


def _say(reason: str) -> None:
    if not _said:
        advice = "set NUMBA_CACHE_DIR to a folder that can be written to"
        logging.getLogger("vizsla").warning("loops are compiled anew by every process: %s; %s", reason, advice)
    _said.append(reason)
