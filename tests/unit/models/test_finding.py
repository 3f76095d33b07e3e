"""What a caller names becomes two towers that belong together, or an error that says why not."""

import json
import logging
import shutil
from pathlib import Path

import pytest

from vizsla.core.errors import ArtifactError, IncompatibleError, SettingsError
from vizsla.models import hub
from vizsla.models.finding import BAG_OF_WORDS, Use, Wanted, find

FIXTURES = Path(__file__).parent / "fixtures"
BI, CROSS, ERNIE = FIXTURES / "st5-bi-mean-norm", FIXTURES / "st5-cross-identity", FIXTURES / "paddlenlp-ernie3/query"


@pytest.fixture
def unnormalised(tmp_path: Path) -> Path:
    """A model compared by cosine whose modules do not normalise."""
    folder = Path(shutil.copytree(BI, tmp_path / "cosine"))
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    (folder / "modules.json").write_text(json.dumps(modules[:2]), encoding="utf-8")
    return folder


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A hub that gives folders of this place and remembers what it was asked for."""
    asked: list[str] = []

    def download(hub_id: str) -> Path:
        asked.append(hub_id)
        return BI

    monkeypatch.setattr(hub, "download", download)
    return asked


def test_one_folder_is_both_towers() -> None:
    towers, use = find(Wanted(BI))
    assert towers.queries is towers.passages
    assert use == Use("fp32", 0, "first")


def test_two_folders_are_one_each() -> None:
    towers, use = find(Wanted(queries=ERNIE, passages=ERNIE.parent / "query/model_state.pdparams"), "bf16")
    assert towers.queries is not towers.passages
    assert use.precision == "bf16"


def test_a_name_of_the_registry(fetched: list[str]) -> None:
    towers, _ = find(Wanted("all-MiniLM-L6-v2", settings={"dim": 8}))
    assert fetched == ["sentence-transformers/all-MiniLM-L6-v2"]
    assert towers.passages.head.normalize


def test_an_id_of_the_hub(fetched: list[str]) -> None:
    find(Wanted("someone/something"))
    assert fetched == ["someone/something"]


def test_a_folder_comes_before_a_name(fetched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(BI, tmp_path / "all-MiniLM-L6-v2")
    monkeypatch.chdir(tmp_path)
    find(Wanted("all-MiniLM-L6-v2"))
    assert fetched == []


@pytest.mark.parametrize("name", ["./nothing", "/no/such/folder", Path("nothing"), "a/b/c"])
def test_a_path_that_is_not_there(name: str | Path) -> None:
    with pytest.raises(ArtifactError, match="is not there"):
        find(Wanted(name))


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(SettingsError, match="did you mean 'all-MiniLM-L6-v2'"):
        find(Wanted("all-MiniLM-L6-v3"))


def test_one_side_alone() -> None:
    with pytest.raises(SettingsError, match="no model for one side"):
        find(Wanted(queries=BI))


@pytest.mark.parametrize(
    ("queries", "passages", "what"), [(BI, CROSS, "output"), (BI, ERNIE, "score"), (CROSS, ERNIE, "output")]
)
def test_towers_that_do_not_belong_together(queries: Path, passages: Path, what: str) -> None:
    with pytest.raises(IncompatibleError, match=f"found the {what}s"):
        find(Wanted(queries=queries, passages=passages))


def test_towers_of_two_widths() -> None:
    with pytest.raises(IncompatibleError, match=r"found the widths 32 and 52"):
        find(Wanted(queries=BI, passages=ERNIE, settings={"score": "dot"}))


def test_vectors_come_as_the_modules_leave_them(unnormalised: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "vizsla"):
        towers, _ = find(Wanted(unnormalised))
    assert (towers.queries.score, towers.queries.head.normalize) == ("cosine", False)
    assert towers.queries is towers.passages
    assert "settings={'normalize': True}" in caplog.text


def test_dot_products_are_never_normalised(unnormalised: Path) -> None:
    assert not find(Wanted(unnormalised, settings={"score": "dot"}))[0].queries.head.normalize
    assert not find(Wanted(ERNIE))[0].queries.head.normalize


def test_unit_length_on_wish(unnormalised: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert find(Wanted(unnormalised, settings={"normalize": True}))[0].queries.head.normalize
    assert not caplog.text


@pytest.mark.parametrize("settings", [{"dim": -1}, {"dim": "8"}, {"dim": True}, {"windows": "mean"}])
def test_settings_that_cannot_be(settings: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(settings))):
        find(Wanted(BI, settings=settings))


def test_a_bag_of_words_needs_weights_of_terms() -> None:
    with pytest.raises(IncompatibleError, match="output"):
        find(Wanted(BI, queries=BAG_OF_WORDS))
