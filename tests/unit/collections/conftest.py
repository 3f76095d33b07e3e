"""A small collection of toy models, for tests of what changes it."""

from pathlib import Path

import pytest
from tests.integration.collection_model import ENCODERS, toy

from vizsla.collections.collection import Collection
from vizsla.core.protocols import Passage


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vizsla.assembly.load", toy)


@pytest.fixture
def folder(tmp_path: Path, toys: None) -> Path:
    return tmp_path / "c"


@pytest.fixture
def collection(folder: Path) -> Collection:
    made = Collection.create(folder, ENCODERS)
    made.add([Passage("a", "vizslas point"), Passage("b", "维兹拉犬", "title", {"year": 2020}, "book")])
    return made
