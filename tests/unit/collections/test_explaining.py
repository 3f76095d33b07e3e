from pathlib import Path

import pytest

from vizsla.collections import explaining
from vizsla.collections.explaining import Question, explain
from vizsla.collections.explanation import Explanation
from vizsla.collections.results import search
from vizsla.core.errors import SettingsError, ShapeError
from vizsla.core.protocols import Passage

from .changing import Changing

QUERY = "birds run"


@pytest.fixture
def made(tmp_path: Path) -> Changing:
    made = Changing(tmp_path)
    passages = [Passage(f"p{i}", "birds " * (i % 4) + "far " * i, metadata={"year": 2000 + i}) for i in range(12)]
    made.put([*passages, Passage("long", "birds run " + "far " * 30, metadata={"tags": ["x"], "year": 1999})])
    made.put([Passage("best", "birds run run", parent="whole"), Passage("other", "jump", parent="whole")])
    made.put([Passage("gone", "birds run")])
    made.delete(["gone"])
    return made


def asked(made: Changing, id_: str, pipeline: str = "bm25", k: int = 3, where: str | None = None) -> Explanation:
    return explain(made.snapshot(), Question(QUERY, id_, k, where, pipeline))


def test_a_hit_is_explained_by_its_terms(made: Changing) -> None:
    told = asked(made, "best")
    assert (told.found, told.rank, told.reasons, told.rivals) == (True, 1, (), ())
    (stage,) = told.stages
    assert (stage.rank, stage.depth, stage.reason) == (1, 3, "")
    assert [one.term for one in stage.terms] == ["run", "bird"]
    assert sum(one.part for one in stage.terms) == pytest.approx(told.score)
    lines = told.lines()
    assert lines[0] == "'best' is hit 1 of 3 for 'birds run' by bm25"
    assert lines[1].startswith("bm25: rank 1, score ")
    assert "run: weight " in lines[2]
    assert lines[2].endswith(", here 2, in 2 passages")


def test_every_rank_is_that_of_the_answer(made: Changing) -> None:
    snapshot = made.snapshot()
    for pipeline in ("bm25", "mini", "rrf(bm25, splade, mini)", "rrf(bm25, mini) >> rerank(lengths, depth=6)"):
        (row,) = search(snapshot, [QUERY], 5, pipeline=pipeline)
        for rank, one in enumerate(row, 1):
            told = explain(snapshot, Question(QUERY, one.id, 5, None, pipeline))
            assert (told.found, told.rank) == (True, rank)
            assert told.score == pytest.approx(one.score)
            assert [rival.id for rival in told.rivals] == [before.id for before in row[: rank - 1]]


def test_a_hit_that_the_stage_has_deeper_was_cut(made: Changing) -> None:
    (row,) = search(made.snapshot(), [QUERY], 20, pipeline="bm25")
    rank, id_ = len(row), row[-1].id
    told = asked(made, id_)
    assert (told.found, told.rank) == (False, None)
    assert told.reasons == (f"bm25 takes the first 3, and it has rank {rank}",)
    assert told.stages[0].score == pytest.approx(row[rank - 1].score)
    assert [one.id for one in told.rivals] == [one.id for one in row[:3]]
    assert told.lines()[1] == f"  because {told.reasons[0]}"
    assert told.lines()[-1].startswith(f"before it: {row[0].id} (")


def test_a_rank_is_looked_for_so_deep_and_no_deeper(made: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "DEEPEST", 4)
    told = asked(made, "p1")
    assert (told.stages[0].rank, told.stages[0].looked) == (None, 4)
    assert told.reasons == ("bm25 takes the first 3, and it is not among the first 4",)
    assert "beyond rank 4" in told.lines()[2]


def test_a_passage_without_a_term_is_not_found(made: Changing) -> None:
    told = asked(made, "other", k=20)
    assert told.reasons == ("bm25 does not find it: it shares no term with the query",)
    assert told.stages[0].score is None
    assert [(one.part, one.value) for one in told.stages[0].terms] == [(0, 0), (0, 0)]


