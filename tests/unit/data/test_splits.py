import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.core.errors import SettingsError
from vizsla.data.judgements import Judgements
from vizsla.data.splits import Leak, leaks, split

SHARES = {"train": 0.8, "dev": 0.1, "test": 0.1}


def made(rows: dict[str, tuple[str, dict[str, int]]]) -> Judgements:
    return Judgements({q: text for q, (text, _) in rows.items()}, {q: grades for q, (_, grades) in rows.items()})


ROWS = st.dictionaries(
    st.text("qrs0123", min_size=1, max_size=3),
    st.tuples(
        st.sampled_from(["\uff21 b", "a  B", "c", "d", "straße", "STRASSE", "e", "f"]),
        st.dictionaries(st.integers(0, 12).map(str), st.integers(-1, 2), min_size=1, max_size=2),
    ),
    max_size=25,
)


@given(rows=ROWS, seed=st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_every_query_goes_to_one_split_and_nothing_leaks(
    rows: dict[str, tuple[str, dict[str, int]]], seed: int
) -> None:
    parts = split(made(rows), SHARES, seed=seed)
    assert sorted(query for part in parts.values() for query in part.queries) == sorted(rows)
    for name, part in parts.items():
        assert part.grades == {query: rows[query][1] for query in part.queries}
        assert all(not leaks(part, other) for key, other in parts.items() if key != name)
    backwards = split(made(dict(reversed(rows.items()))), SHARES, seed=seed)
    assert {name: set(part.queries) for name, part in parts.items()} == {
        name: set(part.queries) for name, part in backwards.items()
    }


def many(count: int) -> Judgements:
    return made({f"q{row}": (f"text {row}", {f"p{row}": 1}) for row in range(count)})


def test_sizes_are_as_asked_for_where_nothing_hangs_together(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="vizsla"):
        parts = split(many(1000), SHARES, seed=3)
    assert {name: len(part.queries) for name, part in parts.items()} == {"train": 800, "dev": 100, "test": 100}
    assert "train 800 of 800, dev 100 of 100, test 100 of 100" in caplog.text


def test_sizes_that_cannot_be_had_are_said(caplog: pytest.LogCaptureFixture) -> None:
    one_passage = made({f"q{row}": (f"text {row}", {"p": 1}) for row in range(50)})
    parts = split(one_passage, SHARES, seed=3)
    assert sorted(len(part.queries) for part in parts.values()) == [0, 0, 50]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_the_seed_decides_the_same_on_every_machine() -> None:
    first = split(many(30), {"a": 0.5, "b": 0.5}, seed=1)
    assert sorted(first["a"].queries) == sorted(split(many(30), {"a": 0.5, "b": 0.5}, seed=1)["a"].queries)
    assert sorted(first["a"].queries) != sorted(split(many(30), {"a": 0.5, "b": 0.5}, seed=2)["a"].queries)
    assert sorted(split(many(8), {"a": 0.5, "b": 0.5}, seed=1)["a"].queries) == ["q1", "q2", "q3", "q5"]


@pytest.mark.parametrize("shares", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}, {"a": 1.0, "b": 0.0}, {"a": float("nan")}])
def test_shares_must_sum_to_one(shares: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="wanted fractions"):
        split(many(5), shares, seed=0)


def test_leaks_name_what_is_shared() -> None:
    one = made({"a": ("Was ist  das", {"p": 1, "x": 0}), "b": ("other", {"r": 2})})
    other = made({"c": ("was ist das ", {"q": 1, "x": 1}), "d": ("third", {"p": 1, "r": 0}), "e": ("4", {"p": 1})})
    assert leaks(one, other) == [
        Leak("text", "was ist das", ("a",), ("c",)),
        Leak("passage", "p", ("a",), ("d", "e")),
    ]
    assert leaks(one, made({"z": ("new", {"x": 1})})) == []
