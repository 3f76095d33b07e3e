"""Where a model stands: its folder, its weights or published graph, and its tokenizer's files.

Refuses to know what the configs in it mean.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.models import added, vocabulary
from vizsla.models.description import Architecture, Tokens
from vizsla.models.formats import onnx
from vizsla.models.formats.checkpoint import Checkpoint, modern, only_prefix
from vizsla.models.formats.naming import Naming
from vizsla.models.formats.wishes import Wishes
from vizsla.models.weights import opening
from vizsla.models.weights.numbers import Array
from vizsla.models.weights.places import inside, read_json, read_optional_json


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that holds a model.

    Attributes:
        folder: where its configs stand.
        weights: the weights file that was asked for, None for the folder's own.
    """

    folder: Path
    weights: Path | None = None

    @property
    def name(self) -> str:
        """What it was loaded from, for people."""
        return str(self.weights or self.folder)

    def has(self, name: str) -> bool:
        """Whether the folder holds a file."""
        return (self.folder / name).is_file()

    def json(self, name: str, *, optional: bool = False) -> dict[str, Any]:
        """The object of one of its files; empty where it may be missing and is."""
        return read_optional_json(self.folder / name) if optional else read_json(self.folder / name)

    def part(self, name: object, *, said_by: str) -> "Place":
        """A folder inside it that one of its files names."""
        return Place(inside(self.folder, name, said_by=self.folder / said_by)) if name else self

    def file(self) -> Path | None:
        """Its weights file, or the index of its shards; None where a published graph takes their place."""
        if self.weights is not None:
            return None if onnx.is_graph(self.weights) else self.weights
        return opening.find(self.folder)

    def arrays(self) -> dict[str, Array]:
        """Every array of its weights, under modern names.

        Raises:
            ArtifactError: there is no weights file, or it is not what it should be.
        """
        file = self.file()
        if file is None:
            raise ArtifactError(
                f"{self.folder}: found no weights; wanted {', '.join(opening.FILES)}: fetch the model whole"
            )
        return modern(opening.read(file))

    def checkpoint(self, naming: Naming) -> Checkpoint | None:
        """Its one model, None where a published graph holds the weights."""
        file = self.file()
        if file is None and self.graph():
            return None
        arrays = self.arrays()
        return Checkpoint(file or self.folder, arrays, naming, only_prefix(arrays, naming, file or self.folder))

    def graph(self) -> str:
        """Its published graph, "" where it has weights."""
        if self.weights is not None:
            return str(self.weights) if onnx.is_graph(self.weights) else ""
        return "" if self.file() is not None else onnx.find(self.folder)

    def tokenizer_config(self) -> dict[str, Any]:
        """What the files beside its vocabulary say."""
        return added.settings(self.folder)

    def tokens(self, architecture: Architecture, wishes: Wishes, *, symbols: bool = False) -> Tokens:
        """Its tokenizer, or the one that settings name.

        Raises:
            ArtifactError: there is none, or it gives ids that have no row in the word embedding.
        """
        named = wishes.settings.get("tokens")
        config = self.tokenizer_config()
        if named is not None:
            tokens = _elsewhere(named, config, symbols=symbols)
        else:
            tokens = vocabulary.from_folder(self.folder, config, symbols=symbols)
        if tokens.size > architecture.vocabulary:
            found = f"a tokenizer of {tokens.size} ids for {architecture.vocabulary} rows of the word embedding"
            raise ArtifactError(f"{self.name}: found {found}; wanted the model's own: fetch it again")
        return tokens


def _elsewhere(named: object, config: dict[str, Any], *, symbols: bool) -> Tokens:
    if not isinstance(named, str | Path) or not Path(named).exists():
        raise SettingsError(f"found tokens={named!r}; wanted a tokenizer.json, a vocab.txt, or a folder that holds one")
    path = Path(named)
    if path.is_dir():
        return vocabulary.from_folder(path, Place(path).tokenizer_config() or config, symbols=symbols)
    beside = Place(path.parent).tokenizer_config() or config
    if path.suffix == ".json":
        return vocabulary.from_json(path, beside)
    return vocabulary.from_vocabulary(path, beside, symbols=symbols)
