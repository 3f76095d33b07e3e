"""A collection that is replaced while others open it is the old one or the new one, never half of each."""

import json
import threading
from pathlib import Path

import pytest

from vizsla.collections.frozen import FrozenCollection
from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import Passage

WORDS = [f"w{number}" for number in range(50)]
BUILDS = 12


def test_an_opening_reader_sees_one_build(tmp_path: Path) -> None:
    one = [Passage(word, f"{word} here") for word in WORDS]
    builds = (one, one[::-1])
    folder = tmp_path / "one.index"
    FrozenCollection.build(one, folder)
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            found = FrozenCollection.load(folder)
            position = int(found.retriever.search(["w7"], 1).positions[0, 0])
            if found.corpus.passage(position).id != "w7":
                wrong.append(found.corpus.passage(position))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for build in range(BUILDS):
        FrozenCollection.build(builds[build % 2], folder)
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong


def test_a_part_that_is_not_named_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "one.index"
    FrozenCollection.build([Passage("a", "text")], folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    changes: list[dict[str, dict[str, str]]] = [{"files": {}}, {"settings": {}}]
    for change in changes:
        (folder / "manifest.json").write_text(json.dumps(manifest | change))
        with pytest.raises(ArtifactError, match="build"):
            FrozenCollection.load(folder)
