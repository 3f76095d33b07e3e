"""Which files of a published repository a reader needs: a list of names to a shorter list of names.

Knows how repositories are laid out. Refuses to know how files are fetched. Code is never wanted, nor
weights of other frameworks, nor the same weights twice.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from vizsla.core.errors import ArtifactError

_MODULE = re.compile(r"(\w+_)?\d+_\w+")  # 1_Pooling, query_0_SparseStaticEmbedding
_WEIGHTS = (  # the first kind that a folder holds is taken
    re.compile(r"model\.safetensors"),
    re.compile(r"model-\d+-of-\d+\.safetensors"),
    re.compile(r"(?!adapter).*\.safetensors"),
    re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin"),
    re.compile(r".*\.pdparams"),
)
_GRAPHS = ("onnx/model.onnx", "model.onnx")


def choose(names: Iterable[str], *, where: str) -> list[str]:
    """The files to fetch: settings and vocabularies, and one kind of weights a folder; a graph only without weights.

    >>> choose(["config.json", "model.safetensors", "pytorch_model.bin", "train.py", "onnx/model.onnx"], where="x")
    ['config.json', 'model.safetensors']

    Args:
        names: every file of the repository.
        where: the repository, for messages.

    Raises:
        ArtifactError: a name that leaves the folder, or no weights.
    """
    listed = sorted(check(name, where=where) for name in names)
    near = [name for name in listed if _is_read(PurePosixPath(name))]
    texts = [name for name in near if name.endswith((".json", ".txt"))]
    weights = _weights(near) or _graph(listed)
    if not weights:
        shown = ", ".join(listed[:6]) or "no file"
        raise ArtifactError(f"{where}: found no weights ({shown}); wanted .safetensors, pytorch_model.bin or .onnx")
    return sorted({*texts, *weights})


def check(name: str, *, where: str) -> str:
    """A name that stays inside its folder.

    Raises:
        ArtifactError: an absolute name, one with `..`, or one that another system would read so.
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or not name.isprintable() or set(name) & set("\\:"):
        raise ArtifactError(f"{where}: found the file name {name!r}; wanted one inside the folder: nothing was fetched")
    return name


def _is_read(name: PurePosixPath) -> bool:
    return all(_MODULE.fullmatch(part) for part in name.parts[:-1])


def _weights(names: Sequence[str]) -> list[str]:
    chosen: list[str] = []
    for folder in sorted({PurePosixPath(name).parent for name in names}):
        inside = [name for name in names if PurePosixPath(name).parent == folder]
        kinds = ([name for name in inside if kind.fullmatch(PurePosixPath(name).name)] for kind in _WEIGHTS)
        chosen += next((found for found in kinds if found), [])
    return chosen


def _graph(names: Sequence[str]) -> list[str]:
    """One graph with the files that hold its arrays."""
    graphs = [name for name in names if name.endswith(".onnx")]
    first = next((name for name in _GRAPHS if name in graphs), graphs[0] if graphs else None)
    return [name for name in names if first and (name == first or name in (f"{first}_data", f"{first}.data"))]
