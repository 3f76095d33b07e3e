import pytest

from vizsla.core.errors import SettingsError
from vizsla.models.description import Kind
from vizsla.models.layouts import NAMES, named


def test_every_layout_carries_its_own_name() -> None:
    assert [named(name, "vector").name for name in NAMES] == list(NAMES)
    assert [named(name, "score").name for name in NAMES] == list(NAMES)


@pytest.mark.parametrize(
    ("name", "kind", "query", "passage"),
    [
        ("rocketqa", "vector", 32, 384),
        ("rocketqa", "score", 384, 384),
        ("paddlenlp", "score", 384, 384),
        ("paddlenlp-early", "vector", 64, 256),
        ("paddlenlp-early", "score", 256, 256),
        ("modelscope", "vector", 128, 128),
        ("modelscope", "score", 128, 128),
        ("sentence-transformers", "terms", 512, 512),
    ],
)
def test_default_lengths(name: str, kind: Kind, query: int, passage: int) -> None:
    layout = named(name, kind)
    assert (layout.query_length, layout.passage_length) == (query, passage)


def test_where_titles_stand() -> None:
    titles = {name: (named(name, "vector").titles, named(name, "score").titles) for name in NAMES}
    assert titles["rocketqa"] == ("segment", "tokens")
    assert titles["paddlenlp"] == ("joined", "joined")
    assert titles["paddlenlp-early"] == ("none", "none")


def test_only_paddlenlp_opens_with_an_empty_text_and_only_for_vectors() -> None:
    assert [name for name in NAMES if named(name, "vector").empty_first] == ["paddlenlp"]
    assert not any(named(name, "score").empty_first for name in NAMES)


def test_an_unknown_name_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"'rocketqua'.*did you mean 'rocketqa'"):
        named("rocketqua", "vector")
