"""Stored indexes made other than they were written: under a manifest that says otherwise, or knows the new files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from vizsla.core import artifacts

Change: TypeAlias = Callable[..., None]


@pytest.fixture
def rewritten() -> Change:
    """Other settings in the manifest."""

    def change(folder: Path, **settings: Any) -> None:
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text())
        manifest["settings"] |= settings
        path.write_text(json.dumps(manifest))

    return change


@pytest.fixture
def replaced() -> Change:
    """Other arrays, None for none, under a manifest that knows their sizes and digests."""

    def change(folder: Path, **arrays: Any) -> None:
        manifest = artifacts.read_manifest(folder)
        stored = {path.stem: np.load(path) for path in folder.glob("*.npy")}
        settings = manifest["settings"]
        with artifacts.draft(folder, kind=manifest["kind"], version=manifest["format"], settings=settings) as draft:
            for name, array in (stored | arrays).items():
                if array is not None:
                    draft.array(name, array)

    return change
