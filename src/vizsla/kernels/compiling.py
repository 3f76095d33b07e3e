"""How a loop is compiled: at first use, for the types it meets, kept on disk, without the interpreter's lock.

The one module that knows the compiler; `List` is the compiler's list of things of one type.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit
from numba.typed import List

__all__ = ["List", "compiled"]

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile at first use for the types it is called with; keep the machine code on disk.

    It is kept beside the module, else in the user's cache, or where NUMBA_CACHE_DIR says. Where none
    of these can be written to, every process compiles anew, which is said once.
    """
    try:
        return cast("F", njit(cache=True, nogil=True, error_model="numpy")(function))
    except RuntimeError as error:
        if "cannot cache" not in str(error):
            raise
        _say(str(error))
        return cast("F", njit(nogil=True, error_model="numpy")(function))


_said: list[str] = []


def _say(reason: str) -> None:
    if not _said:
        advice = "set NUMBA_CACHE_DIR to a folder that can be written to"
        logging.getLogger("vizsla").warning("loops are compiled anew by every process: %s; %s", reason, advice)
    _said.append(reason)
