"""Which weights file a folder has, and the one reader for each.

Knows the names that published folders use and the indexes of files cut in shards; refuses to know what the weights
are called inside.
"""

from collections.abc import Callable
from pathlib import Path

from vizsla.core.errors import ArtifactError
from vizsla.models.weights import pdparams, safetensors, torch_bin
from vizsla.models.weights.numbers import Array
from vizsla.models.weights.places import inside, read_json

_READERS: dict[str, Callable[[Path], dict[str, Array]]] = {
    ".safetensors": safetensors.read,
    ".bin": torch_bin.read,
    ".pt": torch_bin.read,
    ".pth": torch_bin.read,
    ".pdparams": pdparams.read,
}
FILES = ("model.safetensors", "pytorch_model.bin", "model_state.pdparams")
_INDEX = ".index.json"


def is_weights(path: Path) -> bool:
    """Whether a file's name is that of weights."""
    return path.suffix in _READERS or path.name.endswith(_INDEX)


def find(folder: Path) -> Path | None:
    """The weights of a folder under a published name: the file, or its index of shards; None without one."""
    names = [name for file in FILES for name in (file, file + _INDEX)]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read(path: Path) -> dict[str, Array]:
    """Every array of a weights file, or of the shards that its index names.

    Raises:
        ArtifactError: another kind of file, or one that is not what it should be.
    """
    if path.name.endswith(_INDEX):
        return _shards(path)
    reader = _READERS.get(path.suffix)
    if reader is None:
        raise ArtifactError(f"{path}: found a file of no known kind; wanted one of {', '.join(_READERS)}")
    return reader(path)


def _shards(index: Path) -> dict[str, Array]:
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ArtifactError(f"{index}: found no weight_map; wanted every key with its file: fetch it again")
    files = {name: inside(index.parent, name, said_by=index) for name in set(map(_name, places.values()))}
    nested = next((name for name, path in files.items() if path.name.endswith(_INDEX)), None)
    if nested is not None:
        raise ArtifactError(f"{index}: found the index '{nested}' for a shard; wanted a weights file")
    read_files = {name: read(path) for name, path in files.items()}
    missing = next((key for key, name in places.items() if key not in read_files[name]), None)
    if missing is not None:
        raise ArtifactError(f"{index}: found no '{missing}' in {places[missing]}; wanted it there: fetch it again")
    return {key: read_files[name][key] for key, name in places.items()}


def _name(value: object) -> str:
    return value if isinstance(value, str) else repr(value)
