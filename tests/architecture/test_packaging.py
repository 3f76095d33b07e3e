"""What an installation brings: no torch, however far the dependencies go."""

import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

HEAVY = {"torch", "transformers", "sentence-transformers", "tensorflow", "jax", "paddlepaddle", "pandas"}


def project(root: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def wanted(lines: list[str], extras: frozenset[str]) -> list[Requirement]:
    """The requirements whose markers hold here."""
    found = [Requirement(line) for line in lines]
    names = extras or {""}
    return [one for one in found if one.marker is None or any(one.marker.evaluate({"extra": name}) for name in names)]


def closure(lines: list[str]) -> dict[str, str]:
    """Every package that installing these lines brings, each with the one that asked for it."""
    asked = {one.name.lower(): "vizsla" for one in wanted(lines, frozenset())}
    waiting = wanted(lines, frozenset())
    while waiting:
        one = waiting.pop()
        try:
            below = wanted(requires(one.name) or [], frozenset(one.extras))
        except PackageNotFoundError:
            continue
        for found in below:
            if found.name.lower() not in asked:
                asked[found.name.lower()] = one.name
                waiting.append(found)
    return asked


def test_the_base_install_brings_no_torch(root: Path) -> None:
    brought = closure(project(root)["dependencies"])
    assert {"numpy", "scipy", "numba", "llvmlite"} <= brought.keys()
    heavy = {name: asked for name, asked in brought.items() if name in HEAVY}
    assert not heavy, f"the base install brings {heavy} (package: asked for by)"


def test_the_licence_travels_with_the_package(root: Path) -> None:
    table = project(root)
    assert table["license"] == "Apache-2.0"
    assert [name for name in table["license-files"] if "Apache License" in (root / name).read_text()] == ["LICENSE"]


def test_the_command_is_installed(root: Path) -> None:
    assert project(root)["scripts"] == {"vizsla": "vizsla.cli:main"}
