"""Packed strings against lists of strings."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vizsla.text import packing

SIGNS = st.characters(exclude_categories=["Cs"])
STRINGS = st.lists(st.text(SIGNS, max_size=12) | st.sampled_from(["", "\0", "a", "a\0", "abcdefgh", "abcdefghi"]))


@given(STRINGS)
def test_packed_and_unpacked(strings: list[str]) -> None:
    assert packing.unpack(packing.pack(strings)) == strings


@given(STRINGS, STRINGS)
def test_concatenated(one: list[str], other: list[str]) -> None:
    assert packing.unpack(packing.concatenate(packing.pack(one), packing.pack(other))) == one + other


@given(STRINGS, st.data())
def test_taken(strings: list[str], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(strings) - 1))) if strings else []
    assert packing.unpack(packing.take(packing.pack(strings), np.array(rows, np.int64))) == [strings[i] for i in rows]


@given(STRINGS)
def test_ranked_by_their_bytes(strings: list[str]) -> None:
    assert packing.rank(packing.pack(strings)).tolist() == sorted(
        range(len(strings)), key=lambda i: strings[i].encode()
    )


@given(st.lists(st.text(SIGNS, max_size=6)))
def test_packed_from_points(strings: list[str]) -> None:
    points = np.array([ord(sign) for string in strings for sign in string], np.uint32)
    made = packing.from_points(points, np.array([len(string) for string in strings], np.int64))
    assert packing.unpack(made) == strings


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert packing.unpack(packing.pack(["a\ud800b"])) == ["a?b"]
