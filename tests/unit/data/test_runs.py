import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizsla.core.errors import DataError
from vizsla.data.problems import Problems
from vizsla.data.runs import Run, falling

LARGEST = float(np.finfo(np.float32).max)


def test_a_run_is_read_in_the_order_of_trec_eval(tmp_path: Path) -> None:
    path = tmp_path / "x.run.gz"
    # 1.00000001 and 1 are one float32: the later id comes first.
    rows = ["q2 Q0 a 1 -1e3 t", "q1 Q0 a 1 1.00000001 t", "q1\tQ0 b  2 1.0 t", "q1 Q0 乙 3 1.0 t", "", "q1 Q0 c 4 7 t"]
    path.write_bytes(gzip.compress("\n".join(rows).encode()))
    problems = Problems()
    run = Run.read(path, problems=problems)
    assert run == Run("t", {"q2": [("a", -1000.0)], "q1": [("c", 7.0), ("乙", 1.0), ("b", 1.0), ("a", 1.0)]})
    assert problems.counts == {"rank_order": 1}


def test_a_passage_that_comes_twice_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.write_text("q Q0 a 1 2 t\nq Q0 a 2 9 t\n")
    problems = Problems()
    assert Run.read(path, problems=problems).rankings == {"q": [("a", 2.0)]}
    assert problems.counts == {"duplicate_hit": 1}


@pytest.mark.parametrize("ranks", [(0, 1, 2), (1, 1, 1), (5, 7, 7)])
def test_ranks_that_agree_are_no_problem(tmp_path: Path, ranks: tuple[int, ...]) -> None:
    path = tmp_path / "run"
    path.write_text("".join(f"q Q0 p{row} {rank} {3 - row // 2} t\n" for row, rank in enumerate(ranks)))
    problems = Problems(strict=True)
    Run.read(path, problems=problems)
    assert problems.counts == {}


@pytest.mark.parametrize("score", ["nan", "NaN", "inf", "-inf", "1e39", "1_0", "x", "0x1", "\uff11"])
def test_a_score_that_is_no_number_is_refused(tmp_path: Path, score: str) -> None:
    path = tmp_path / "run"
    path.write_text(f"q Q0 a 1 2 t\nq Q0 b 2 {score} t\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"run:2: found .* as a score"):
        Run.read(path)


@pytest.mark.parametrize("line", ["q Q0 a 1 2", "q Q0 a 1 2 t extra", "q a 1", "q Q0 a x 2 t", "q Q0 a 1.5 2 t"])
def test_another_shape_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "run"
    path.write_text(f"q Q0 a 1 2 t\n{line}\n")
    with pytest.raises(DataError, match=r"run:2: found .*; wanted"):
        Run.read(path)


@pytest.mark.parametrize("name", ["run", "run.gz", "run.zst"])
def test_a_written_run_is_read_in_our_order(tmp_path: Path, name: str) -> None:
    tied = [("a", 1.0), ("b", 1.0), ("z", 1.0), ("c", 0.0), ("d", 0.0), ("e", -0.0), ("f", -1e-45), ("g", -LARGEST)]
    Run("vizsla", {"q1": tied, "q2": [("x", 3.5)]}).write(tmp_path / name)
    read = Run.read(tmp_path / name, problems=Problems(strict=True))
    assert read.name == "vizsla"
    assert [passage for passage, _ in read.rankings["q1"]] == [passage for passage, _ in tied]
    assert read.rankings["q2"] == [("x", 3.5)]


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (Run("two words", {"q": [("a", 1.0)]}), "white space"),
        (Run("t", {"q": [("a b", 1.0)]}), "white space"),
        (Run("t", {"q q": [("a", 1.0)]}), "white space"),
        (Run("t", {"q": [("", 1.0)]}), "white space"),
        (Run("t", {"q": [("a", 1.0), ("a", 0.5)]}), "twice"),
        (Run("t", {"q": [("a", float("nan"))]}), "NaN"),
        (Run("t", {"q": [("\ud800", 1.0)]}), "UTF-8"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path: Path, run: Run, message: str) -> None:
    with pytest.raises(DataError, match=message):
        run.write(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def one_by_one(scores: list[float]) -> npt.NDArray[np.float32]:
    """The same by walking: each the nearest float below the one before."""
    out: list[np.float32] = []
    for score in scores:
        near = np.float32(min(max(score, -LARGEST), LARGEST))
        below = np.nextafter(out[-1], np.float32(-np.inf)) if out else near
        out.append(min(near, below))
    return np.array(out, dtype=np.float32)


FLOATS = st.floats(allow_nan=False, width=64) | st.sampled_from([0.0, -0.0, 1e-45, -1e-45, 1e-310, 1.0, 1 + 1e-12])


@given(scores=st.lists(FLOATS.filter(lambda score: score > -1e38), max_size=30), sort=st.booleans())
def test_scores_fall_strictly_and_stay_near(scores: list[float], sort: bool) -> None:  # noqa: FBT001 - drawn
    ordered = sorted(scores, reverse=True) if sort else scores
    got = falling(ordered)
    assert got.dtype == np.float32
    assert np.isfinite(got).all()
    assert (got[1:] < got[:-1]).all()
    np.testing.assert_array_equal(got, one_by_one(ordered))
    assert [np.float32(f"{score:.9g}") for score in got.tolist()] == got.tolist()


def test_scores_at_the_very_bottom_are_lifted() -> None:
    got = falling([-np.inf, -np.inf, -np.inf])
    assert got[-1] == -LARGEST
    assert (got[1:] < got[:-1]).all()
    assert np.isfinite(got).all()
    assert falling([np.inf]).tolist() == [LARGEST]
    assert falling([]).tolist() == []


@given(
    rankings=st.dictionaries(
        st.sampled_from(["q1", "q2", "q3"]),
        st.lists(
            st.tuples(st.integers(0, 99).map("p{}".format), st.sampled_from([3.0, 2.0, 2 + 1e-9, 0.0, -0.0])),
            min_size=1,
            max_size=20,
            unique_by=lambda hit: hit[0],
        ),
        min_size=1,
    )
)
def test_trec_eval_sees_our_order(
    tmp_path_factory: pytest.TempPathFactory, rankings: dict[str, list[tuple[str, float]]]
) -> None:
    trec_eval = pytest.importorskip("pytrec_eval", reason="pytrec-eval-terrier is not installed")
    path = tmp_path_factory.mktemp("run") / "run"
    Run("t", {query: sorted(hits, key=lambda hit: -hit[1]) for query, hits in rankings.items()}).write(path)
    ours = {query: [passage for passage, _ in hits] for query, hits in Run.read(path).rankings.items()}
    assert ours == {q: [p for p, _ in sorted(hits, key=lambda hit: -hit[1])] for q, hits in rankings.items()}
    with path.open() as file:
        scores = trec_eval.parse_run(file)
    for rank in range(20):
        # Exactly the passage we put at this rank is relevant: its reciprocal rank tells where trec_eval saw it.
        judged = {query: {ids[rank]: 1} for query, ids in ours.items() if rank < len(ids)}
        values = trec_eval.RelevanceEvaluator(judged, {"recip_rank"}).evaluate(scores) if judged else {}
        assert {query: value["recip_rank"] for query, value in values.items()} == pytest.approx(
            dict.fromkeys(judged, 1 / (rank + 1))
        )
