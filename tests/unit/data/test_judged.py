import pytest

from vizsla.core.errors import DataError
from vizsla.data import judged
from vizsla.data.problems import Problems


def test_the_first_of_each_stays_and_the_others_are_noted() -> None:
    problems = Problems()
    assert judged.texts([("a", "1", "f:1"), ("a", "2", "f:2")], problems) == {"a": "1"}
    found = judged.grades([("a", "p", 1, "f:1"), ("a", "p", 2, "f:2"), ("b", "p", 0, "f:3")], problems)
    assert found == {"a": {"p": 1}, "b": {"p": 0}}
    assert problems.counts == {"duplicate_id": 1, "duplicate_judgement": 1}


def test_one_id_of_two_splits_has_one_text() -> None:
    assert judged.merged({"train": {"1": "a"}, "dev": {"1": "a", "2": "b"}}) == {"1": "a", "2": "b"}
    with pytest.raises(DataError, match="query '1' as 'a' and, in the split 'dev', as 'b'"):
        judged.merged({"train": {"1": "a"}, "dev": {"1": "b"}})


def test_queries_go_where_they_are_judged() -> None:
    queries = {"a": "?", "b": "!"}
    grades = {"train": {"a": {"p": 1}, "x": {"p": 1}}, "dev": {"a": {"p": 1}, "b": {"p": 1}}}
    assert judged.told_apart(queries, grades) == {"train": {"a": "?"}, "dev": queries}
