"""Stored vectors: bent files are refused, and vectors of other ids are not taken for these."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vizsla
from vizsla.core.errors import ArtifactError, IncompatibleError, VizslaError
from vizsla.data.corpus import Corpus
from vizsla.encoders.encoding import encode_to
from vizsla.encoders.sparse import SparseEncoder
from vizsla.encoders.stored import StoredVectors
from vizsla.models.description import Description, Towers
from vizsla.models.finding import Use

PASSAGES = [vizsla.Passage("a", "city of London"), vizsla.Passage("b", "open the file"), vizsla.Passage("c", "x")]


@pytest.fixture
def folder(terms: Description, tmp_path: Path) -> Path:
    encode_to(tmp_path / "v", SparseEncoder.of(Towers(terms, terms), Use()), Corpus.build(PASSAGES))
    return tmp_path / "v"


def bent(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    values = change(np.load(folder / f"{name}.npy").copy())
    np.save(folder / f"{name}.npy", values)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][f"{name}.npy"]["size_bytes"] = (folder / f"{name}.npy").stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def put(place: int, value: float) -> Callable[[Any], Any]:
    def change(values: Any) -> Any:
        values[place] = value
        return values

    return change


def test_ids_must_be_the_same(folder: Path) -> None:
    made = StoredVectors.load(folder)
    made.check(Corpus.build([vizsla.Passage(one.id, "another text") for one in PASSAGES]))
    for other in (PASSAGES[:2], PASSAGES[::-1]):
        with pytest.raises(IncompatibleError, match="encode these again"):
            made.check(Corpus.build(other))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("starts", put(0, 1)),
        ("starts", put(-1, 1)),
        ("starts", put(1, 1 << 40)),
        ("starts", lambda values: values[:-1]),
        ("terms", lambda values: values[:-1]),
        ("weights", lambda values: values.astype(np.float64)),
    ],
)
def test_arrays_that_do_not_fit(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    bent(folder, name, change)
    with pytest.raises(ArtifactError, match=r"encode again|build it again"):
        StoredVectors.load(folder)


@pytest.mark.parametrize(("name", "value"), [("terms", -1), ("terms", 1 << 20), ("weights", np.nan)])
def test_rows_that_are_none(folder: Path, name: str, value: float) -> None:
    bent(folder, name, put(0, value))
    with pytest.raises(VizslaError, match="found"):
        StoredVectors.load(folder).rows(0, 1)


@pytest.mark.parametrize("settings", [{"size": 4}, {"dim": "x"}, {"contract": {"id": "x", "parts": {}}}, {"more": 1}])
def test_settings_that_do_not_fit(folder: Path, settings: dict[str, object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["settings"] |= settings
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtifactError, match="encode again"):
        StoredVectors.load(folder)
