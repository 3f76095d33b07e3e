"""Optional packages: imported when used, with an error that names the `pip install`."""

import importlib
from types import ModuleType

from vizsla.core.errors import MissingExtraError


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: what to import, `opencc`.
        extra: the extra of vizsla that brings it, `traditional`.

    Raises:
        MissingExtraError: when the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        message = f"this needs the package '{module}', which is not installed; run: pip install 'vizsla[{extra}]'"
        raise MissingExtraError(message) from error
