import numpy as np
import pytest

from vizsla.core.errors import SettingsError
from vizsla.models.description import Layout, Tokens
from vizsla.models.segments import Segments, longest_first, rows, specials

TOKENS = Tokens("", cls=90, sep=91)
PLAIN = Layout("plain")


def segments(*texts: list[int]) -> Segments:
    return Segments(
        np.array([token for text in texts for token in text], np.int32),
        np.array([len(text) for text in texts], np.int64),
    )


def one_by_one(first: int, second: int, room: int) -> tuple[int, int]:
    """How PaddleNLP and rocketqa cut: a token at a time, off the second text where both are equally long."""
    while first + second > room:
        first, second = (first - 1, second) if first > second else (first, second - 1)
    return first, second


def test_cutting_one_token_at_a_time_off_the_second_on_ties() -> None:
    lengths = np.array([(a, b) for a in range(12) for b in range(12)]).T
    for room in range(24):
        shares = longest_first(lengths, room, "second")
        wanted = [one_by_one(a, b, room) for a, b in lengths.T]
        assert shares.T.tolist() == [list(pair) for pair in wanted], room


def test_the_first_gives_way_on_ties() -> None:
    assert longest_first(np.array([[5], [5]]), 7, "first").tolist() == [[3], [4]]
    assert longest_first(np.array([[5], [5]]), 7, "second").tolist() == [[4], [3]]


def test_one_text() -> None:
    made = rows([segments([1, 2, 3], [], [4])], TOKENS, PLAIN, 4)
    assert made.ids.tolist() == [90, 1, 2, 91, 90, 91, 90, 4, 91]
    assert made.types.tolist() == [0] * 9
    assert made.ends.tolist() == [4, 6, 9]
    assert made.cut.tolist() == [1, 0, 0]
    assert [array.dtype.name for array in (made.ids, made.types, made.ends, made.cut)] == [
        "int32",
        "int8",
        "int64",
        "int32",
    ]


def test_the_left_is_cut_where_that_is_asked() -> None:
    made = rows([segments([1, 2, 3])], TOKENS, Layout("plain", truncation_side="left"), 4)
    assert made.ids.tolist() == [90, 2, 3, 91]


def test_two_texts() -> None:
    made = rows([segments([1], [1, 2]), segments([5, 6], [])], TOKENS, PLAIN, 9)
    assert made.ids.tolist() == [90, 1, 91, 5, 6, 91, 90, 1, 2, 91, 91]
    assert made.types.tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1]


def test_two_separators_and_one_type() -> None:
    tokens = Tokens("", cls=90, sep=91, double_sep=True, second_type=0)
    made = rows([segments([1]), segments([5])], tokens, PLAIN, 9)
    assert made.ids.tolist() == [90, 1, 91, 91, 5, 91]
    assert made.types.tolist() == [0] * 6
    assert specials(tokens, PLAIN, 2) == 4


def test_rocketqa_closes_no_empty_second_text() -> None:
    made = rows([segments([1], [2]), segments([], [5])], TOKENS, Layout("rocketqa", titles="tokens"), 9)
    assert made.ids.tolist() == [90, 1, 91, 90, 2, 91, 5, 91]


def test_without_specials() -> None:
    made = rows([segments([1, 2, 3])], TOKENS, Layout("plain", specials=False), 2)
    assert made.ids.tolist() == [1, 2]
    assert made.cut.tolist() == [1]


def test_no_rows() -> None:
    made = rows([segments(), segments()], TOKENS, PLAIN, 9)
    assert len(made) == len(made.ids) == 0


def test_specials_alone_and_no_room_for_them() -> None:
    assert rows([segments([1])], TOKENS, PLAIN, 2).ids.tolist() == [90, 91]
    with pytest.raises(SettingsError, match="length of 2; wanted at least 3"):
        rows([segments([1]), segments([2])], TOKENS, PLAIN, 2)