def test_who_is_not_there(made: Changing) -> None:
    assert asked(made, "gone").reasons == ("it was deleted",)
    assert asked(made, "never").reasons[0].startswith("no passage has this id")
    made.merge(2, 3)
    assert asked(made, "gone").reasons[0].startswith("no passage has this id, or it was deleted")


def test_the_part_of_the_filter_that_leaves_it_out_is_named(made: Changing) -> None:
    where = "year >= 2000 AND 'x' IN tags"
    assert asked(made, "long", where=where).reasons == (
        "the filter leaves it out: year >= 2000, and it has year = 1999",
    )
    told = asked(made, "best", where=where)
    assert told.reasons == (
        "the filter leaves it out: year >= 2000, and it has no value there",
        "the filter leaves it out: 'x' IN tags, and it has no value there",
    )
    assert (told.rank, told.stages[0].rank) == (1, 1)  # as if there were no filter
    assert not told.found
    assert asked(made, "p9", where="year >= 2009", k=3).found


def test_fusing_and_reranking_move_and_cut(made: Changing) -> None:
    pipeline = "rrf(bm25, splade) >> rerank(lengths, depth=4)"
    told = asked(made, "best", pipeline)
    fused, reranked = told.moves
    assert [stage.name for stage in told.stages] == ["bm25", "splade"]
    assert (fused.name, fused.before, fused.after) == ("rrf(bm25, splade)", 1, 1)
    assert (reranked.before, reranked.after) == (1, told.rank)
    assert reranked.score == -len("birds run run")
    assert all(one.term.startswith("t") and one.part > 0 for one in told.stages[1].terms)
    assert sum(one.part for one in told.stages[1].terms) == pytest.approx(told.stages[1].score)
    assert any(line.startswith("rerank(lengths, depth=4): rank 1 -> ") for line in told.lines())
    (row,) = search(made.snapshot(), [QUERY], 50, pipeline="rrf(bm25, splade)")
    last = row[-1]
    told = asked(made, last.id, pipeline)
    assert told.moves[0].after == len(row)
    assert told.moves[1].after is None
    assert told.reasons == (f"rrf(bm25, splade) gave it rank {len(row)}, and the first 4 were taken",)


def test_a_base_that_weighs_nothing_brought_nothing(made: Changing) -> None:
    told = asked(made, "other", "weighted(bm25, mini=0)")
    assert told.stages[1].rank is not None
    assert [(move.before, move.after, move.reason) for move in told.moves] == [(None, None, "")]
    assert told.reasons == ("bm25 does not find it: it shares no term with the query",)


def test_what_is_read_and_ranked_low_is_outscored(made: Changing) -> None:
    told = asked(made, "long", "rrf(bm25, mini) >> rerank(lengths, depth=50)", k=2)
    assert told.rank is not None
    assert told.reasons == (f"{told.rank - 1} passages rank before it, and the answer has 2",)
    assert len(told.rivals) == 2


@pytest.mark.parametrize(
    ("step", "id_", "reason"),
    [
        ("top(1)", "p3", r"top\(1\) keeps the first 1, and it had rank \d+|bm25 takes the first 1,"),
        ("min_score(100)", "best", r"min_score\(100.*\) drops it"),
        ("rerank(lengths, depth=1, tail=cut)", "p3", r"rerank\(lengths, depth=1, tail=cut\) reads the first 1,"),
    ],
)
def test_a_step_says_why_it_dropped_it(made: Changing, step: str, id_: str, reason: str) -> None:
    import re

    told = asked(made, id_, f"bm25 >> {step}", k=10)
    assert not told.found
    assert re.match(reason, told.reasons[0])


def test_another_passage_of_its_parent_stands_for_it(made: Changing) -> None:
    made.put([Passage("sibling", "birds far", parent="whole")])
    told = asked(made, "sibling", "bm25 >> parents(max)", k=10)
    assert not told.found
    assert told.reasons[0].startswith("parents(max) gives each parent's best passage")


def test_questions_that_cannot_be(made: Changing) -> None:
    with pytest.raises(SettingsError, match="bm52"):
        asked(made, "best", "bm52")
    with pytest.raises(SettingsError, match="yaer"):
        asked(made, "best", where="yaer = 3")
    with pytest.raises(ShapeError, match="k=0"):
        asked(made, "best", k=0)
