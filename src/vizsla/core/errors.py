"""The one error tree.

Every message says what was found (file, line, value), what was wanted, and what to do next.
The command line prints the message on one line of stderr and exits with 2.
"""


class VizslaError(Exception):
    """The head of the tree: anything vizsla refuses on purpose."""


class SettingsError(VizslaError):
    """A setting, an option or a name that does not exist or cannot be."""


class DataError(VizslaError):
    """A file or a record that is not what its format asks for."""


class ShapeError(VizslaError):
    """An array of another shape, type or range than the door asks for."""


class ArtifactError(VizslaError):
    """A stored folder that is missing, incomplete, truncated or altered."""


class IncompatibleError(ArtifactError):
    """A stored folder that is whole, but of another kind or of a newer format."""


class MissingExtraError(VizslaError):
    """An optional package that is not installed."""


class OverloadedError(VizslaError):
    """Work refused because a limit on size, time or queue length was reached."""
