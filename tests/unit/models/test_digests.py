"""A tower's digest is taken from the cache for files that have not changed, and for no others."""

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from vizsla.models import cache, contract, digests
from vizsla.models.description import Description
from vizsla.models.reading import read
from vizsla.models.weights import places

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache/digests"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that counts as old at once."""
    monkeypatch.setattr(digests, "_TICK_NS", 0)
    return Path(shutil.copytree(FIXTURES / "st5-bi-mean-norm", tmp_path / "model"))


def unread(_: Description) -> str:
    raise AssertionError("the weights were read again")


def test_the_second_time_nothing_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(folder).queries
    assert digests.of(first) == contract.digest(first)
    monkeypatch.setattr(digests, "digest", unread)
    assert digests.of(read(folder).queries) == contract.digest(first)


def altered(path: Path) -> None:
    """Another number, the same size, and the time of change put back."""
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[8 + int.from_bytes(content[:8], "little")] ^= 1  # of the first array
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_file_altered_behind_its_time_of_change(folder: Path) -> None:
    first = digests.of(read(folder).queries)
    time.sleep(0.02)
    altered(folder / "model.safetensors")
    found = read(folder).queries
    assert digests.of(found) == contract.digest(found) != first


def test_other_settings_are_another_digest(folder: Path) -> None:
    one, other = (read(folder, settings={"layer_norm_eps": eps}).queries for eps in (1e-5, 1e-12))
    assert digests.of(one) == contract.digest(one) != digests.of(other)


def test_of_a_file_just_changed_nothing_is_kept(folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_TICK_NS", 10**12)
    found = read(folder).queries
    assert digests.of(found) == contract.digest(found)
    assert not place.exists()


def test_weights_in_memory_are_hashed_every_time(folder: Path, place: Path) -> None:
    found = read(folder).queries
    found = Description(**{name: getattr(found, name) for name in found.__slots__} | {
        "weights": {name: np.array(array) for name, array in found.weights.items()}
    })  # fmt: skip
    assert digests.of(found) == contract.digest(found)
    assert not place.exists()


@pytest.mark.parametrize("content", [b"", b"x" * 32, b"0" * 31, b"\xff" * 32])
def test_a_damaged_entry_is_made_again(folder: Path, place: Path, content: bytes) -> None:
    found = read(folder).queries
    wanted = digests.of(found)
    (entry,) = place.iterdir()
    entry.write_bytes(content)
    assert digests.of(found) == wanted
    assert entry.read_text() == wanted


def test_a_cache_that_cannot_be_written_costs_only_time(folder: Path, place: Path) -> None:
    place.parent.mkdir()
    place.write_bytes(b"")
    found = read(folder).queries
    assert digests.of(found) == contract.digest(found)


def test_a_published_graph_is_hashed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "_TICK_NS", 0)
    graph = tmp_path / "model.onnx"
    graph.write_bytes(b"one")
    found = read(FIXTURES / "st5-bi-mean-norm").queries
    made = Description(
        **{name: getattr(found, name) for name in found.__slots__} | {"weights": {}, "graph": str(graph)}
    )
    first = digests.of(made)
    assert first == contract.digest(made)
    (tmp_path / "model.onnx_data").write_bytes(b"more")
    assert digests.of(made) == contract.digest(made) != first
    monkeypatch.setattr(digests, "digest", unread)
    assert digests.of(made) != first


def test_where_an_array_lies(tmp_path: Path) -> None:
    path = tmp_path / "w"
    np.arange(8, dtype="<f4").tofile(path)
    whole = np.frombuffer(places.mapped(path), "<f4")
    found = places.origin(whole.reshape(2, 4).T[1:])
    assert found == (places.identity(path.stat()), 4)
    assert places.origin(whole.copy()) is None
    assert places.origin(np.frombuffer(places.mapped(path), "<f4")[7:]) == (found[0], 28)
