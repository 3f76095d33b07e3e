"""How a loop is compiled: at first use, for the types it meets, kept on disk, without the interpreter's lock."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile at first use for the types it is called with; keep the machine code on disk."""
    return cast("F", njit(cache=True, nogil=True, error_model="numpy")(function))
