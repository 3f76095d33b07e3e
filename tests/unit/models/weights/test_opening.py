"""The file that a folder has, its shards, and paths that stay inside."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError
from vizsla.models.weights import opening
from vizsla.models.weights.places import inside, read_json, read_json_list


def shards(folder: Path, places: object, name: str = "model_state.pdparams.index.json") -> Path:
    for number in (1, 2):
        (folder / f"{number}.pdparams").write_bytes(pickle.dumps({f"a{number}": np.full(2, number, dtype="f4")}))
    (folder / name).write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    return folder / name


def test_shards_are_one(tmp_path: Path) -> None:
    found = opening.read(shards(tmp_path, {"a1": "1.pdparams", "a2": "2.pdparams"}))
    assert {key: array.tolist() for key, array in found.items()} == {"a1": [1, 1], "a2": [2, 2]}


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({"a1": "../1.pdparams"}, "the path"),
        ({"a1": "/etc/passwd"}, "the path"),
        ({"a1": "..\\1.pdparams"}, "the path"),
        ({"a1": "C:1.pdparams"}, "the path"),
        ({"a1": "a\0b"}, "the path"),
        ({"a1": "桥" * 90}, "the path"),
        ({"a1": "2.pdparams"}, "no 'a1' in"),
        ({"a1": "3.pdparams"}, "cannot be read"),
        ({"a1": 5}, "of no known kind"),
        ({"a1": "model_state.pdparams.index.json"}, "for a shard"),
        ({}, "no weight_map"),
        (["a1"], "no weight_map"),
    ],
)
def test_shards_that_do_not_fit_are_refused(tmp_path: Path, places: object, said: str) -> None:
    with pytest.raises(ArtifactError, match=said):
        opening.read(shards(tmp_path, places))


def test_a_folder_is_looked_through_in_order(tmp_path: Path) -> None:
    assert opening.find(tmp_path) is None
    for name in ("model_state.pdparams", "pytorch_model.bin.index.json", "pytorch_model.bin", "model.safetensors"):
        (tmp_path / name).touch()
        assert opening.find(tmp_path) == tmp_path / name
    assert opening.is_weights(tmp_path / "a.index.json")
    assert not opening.is_weights(tmp_path / "config.json")


def test_paths_inside_stay_inside(tmp_path: Path) -> None:
    assert inside(tmp_path, "a/b.c", said_by=tmp_path) == tmp_path / "a/b.c"
    for bad in ("a/../../b", "/a", "\\a", "c:\\a", "", None, 3):
        if bad == "":
            assert inside(tmp_path, bad, said_by=tmp_path) == tmp_path
            continue
        with pytest.raises(ArtifactError, match="wanted one inside"):
            inside(tmp_path, bad, said_by=tmp_path)


@pytest.mark.parametrize("content", ["{", "[1]", "3", "[" * 100_000, '"a"'])
def test_configs_that_are_no_objects_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(ArtifactError, match=r"config\.json"):
        read_json(path)
    path.write_text("{}")
    with pytest.raises(ArtifactError, match="wanted a list"):
        read_json_list(path)
    path.unlink()
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_json(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="of no known kind"):
        opening.read(tmp_path / "weights.h5")
