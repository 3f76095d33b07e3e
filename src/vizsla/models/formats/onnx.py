"""Folders whose only weights are a published ONNX file.

Knows where hubs put them; refuses to know what is inside: the graph's reader does.
"""

from pathlib import Path

from vizsla.core.errors import SettingsError

_PLACES = ("onnx/model.onnx", "model.onnx")


def is_graph(path: Path) -> bool:
    """Whether a file's name is that of a graph."""
    return path.suffix == ".onnx"


def find(folder: Path) -> str:
    """The published graph of a folder, "" without one.

    Raises:
        SettingsError: several, none of them named model.onnx.
    """
    for name in _PLACES:
        if (folder / name).is_file():
            return str(folder / name)
    others = sorted([*folder.glob("onnx/model*.onnx"), *folder.glob("model*.onnx")])
    if len(others) > 1:
        names = ", ".join(path.name for path in others[:5])
        raise SettingsError(f"{folder}: found {names}; wanted one model.onnx: give the path of one of them")
    return str(others[0]) if others else ""
