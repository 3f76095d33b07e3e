import json
import sys
from pathlib import Path

import pytest

from vizsla.core.errors import MissingExtraError
from vizsla.core.extras import require


def test_what_is_installed_is_imported() -> None:
    assert require("json", extra="any") is json


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.inner"])
def test_what_is_missing_names_the_command(module: str) -> None:
    with pytest.raises(
        MissingExtraError, match=rf"'{module}', which is not installed; run: pip install 'vizsla\[zh\]'"
    ):
        require(module, extra="zh")


def test_a_broken_package_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_package.py").write_text("import something_it_forgot_to_ask_for\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_it_forgot"):
        require("broken_package", extra="any")
    assert "broken_package" not in sys.modules
