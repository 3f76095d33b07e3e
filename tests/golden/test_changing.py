"""Every collection ever stored is read, searched and changed by this release."""

import shutil
from pathlib import Path

import pytest
from tests.golden.make_changing import FIRST, LAST
from tests.integration.collection_model import toy

from vizsla.collections.collection import Collection
from vizsla.core.protocols import Passage

HERE = Path(__file__).parent
HITS: dict[str, list[tuple[str, float]]] = {
    "pointing birds": [("c", 1.7145628929138184), ("a", 1.4156559705734253)],
    "猎物": [("b", 1.9605343341827393)],
    "hunting dogs run": [
        ("a", 1.8766696453094482), ("more-0", 0.2711813747882843), ("more-1", 0.2711813747882843),
        ("more-2", 0.2711813747882843),
    ],
    "nothing": [],
}  # fmt: skip
LIMIT_BYTES = 100 << 10


@pytest.fixture(params=["c1", "c2"])
def collection(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collection:
    monkeypatch.setattr("vizsla.assembly.load", toy)
    shutil.copytree(HERE / request.param, tmp_path / "c")
    return Collection.open(tmp_path / "c")


def held() -> list[Passage]:
    more = [Passage(f"more-{number}", f"run {number}") for number in range(7)]
    return [*(one for one in FIRST if one.id not in ("gone", LAST.id)), *more, LAST]


def test_it_holds_what_it_held(collection: Collection) -> None:
    collection.verify()
    assert list(collection.export()) == held()
    assert len(collection.info().segments) == 2
    assert collection.info().dead == 2
    assert collection.info().pipelines == {"best": "rrf(bm25, toy, terms)"}
    assert collection.info().rerankers == {"judge": "some/model"}


@pytest.mark.parametrize("query", HITS)
def test_it_is_searched_as_on_its_first_day(collection: Collection, query: str) -> None:
    found = collection.search(query, 4, pipeline="bm25")
    assert [(one.id, one.score) for one in found] == HITS[query]
    assert [one.id for one in collection.search(query, 20, where="good = false")] in ([], ["c"])
    assert len(collection.search(query, 3, pipeline="best")) == 3


def test_it_is_changed_and_merged(collection: Collection) -> None:
    collection.add([Passage("new", "birds")])
    collection.compact()
    assert list(collection.export()) == [*held(), Passage("new", "birds")]
    collection.verify()


def test_it_stays_small() -> None:
    for folder in HERE.glob("c[0-9]*"):
        assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < LIMIT_BYTES
