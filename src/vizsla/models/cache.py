"""Compiled graphs on disk: each built once, under a digest of everything that it was made from.

An entry is an artifact, so it appears by one rename and a kill leaves nothing half written; an entry that is
damaged is built again. Weights lie in a file of their own that runtimes map into memory.
"""

import dataclasses
import glob
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from vizsla.core.artifacts import draft, open_artifact
from vizsla.core.errors import ArtifactError
from vizsla.models import graph
from vizsla.models.description import Description
from vizsla.models.nodes import WEIGHTS_FILE

KIND = "compiled-graph"
VARIABLE = "VIZSLA_CACHE"
GRAPH_FILE = "model.onnx"
_FORMAT = 1


def folder() -> Path:
    """Where compiled graphs are kept: VIZSLA_CACHE, else the platform's folder for caches."""
    if wanted := os.environ.get(VARIABLE, ""):
        return Path(wanted).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "vizsla"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vizsla"


def source(files: Iterable[str | Path]) -> str:
    """A cheap key of the files that weights come from: paths, sizes and times of change, not contents.

    Raises:
        ArtifactError: a file is not there.
    """
    found = []
    for file in sorted(Path(file).resolve() for file in files):
        try:
            status = file.stat()
        except OSError as error:
            raise ArtifactError(f"{file}: cannot be read ({error.strerror}); wanted a file of weights") from error
        found.append((str(file), status.st_size, status.st_mtime_ns))
    return hashlib.blake2b(json.dumps(found).encode(), digest_size=16).hexdigest()


def key(description: Description, *, made_from: str = "") -> str:
    """A digest of what the graph depends on: the builder, architecture, head, pad and weights.

    Args:
        description: layout and tokenizer have no part in it.
        made_from: what stands for the weights, `source` of their files; without it every weight is read.
    """
    kept = {
        "builder": graph.VERSION,
        "architecture": dataclasses.asdict(description.architecture),
        "head": dataclasses.asdict(description.head),
        "pad": description.tokens.pad,
        "graph": _published(description.graph) if description.graph else "",
        "made_from": made_from,
    }
    digest = hashlib.blake2b(json.dumps(kept, sort_keys=True).encode(), digest_size=16)
    for name in () if made_from else sorted(description.weights):
        values = np.ascontiguousarray(description.weights[name], dtype=np.float32)
        digest.update(f"{name} {values.shape} ".encode())
        digest.update(values.data)
    return digest.hexdigest()


def _published(path: str) -> str:
    """A published graph's key: of its file and of those beside it that hold its weights (`model.onnx_data`)."""
    return source({Path(path), *Path(path).parent.glob(f"{glob.escape(Path(path).name)}*")})


def compiled(description: Description, *, made_from: str = "") -> Path:
    """The description's graph as an ONNX file in the cache, built when it is not there or damaged.

    Args:
        description: what to build.
        made_from: as for `key`.

    Raises:
        ArtifactError: a weight is missing or of another shape, or the cache cannot be written.
    """
    place = folder() / "graphs" / key(description, made_from=made_from)
    try:
        return _checked(place)
    except ArtifactError:
        shutil.rmtree(place, ignore_errors=True)  # not there, or damaged; the name is a digest, so nobody else's
    with draft(place, kind=KIND, version=_FORMAT, settings={"name": description.name}) as unfinished:
        save(description, unfinished.folder)
    return place / GRAPH_FILE


def save(description: Description, into: str | Path) -> Path:
    """Write a graph and its weights, `model.onnx` and `weights.bin`, into a folder; returns the graph's path."""
    path = Path(into) / GRAPH_FILE
    with (Path(into) / WEIGHTS_FILE).open("wb") as file:
        path.write_bytes(graph.build(description, file).SerializeToString(deterministic=True))
    return path


def _checked(place: Path) -> Path:
    """The graph's file: sizes of all files checked, and the graph's own digest; weights are too long to read."""
    entry = open_artifact(place, kind=KIND, version=_FORMAT)
    path = entry.path(GRAPH_FILE)
    if hashlib.sha256(path.read_bytes()).hexdigest() != entry.manifest["files"][GRAPH_FILE]["sha256"]:
        raise ArtifactError(f"{path}: altered since it was written; build it again")
    return path
