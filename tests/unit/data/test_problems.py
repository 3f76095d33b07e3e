import logging

import pytest

from vizsla.core.errors import DataError
from vizsla.data.problems import KINDS, Problems, shown


def test_the_first_three_of_a_kind_are_said_and_all_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    problems = Problems()
    with caplog.at_level(logging.WARNING, logger="vizsla"):
        for line in range(1, 8):
            problems.note("empty", f"file:{line}", "x")
        problems.note("unknown_id", "file:9", "y")
    said = [record.getMessage() for record in caplog.records]
    assert [message.split(" ")[0] for message in said] == ["file:1:", "file:2:", "file:3:", "file:4:", "file:9:"]
    assert "counted only" in said[3]
    assert "'y'" in said[4]
    assert problems.counts == {"empty": 7, "unknown_id": 1}
    assert problems.summary() == "7 empty, 1 unknown_id"


def test_no_problems_are_said_so() -> None:
    assert Problems().summary() == "none"
    assert Problems().counts == {}


@pytest.mark.parametrize("kind", KINDS)
def test_strict_raises_at_once(kind: str) -> None:
    with pytest.raises(DataError, match=r"file:3: found 'x'"):
        Problems(strict=True).note(kind, "file:3", "x")


def test_offending_text_is_cut_and_escaped() -> None:
    assert len(shown("a" * 1000)) <= 82
    assert len(shown(b"\xff" * 10_000)) <= 200
    assert "\x1b" not in shown("\x1b[31m")


def test_quiet_counts_only(caplog: pytest.LogCaptureFixture) -> None:
    problems = Problems(quiet=True)
    problems.note("empty", "file:1", "x")
    assert problems.counts == {"empty": 1}
    assert not caplog.records
