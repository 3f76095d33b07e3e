import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizsla.core.errors import SettingsError
from vizsla.data.cutting import Cutting, cut


def pieces(text: str, size: int, overlap: int = 0) -> list[str]:
    return [piece for _, piece in cut(text, Cutting(size, overlap))]


def test_a_short_text_is_one_piece() -> None:
    assert pieces("  One two three. ", 3) == ["One two three."]
    assert pieces("", 3) == pieces(" \n ", 3) == []


def test_sentences_and_paragraphs_are_kept_whole_where_they_can_be() -> None:
    assert pieces("One two three. Four five six. Seven eight.", 5) == ["One two three.", "Four five six. Seven eight."]
    # A paragraph's end in the second half is better than a later sentence's end.
    assert pieces("One two three four\n\nfive. Six seven eight nine", 6) == [
        "One two three four",
        "five. Six seven eight nine",
    ]
    assert pieces("a b c d e f g", 3) == ["a b c", "d e f", "g"]
    assert pieces('He said "stop." Then he went on', 4) == ['He said "stop."', "Then he went on"]


def test_a_character_counts_as_a_word() -> None:
    assert pieces("狗在跑。猫在睡觉呢。", 4) == ["狗在跑。", "猫在睡觉", "呢。"]
    assert pieces("他说“你好。”然后走了", 5) == ["他说“你好。”", "然后走了"]
    assert pieces("Python怎么读取 file.txt 文件", 6) == ["Python怎么读取 file.txt", "文件"]
    assert pieces("ひらがなカタカナ", 4) == ["ひらがな", "カタカナ"]


def test_pieces_overlap_from_a_sentence_where_they_can() -> None:
    assert pieces("a b c d e f g", 4, 2) == ["a b c d", "c d e f", "e f g"]
    assert pieces("a b. c d. e f g. h", 5, 3) == ["a b. c d.", "c d. e f g.", "e f g. h"]


def test_a_piece_ends_beyond_its_overlap() -> None:
    # The sentence's end at the fourth word would leave nothing but the overlap.
    assert pieces("a b c d. e f g h i j", 6, 5) == ["a b c d. e f", "e f g h i j"]


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (5, 5), (5, -1), (-1, 0)])
def test_sizes_that_cannot_be(size: int, overlap: int) -> None:
    with pytest.raises(SettingsError, match="wanted 0 <= overlap < size"):
        Cutting(size, overlap)


def words(text: str) -> list[str]:
    """Signs part no words: 'ab.ab' is one, as for the cutter."""
    return re.findall(r"[\u4e00-\u9fff]|[a-z0-9]+", re.sub(r"[^\w\s]", "", text))


@given(
    text=st.lists(
        st.sampled_from(["ab", "c1", "一", "二", ".", "。", " ", " ", "\n", "\n\n", "“", "\uff09"]), max_size=60
    ).map("".join),
    size=st.integers(1, 8),
    overlap=st.integers(0, 7),
)
def test_every_word_is_there_and_no_piece_is_too_long(text: str, size: int, overlap: int) -> None:
    cutting = Cutting(size, min(overlap, size - 1))
    covered = 0
    for start, piece in cut(text, cutting):
        assert text[start : start + len(piece)] == piece
        assert not text[covered:start].strip(), "words between two pieces are lost"
        assert start + len(piece) > covered, "a piece brings nothing new"
        assert len(words(text[start:covered])) <= cutting.overlap
        assert len(words(piece)) <= size
        covered = start + len(piece)
    assert not text[covered:].strip()
