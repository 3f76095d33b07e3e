"""Values of a description from four places, the first that has one: settings, a config, weights, a registry entry.

Knows how published configs spell numbers and activations; refuses to know families.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.models.formats.wishes import Wishes

_LARGEST = 1 << 31
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_tanh": "gelu_tanh",
    "relu": "relu",
}
_NOTHING = object()
_LONGEST_MAJOR = 9


def warn(where: Path, message: str) -> None:
    """Say what was assumed, and how to say otherwise."""
    logging.getLogger("vizsla").warning("%s: %s", where, message)


def major(version: object) -> int:
    """The first number of a version, 0 where none is said.

    >>> major("5.1.0"), major(None)
    (5, 0)
    """
    first = str(version).partition(".")[0]
    return int(first) if first.isdecimal() and len(first) <= _LONGEST_MAJOR else 0


@dataclass(frozen=True, slots=True)
class Said:
    """What a folder says of one model.

    Attributes:
        config: a published config.
        path: its file, for messages.
        wishes: what stands before and behind it.
        shapes: numbers that the weights' shapes tell, by our names.
    """

    config: Mapping[str, Any]
    path: Path
    wishes: Wishes
    shapes: Mapping[str, int] = field(default_factory=dict)

    def get(self, ours: str, *theirs: str, default: object = _NOTHING) -> Any:
        """The value of a field: ours in settings and the registry, theirs in the config.

        Raises:
            SettingsError: nothing says it.
        """
        own = ours.rpartition(".")[2]
        given = [self.wishes.settings.get(ours)]
        given += [self.config.get(key) for key in theirs]
        given += [self.shapes.get(own), self.wishes.like.get(ours)]
        found = next((value for value in given if value is not None), default)
        if found is _NOTHING:
            said = f"{self.path}: found no '{theirs[0] if theirs else ours}'"
            raise SettingsError(
                f"{said}; wanted settings={{'{ours}': ...}}, or 'like' with a registry entry that says it"
            )
        return found

    def whole(self, ours: str, *theirs: str, default: object = _NOTHING) -> int:
        """A whole number from 0.

        Raises:
            ArtifactError: another value.
        """
        value = self.get(ours, *theirs, default=default)
        if type(value) is not int or not 0 <= value < _LARGEST:
            raise ArtifactError(f"{self.path}: found {ours} = {str(value)[:100]!r}; wanted a whole number from 0")
        return value

    def number(self, ours: str, *theirs: str, default: object = _NOTHING) -> float:
        """A number above 0 and below 1.

        Raises:
            ArtifactError: another value.
        """
        value = self.get(ours, *theirs, default=default)
        if type(value) not in (int, float) or not 0 < value < 1:
            raise ArtifactError(f"{self.path}: found {ours} = {str(value)[:100]!r}; wanted a number between 0 and 1")
        return float(value)

    def activation(self, *theirs: str, default: object = _NOTHING) -> str:
        """The activation inside the blocks, by our name.

        Raises:
            ArtifactError: one that no published family of these uses.
        """
        value = self.get("architecture.activation", *theirs, default=default)
        if not isinstance(value, str) or value not in _ACTIVATIONS:
            wanted = ", ".join(_ACTIVATIONS)
            raise ArtifactError(f"{self.path}: found the activation {str(value)[:100]!r}; wanted one of {wanted}")
        return _ACTIVATIONS[value]
