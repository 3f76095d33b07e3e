"""Terms by number and numbers by term, against a dict."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.core import artifacts
from vizsla.core.errors import ArtifactError, ShapeError
from vizsla.encoders.vocabulary import Vocabulary
from vizsla.text import packing

TERM = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(["a", "aa", "ab", "中", "中文"])


@settings(deadline=None)
@given(st.lists(TERM, unique=True, max_size=20), st.lists(st.text(max_size=3), max_size=8))
def test_numbers_are_a_dicts(terms: list[str], others: list[str]) -> None:
    vocabulary, order = Vocabulary.build(packing.pack(terms), np.arange(len(terms)), np.arange(1, len(terms) + 1))
    ranked = sorted(terms, key=str.encode)
    numbers = {term: number for number, term in enumerate(ranked)}
    assert order.tolist() == [numbers[term] for term in terms]
    assert [vocabulary.term(number) for number in range(len(vocabulary))] == ranked
    assert vocabulary.numbers([*terms, *others]).tolist() == [numbers.get(_plain(t), -1) for t in [*terms, *others]]
    assert vocabulary.frequencies[order].tolist() == list(range(1, len(terms) + 1))


def _plain(term: str) -> str:
    """What a term with lone surrogates is looked up as."""
    return term.encode("utf-8", "replace").decode()


def test_a_number_that_is_not_there_is_refused() -> None:
    vocabulary, _ = Vocabulary.build(packing.pack(["a"]), np.arange(1), np.array([1]))
    for number in (-1, 1):
        with pytest.raises(ShapeError, match=f"term number {number}; wanted 0 to 0"):
            vocabulary.term(number)


def test_arrays_that_do_not_fit_each_other_are_refused() -> None:
    data, frequencies = np.frombuffer(b"ab", np.uint8), np.ones(2, np.int64)
    for starts in ([], [0, 2], [0, 1, 3], [1, 1, 2]):
        with pytest.raises(ArtifactError, match="fit each other"):
            Vocabulary(data, np.array(starts, np.int64), frequencies)


@settings(deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 12), min_size=1, max_size=4))
def test_offsets_of_an_altered_file_are_never_followed(inner: list[int]) -> None:
    data = np.frombuffer(b"abcdefghij", np.uint8)
    vocabulary = Vocabulary(data, np.array([0, *inner, 10], np.int64), np.ones(len(inner) + 1, np.int64))
    try:
        found = vocabulary.numbers(["a", "abc", "zz"])
    except ArtifactError as error:
        assert "altered" in str(error)  # noqa: PT017
    else:
        assert all(-1 <= number <= len(inner) for number in found.tolist())


def test_a_bad_offset_is_said() -> None:
    vocabulary = Vocabulary(np.frombuffer(b"ab", np.uint8), np.array([0, -(2**40), 2]), np.ones(2, np.int64))
    with pytest.raises(ArtifactError, match="altered"):
        vocabulary.numbers(["a"])
    with pytest.raises(ArtifactError, match="altered"):
        vocabulary.term(0)


def test_a_stored_vocabulary_is_the_built_one(tmp_path: Path) -> None:
    built, _ = Vocabulary.build(packing.pack(["b", "", "中文", "a"]), np.arange(4), np.array([1, 2, 3, 4]))
    with artifacts.draft(tmp_path / "v", kind="test", version=1, settings={}) as draft:
        built.write(draft)
    read = Vocabulary.read(artifacts.open_artifact(tmp_path / "v", kind="test", version=1))
    assert [read.term(number) for number in range(4)] == ["", "a", "b", "中文"]
    assert read.frequencies.tolist() == [2, 4, 1, 3]
    assert read.numbers(["中文", "c"]).tolist() == [3, -1]
