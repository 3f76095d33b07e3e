"""What the tests of the house look at: the repository's files and their syntax trees."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def sources() -> dict[str, ast.Module]:
    """Every module of the package, by its path under src/vizsla."""
    package = ROOT / "src" / "vizsla"
    files = sorted(package.rglob("*.py"))
    assert files, f"no modules under {package}"
    return {file.relative_to(package).as_posix(): ast.parse(file.read_bytes(), filename=str(file)) for file in files}


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """Every file that git tracks."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of tracked files")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
