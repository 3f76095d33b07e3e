"""A reranked run: order, depth, ties and texts that are missing."""

from collections.abc import Sequence

import numpy as np
import pytest

from vizsla.core.errors import DataError, ShapeError
from vizsla.core.protocols import Text
from vizsla.core.vectors import Scores
from vizsla.data.problems import Problems
from vizsla.data.runs import Run
from vizsla.evaluating.reranking import rerank_run


class Lengths:
    """Longer passages score higher; what comes is remembered."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def score(self, pairs: Sequence[tuple[str, Text]]) -> Scores:
        self.calls.append(len(pairs))
        return np.array([len("".join(passage)) for _, passage in pairs], np.float32)


TEXTS: dict[str, Text] = {"a": "1", "b": "333", "c": ("2", "2"), "d": "22"}
RUN = Run("first", {"q1": [("a", 9.0), ("d", 8.0), ("c", 7.0), ("b", 6.0)], "q2": [("b", 1.0)], "q3": []})
QUERIES = {"q1": "one", "q2": "two", "q3": "three"}


def test_candidates_are_ordered_anew_and_what_stood_behind_them_is_left_out() -> None:
    made = rerank_run(Lengths(), RUN, QUERIES, TEXTS, k=3)
    assert made.name == "first"
    assert made.rankings == {"q1": [("d", 2.0), ("c", 2.0), ("a", 1.0)], "q2": [("b", 3.0)], "q3": []}
    assert rerank_run(Lengths(), RUN, QUERIES, TEXTS, k=9).rankings["q1"][0] == ("b", 3.0)


def test_pairs_of_several_queries_are_scored_together() -> None:
    many = Run("many", {f"q{number}": [("a", 1.0), ("b", 0.5)] for number in range(600)})
    reranker, done = Lengths(), list[int]()
    made = rerank_run(reranker, many, dict.fromkeys(many.rankings, "x"), TEXTS, k=2, on_progress=done.append)
    assert reranker.calls == [512, 512, 176]
    assert done == [256, 256, 88]
    assert list(made.rankings) == list(many.rankings)
    assert all(hits == [("b", 3.0), ("a", 1.0)] for hits in made.rankings.values())


def test_what_has_no_text_is_left_out_and_counted() -> None:
    problems = Problems()
    lone = {id_: text for id_, text in TEXTS.items() if id_ != "d"}
    made = rerank_run(Lengths(), RUN, {"q1": "one"}, lone, k=2, problems=problems)
    assert made.rankings == {"q1": [("a", 1.0)]}
    assert problems.counts == {"unknown_text": 3}
    with pytest.raises(DataError, match="run first, query q1: found 'd'"):
        rerank_run(Lengths(), RUN, QUERIES, lone, k=2, problems=Problems(strict=True))


def test_a_depth_that_is_none_is_refused() -> None:
    with pytest.raises(ShapeError, match="k=0"):
        rerank_run(Lengths(), RUN, QUERIES, TEXTS, k=0)
