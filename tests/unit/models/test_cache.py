"""Graphs on disk: built once, found again, rebuilt when damaged, and never taken for another's."""

import dataclasses
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError
from vizsla.core.protocols import TokenBatch
from vizsla.models import cache, graph
from vizsla.models.description import Head, Layout
from vizsla.runtimes.onnxruntime_session import OnnxRuntime

from . import oracle

D = oracle.description("bert", Head("vector", pooling=("mean",)), hidden=24)
BATCH = TokenBatch(np.array([[7, 8]]), np.array([[0, 1]]), np.array([[1, 1]]))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_graph_is_built_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cache.compiled(D)
    assert path.is_relative_to(place)
    first = OnnxRuntime(path).run(BATCH)
    np.testing.assert_allclose(first, oracle.expected(D, [([7, 8], [0, 1])]), atol=1e-5)
    monkeypatch.setattr(graph, "build", None)
    assert cache.compiled(D) == path
    assert OnnxRuntime(path).run(BATCH).tobytes() == first.tobytes()


@pytest.mark.parametrize("name", ["model.onnx", "weights.bin", "manifest.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "empty"])
def test_a_damaged_entry_is_built_again(name: str, damage: str) -> None:
    path = cache.compiled(D)
    file, content = path.parent / name, (path.parent / name).read_bytes()
    file.unlink()
    if damage != "gone":
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    assert cache.compiled(D) == path
    assert file.read_bytes() == content


def test_an_altered_graph_of_the_same_size_is_built_again() -> None:
    path = cache.compiled(D)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert cache.compiled(D).read_bytes() == content


def test_the_key_follows_what_the_graph_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    bit = D.weights["layers.0.up.bias"].copy()
    bit[0] = np.nextafter(bit[0], np.float32(9))
    changed = [
        dataclasses.replace(D, weights={**D.weights, "layers.0.up.bias": bit}),
        dataclasses.replace(D, head=Head("vector", pooling=("mean",), normalize=True)),
        dataclasses.replace(D, architecture=dataclasses.replace(D.architecture, layer_norm_eps=1e-5)),
        dataclasses.replace(D, tokens=dataclasses.replace(D.tokens, pad=4)),
    ]
    same = dataclasses.replace(D, name="other", layout=Layout("other"), weights=dict(reversed(list(D.weights.items()))))
    assert cache.key(same) == cache.key(D)
    keys = {cache.key(one) for one in (D, *changed)}
    monkeypatch.setattr(graph, "VERSION", graph.VERSION + 1)
    assert len(keys | {cache.key(D)}) == 6


def test_files_stand_for_their_weights(tmp_path: Path) -> None:
    file = tmp_path / "w"
    file.write_bytes(b"1")
    os.utime(file, ns=(1, 1))
    first = cache.source([file])
    assert cache.source([tmp_path / "." / "w"]) == first
    os.utime(file, ns=(1, 2))
    assert cache.source([file]) != first
    bare = dataclasses.replace(D, weights={})
    assert cache.key(bare, made_from=first) == cache.key(D, made_from=first) != cache.key(D, made_from="x")
    with pytest.raises(ArtifactError, match="gone: cannot be read"):
        cache.source([tmp_path / "gone"])


def test_an_entry_that_cannot_be_built_leaves_nothing(place: Path) -> None:
    with pytest.raises(ArtifactError, match="no weight"):
        cache.compiled(dataclasses.replace(D, weights={}))
    assert list((place / "graphs").iterdir()) == []


def test_the_folder_is_the_variables_or_the_platforms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache.folder() == tmp_path / "cache"
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "vizsla"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "vizsla"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache.folder() == tmp_path / "Library" / "Caches" / "vizsla"
