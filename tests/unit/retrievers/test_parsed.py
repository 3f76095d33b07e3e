"""Parsed search against a look at every passage."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.collections.frozen import FrozenCollection, IndexSettings
from vizsla.core.protocols import Passage
from vizsla.text.settings import AnalyzerSettings
from vizsla.text.syntax import parse

WORDS = ["run", "running", "the", "cat", "c++", "读取", "文件", "取文", "New York"]
DRAWS = np.random.default_rng(5)
TEXTS = [" ".join(DRAWS.choice(WORDS, DRAWS.integers(1, 9))) for _ in range(60)]
ENGLISH = AnalyzerSettings(language="english", stop_words=("the",), user_words=("New York",))


@pytest.fixture(scope="module", params=["grams", "words"])
def collection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> FrozenCollection:
    analyzer = AnalyzerSettings(
        language="english", stop_words=("the",), user_words=("New York",), ideographs=request.param
    )
    passages = [Passage(f"p{i}", text, "cat" if i % 7 == 0 else "") for i, text in enumerate(TEXTS)]
    return FrozenCollection.build(passages, tmp_path_factory.mktemp("c") / "c", IndexSettings(analyzer=analyzer))


def inside(part: list[str], whole: list[str]) -> bool:
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def oracle(collection: FrozenCollection, query: str, k: int) -> list[tuple[int, float]]:
    analyzer, parsed = collection.encoder.analyzer, parse(query)
    positions, scores = collection.retriever.search([parsed.text], len(collection)).row(0)
    kept = []
    for position, score in zip(positions.tolist(), scores.tolist(), strict=True):
        text = collection.searched([position])[0]
        units, terms = analyzer.units(text), set(analyzer.terms(text))
        holds = all(inside(analyzer.units(one), units) and set(analyzer.terms(one)) <= terms for one in parsed.must)
        hides = any(analyzer.units(one) and inside(analyzer.units(one), units) for one in parsed.excluded)
        kept += [(position, score)] if holds and not hides else []
    return kept[:k]


PART = st.tuples(st.sampled_from(["", "+", "-"]), st.lists(st.sampled_from(WORDS), min_size=1, max_size=3)).map(
    lambda made: f'{made[0]}"{" ".join(made[1])}"' if len(made[1]) > 1 else made[0] + made[1][0]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PART, min_size=1, max_size=4).map(" ".join), st.integers(1, 70))
def test_hits_are_those_a_look_at_every_passage_finds(collection: FrozenCollection, query: str, k: int) -> None:
    hits = collection.searcher.search([query], k)
    positions, scores = hits.row(0)
    assert hits.positions.shape == (1, k)
    assert list(zip(positions.tolist(), scores.tolist(), strict=True)) == oracle(collection, query, k)


def test_bitmaps_hold_with_signs(collection: FrozenCollection) -> None:
    allowed = np.arange(len(collection)) % 2 == 0
    hits = collection.searcher.search(["+cat -run", "cat"], 60, allowed)
    assert hits.counts().min() > 0
    assert (hits.positions[hits.positions >= 0] % 2 == 0).all()


def test_what_is_only_excluded_or_unknown_finds_nothing_or_itself(collection: FrozenCollection) -> None:
    assert collection.searcher.search(["+xyzzy cat"], 5).counts().tolist() == [0]
    assert collection.searcher.search(['"cat xyzzy"'], 5).counts().tolist() == [0]
    assert collection.searcher.search(["cat -xyzzy"], 5).counts().tolist() == [5]


def test_titles_that_are_only_stored_are_not_looked_at(tmp_path: Path) -> None:
    passages = [Passage("a", "dog", "cat"), Passage("b", "dog cat")]
    for titles, counts in (("index", [2, 0]), ("store", [1, 1])):
        chosen = IndexSettings(analyzer=ENGLISH, titles=titles)  # type: ignore[arg-type]
        made = FrozenCollection.build(passages, tmp_path / titles, chosen)
        assert made.searcher.search(["dog +cat", "dog -cat"], 5).counts().tolist() == counts
