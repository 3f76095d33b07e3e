"""Stored folders that were truncated, altered or made by somebody who means harm."""

import io
import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vizsla.assembly import load
from vizsla.core.artifacts import MANIFEST, Artifact, draft, open_artifact
from vizsla.core.errors import ArtifactError

Manifest = dict[str, Any]
SIZE = 928
ENTRY = {"size_bytes": SIZE, "sha256": "0" * 64}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with draft(tmp_path / "box", kind="box", version=1, settings={"a": 1}) as made:
        made.array("numbers", np.arange(100, dtype=np.int64))
        made.path("words").write_bytes(b"words")
    return tmp_path / "box"


def opened(folder: Path) -> Artifact:
    return open_artifact(folder, kind="box", version=1)


def alter(folder: Path, change: Callable[[Manifest], object]) -> None:
    path = folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize("size", [0, 1, 127, SIZE - 1, SIZE + 1])
def test_a_truncated_file_is_refused_at_opening(folder: Path, size: int) -> None:
    whole = (folder / "numbers.npy").read_bytes()
    (folder / "numbers.npy").write_bytes((whole + b"x")[:size])
    with pytest.raises(ArtifactError, match=rf"numbers\.npy: found {size} bytes; wanted {SIZE}"):
        opened(folder)


def test_a_missing_file_is_refused_at_opening(folder: Path) -> None:
    (folder / "words").unlink()
    with pytest.raises(ArtifactError, match="words: missing; wanted 5 bytes"):
        opened(folder)


@pytest.mark.parametrize("at", [0, 130, SIZE - 1])
def test_an_altered_file_is_named_by_verify(folder: Path, at: int) -> None:
    content = bytearray((folder / "numbers.npy").read_bytes())
    content[at] ^= 1
    (folder / "numbers.npy").write_bytes(content)
    artifact = opened(folder)
    with pytest.raises(ArtifactError, match=r"numbers\.npy: altered"):
        artifact.verify()


def test_a_file_lost_after_opening_is_named_by_verify(folder: Path) -> None:
    artifact = opened(folder)
    (folder / "words").unlink()
    with pytest.raises(ArtifactError, match="words"):
        artifact.verify()


@pytest.mark.parametrize(
    "name",
    ["/etc/hostname", "../box/words", "a/../../words", "numbers.npy/b", "a\0b", "a" * 5000, "\ud800", "", ".", "a//b"],
)
def test_a_name_that_leads_elsewhere_is_refused(folder: Path, name: str) -> None:
    alter(folder, lambda manifest: manifest["files"].update({name: ENTRY}))
    with pytest.raises(ArtifactError):
        opened(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"files": None},
        {"files": ["words"]},
        {"files": {"words": 5}},
        {"files": {"words": {"sha256": "0" * 64}}},
        {"files": {"words": {"size_bytes": "5", "sha256": "0" * 64}}},
        {"files": {"words": {"size_bytes": 5.0, "sha256": "0" * 64}}},
        {"files": {"words": {"size_bytes": -1, "sha256": "0" * 64}}},
        {"files": {"words": {"size_bytes": 5}}},
        {"files": {"words": {"size_bytes": 5, "sha256": None}}},
        {"settings": None},
        {"settings": [1]},
        {"kind": ["box"]},
        {"kind": [1]},
        {"kind": {}},
        {"kind": None},
        {"format": "1"},
        {"format": 1.0},
        {"format": True},
        {"format": None},
    ],
    ids=str,
)
def test_a_manifest_of_other_types_is_refused(folder: Path, change: Manifest) -> None:
    alter(folder, lambda manifest: manifest.update(change))
    with pytest.raises(ArtifactError):
        opened(folder)
    with pytest.raises(ArtifactError):
        load(folder)


