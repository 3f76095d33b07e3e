"""What the gate is run on: splits, samples of a seed, and queries that calibration never shares with the verdict."""

import logging
from pathlib import Path

import pytest

from vizsla.compiling.judged_sample import JudgedSample, Sampling, read_sample
from vizsla.core.errors import DataError

from .conftest import write_judged


def test_every_judged_passage_and_a_sample_of_the_others(sample: JudgedSample) -> None:
    assert len(sample.ids) == len(sample.texts) == len(set(sample.ids)) == 180
    assert {f"p{i}" for i in range(130)} <= set(sample.ids)
    assert sample.said == {
        "data": "judged",
        "split": "dev",
        "seed": 0,
        "queries": 130,
        "queries_judged": 130,
        "passages": 180,
        "passages_judged": 130,
        "passages_in_all": 260,
        "calibration_queries": 128,
        "calibration_passages": 65,
    }


def test_calibration_shares_no_query_and_no_passage_with_the_verdict(sample: JudgedSample) -> None:
    queries, passages = sample.calibration
    assert not set(queries) & set(sample.judgements.queries.values())
    assert all(query.startswith("train ") for query in queries)
    assert not set(passages) & set(sample.texts)


def test_without_a_split_train_a_tenth_of_the_queries_is_set_apart(tmp_path: Path) -> None:
    made = read_sample(write_judged(tmp_path / "own"), Sampling())
    assert len(made.calibration[0]) == 13
    assert len(made.judgements.queries) == 117
    assert not set(made.calibration[0]) & set(made.judgements.queries.values())


def test_the_same_seed_is_the_same_sample(judged: Path, sample: JudgedSample) -> None:
    again = read_sample(judged, Sampling(passages=180))
    assert (again.ids, again.calibration) == (sample.ids, sample.calibration)
    assert read_sample(judged, Sampling(passages=180, seed=1)).ids != sample.ids


def test_queries_are_sampled_and_only_theirs_are_needed(judged: Path) -> None:
    made = read_sample(judged, Sampling(queries=20, passages=30))
    assert len(made.judgements.queries) == 20
    assert len(made.ids) == 30
    assert made.judgements.grades.keys() == made.judgements.queries.keys()


def test_test_is_taken_only_where_it_is_alone_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_judged(tmp_path / "alone", splits=("test",))
    with caplog.at_level(logging.WARNING, "vizsla"):
        assert read_sample(folder, Sampling()).said["split"] == "test"
    assert caplog.messages == [f"{folder}: no split dev, so the gate is run on test"]


def test_a_split_that_is_not_there(judged: Path) -> None:
    with pytest.raises(DataError, match="no judgements of the split 'test'; splits that are there: dev, train"):
        read_sample(judged, Sampling(split="test"))


def test_passages_of_ones_own_for_calibration(judged: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("a file of one's own\n")
    made = read_sample(judged, Sampling(), calibration=tmp_path / "texts.txt")
    assert len(made.calibration[1]) == 1
