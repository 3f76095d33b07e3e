from collections.abc import Iterator
from pathlib import Path

import pytest

from vizsla.models.registry import Entry, entries

from .conftest import Call

COMMIT = "1" * 40


@pytest.fixture(autouse=True)
def nothing_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, and an address where nobody answers: whatever asked the network would fail."""
    for name in ("HF_HUB_CACHE", "HF_HUB_OFFLINE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    yield tmp_path
    assert not list(tmp_path.rglob("*.lock"))


def fetched(cache: Path, hub_id: str) -> Path:
    root = cache / "hub" / f"models--{hub_id.replace('/', '--')}"
    for folder in ("refs", "vizsla", f"snapshots/{COMMIT}"):
        (root / folder).mkdir(parents=True)
    (root / "refs/main").write_text(COMMIT)
    (root / "vizsla" / f"{COMMIT}.json").write_text('{"files": {"config.json": {"size": 2}}}')
    (root / "snapshots" / COMMIT / "config.json").write_text("{}")
    return root / "snapshots" / COMMIT


def test_every_model_has_its_row(call: Call) -> None:
    done = call("models")
    assert done.code == 0
    rows = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.split()}
    assert {entry.name for entry in entries()} <= set(rows)
    assert rows["all-MiniLM-L6-v2"] == ["bert", "dense", "22.6", "Apache-2.0", "hub"]
    assert rows["efficient-splade-V-large"][3:] == ["CC-BY-NC-SA", "hub"]
    assert rows["rocketqa-zh-nano"][-2:] == ["by", "hand"]


def test_no_row_is_broken_at_eighty_columns(call: Call) -> None:
    lines = call("models").out.splitlines()
    systems = {entry.system for entry in entries()}
    assert max(map(len, lines)) <= 80
    assert len(lines) == len(entries()) + len(systems) + 4


def test_what_is_here_is_said(call: Call, nothing_fetched: Path) -> None:
    folder = fetched(nothing_fetched, "sentence-transformers/all-MiniLM-L6-v2")
    fetched(nothing_fetched, "naver/efficient-splade-V-large-doc")
    rows = {line.split()[0]: line.split()[-1] for line in call("models").out.splitlines() if line.split()}
    assert rows["all-MiniLM-L6-v2"] == "here"
    assert rows["efficient-splade-V-large"] == "hub"  # one tower of two
    assert str(folder) in "".join(call("models", "show", "all-MiniLM-L6-v2").out.split())


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_everything_known_is_shown(call: Call, entry: Entry) -> None:
    done = call("models", "show", entry.name)
    assert done.code == 0
    flat = "".join(done.out.split())  # long lines are folded
    for word in (*entry.names, entry.licence, entry.restriction, entry.url, entry.note, entry.layout, *entry.settings):
        assert "".join(word.split()) in flat
    for figure in entry.figures:
        assert f"{figure.value:,.10g}" in flat
        for word in (figure.measure, figure.unit, figure.data, figure.conditions, figure.source.url):
            assert "".join(word.split()) in flat
    assert "vizsla.load(" in flat


def test_a_restricted_licence_is_spelt_out(call: Call) -> None:
    out = " ".join(call("models", "show", "naver/efficient-splade-VI-BT-large-doc").out.split())
    assert "CC-BY-NC-SA-4.0: not for commercial use" in out
    assert "45.3" not in out
    assert "encoding of one query 0.7 ms" in out


def test_how_to_load_follows_where_the_files_are(call: Call) -> None:
    assert 'encoder = vizsla.load("all-MiniLM-L6-v2")' in call("models", "show", "all-MiniLM-L6-v2").out
    two = call("models", "show", "rocketqa-zh-micro").out
    assert 'vizsla.load(queries="FOLDER", passages="FOLDER", settings={"like": "rocketqa-zh-micro"})' in two
    one = call("models", "show", "corom-rank-zh-tiny").out
    assert 'reranker = vizsla.load("FOLDER", settings={"like": "corom-rank-zh-tiny"})' in one


def test_a_name_that_is_none_is_said(call: Call) -> None:
    done = call("models", "show", "all-MiniLM-L6")
    assert done.code == 2
    assert "did you mean 'all-MiniLM-L6-v2'?" in done.err