@pytest.mark.parametrize("key", ["kind", "format", "settings", "files"])
def test_a_manifest_without_its_parts_is_refused(folder: Path, key: str) -> None:
    alter(folder, lambda manifest: manifest.pop(key))
    with pytest.raises(ArtifactError, match="not a manifest of vizsla"):
        opened(folder)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"kind"', b"null", b"\xff\xfe{", b"[" * 200_000, b'{"files": ' + b"9" * 5000 + b"}"]
)
def test_what_is_no_manifest_is_refused(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(ArtifactError, match=r"manifest\.json: not a manifest of vizsla"):
        opened(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["words", MANIFEST])
def test_a_pipe_is_refused_and_never_opened(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    if name == "words":
        alter(folder, lambda manifest: manifest["files"]["words"].update(size_bytes=0))
    with pytest.raises(ArtifactError, match=f"{name}.*not a regular file"):
        opened(folder)


def test_a_folder_for_a_file_is_refused(folder: Path) -> None:
    (folder / "words").unlink()
    (folder / "words").mkdir()
    size = (folder / "words").stat().st_size
    alter(folder, lambda manifest: manifest["files"]["words"].update(size_bytes=size))
    with pytest.raises(ArtifactError, match="words: not a regular file"):
        opened(folder)


def test_a_folder_for_a_manifest_is_refused(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    (folder / MANIFEST).mkdir()
    with pytest.raises(ArtifactError, match="manifest"):
        opened(folder)


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda _: None], ids=["folder", "file", "nothing"])
def test_what_is_no_artifact_says_what_would_be(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a")
    with pytest.raises(ArtifactError, match="wanted a folder written by vizsla"):
        opened(tmp_path / "a")


def stored(save: Callable[[io.BytesIO], None]) -> bytes:
    file = io.BytesIO()
    save(file)
    return file.getvalue()


PLAIN = stored(lambda file: np.save(file, np.arange(100, dtype=np.int64)))
OBJECTS = stored(lambda file: np.save(file, np.array([{}], dtype=object), allow_pickle=True))
ARCHIVE = stored(lambda file: np.savez(file, numbers=np.arange(3)))


def read(folder: Path, content: bytes) -> np.ndarray[Any, Any]:
    (folder / "numbers.npy").write_bytes(content)
    return Artifact(folder, {"files": {"numbers.npy": {}}}).array("numbers", np.int64)


@pytest.mark.parametrize(
    "content",
    [b"", b"text", PLAIN[:60], PLAIN[:200], OBJECTS, ARCHIVE, b"PK\x03\x04" + bytes(100), b"\x80\x04N."],
    ids=["empty", "text", "half a header", "half the data", "objects", "archive", "broken archive", "pickle"],
)
def test_what_is_no_plain_array_is_refused(folder: Path, content: bytes) -> None:
    with pytest.raises(ArtifactError, match=r"numbers\.npy: not a readable array"):
        read(folder, content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@example({22: 97})  # the type '<a8', of which numpy warns
@given(st.dictionaries(st.integers(0, 127), st.integers(0, 255), min_size=1, max_size=4))
def test_an_altered_header_is_refused_or_bounded(folder: Path, bytes_at: dict[int, int]) -> None:
    content = bytearray(PLAIN)
    for at, byte in bytes_at.items():
        content[at] = byte
    try:
        numbers = read(folder, bytes(content))
    except ArtifactError:
        return
    assert numbers.dtype == np.int64
    assert numbers.nbytes <= len(PLAIN)
    numbers.sum()  # every byte of it can be read


SHAPES = ["(100, ,", "(100,\xed,", "(1" + "0" * 12 + ",)", "(1" + "0" * 25 + ",)", "(-1,)", "(9" + "(" * 60, "(True,)"]


def headed(kind: str, shape: str) -> bytes:
    header = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode("latin-1").ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(800)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_header_that_cannot_be_parsed_is_refused(folder: Path, shape: str) -> None:
    with pytest.raises(ArtifactError, match="not a readable array"):
        read(folder, headed("'<i8'", shape))


@pytest.mark.parametrize("kind", ["'<a8'", "'nothing'", "[1]", "[('a',)]", "[]", "()", "None", "{}", "'<i8,'", "7"])
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_a_type_that_cannot_be_parsed_is_refused_whatever_becomes_of_warnings(
    folder: Path, kind: str, action: Literal["error", "ignore"]
) -> None:
    content = headed(kind, "(100,)")
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        with pytest.raises(ArtifactError, match=r"numbers\.npy: "):
            read(folder, content)
