"""Where a passage matched, and what of it is shown."""

# ruff: noqa: RUF001 - other scripts are what it is about

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.text import highlight
from vizsla.text.analyzer import Analyzer
from vizsla.text.settings import AnalyzerSettings

ANALYZER = Analyzer(AnalyzerSettings(language="english", stop_words=("the", "of"), user_words=("New York",)))


def shown(query: str, text: str) -> list[str]:
    return [text[begin:end] for begin, end in highlight.spans(ANALYZER, query, text)]


@pytest.mark.parametrize(
    ("query", "text", "wanted"),
    [
        ("files", "The files; a FILE, filing", ["files", "FILE", "filing"]),
        ("the of", "the of", []),
        ("读取文件", "文件的读取方法，读", ["文件", "读取"]),
        ("读", "读书，读", ["读", "读"]),
        ("new york", "in New York's new yard", ["New York"]),
        ("cafés", "CAFE\u0301 café\u0301s", ["CAFE\u0301"]),
        ("", "anything", []),
    ],
)
def test_spans(query: str, text: str, wanted: list[str]) -> None:
    assert shown(query, text) == wanted


TEXTS = st.text(st.sampled_from("ab 中文é\u0301ﬁ…\U0001f600"), max_size=60)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_spans_rise_and_never_touch(query: str, text: str) -> None:
    spans = highlight.spans(ANALYZER, query, text)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(set(edges))
    assert not edges or (edges[0] >= 0 and edges[-1] <= len(text))


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS, st.integers(3, 40))
def test_an_excerpt_is_a_stretch_with_its_spans(query: str, text: str, width: int) -> None:
    spans = highlight.spans(ANALYZER, query, text)
    part, kept = highlight.excerpt(text, spans, width)
    assert len(part) <= width
    assert part == text or part.removeprefix("…").removesuffix("…") in text
    whole = [text[begin:end] for begin, end in spans]
    assert all(0 <= begin < end <= len(part) and part[begin:end] in whole for begin, end in kept)
    if len(text) <= width:
        assert (part, kept) == (text, spans)
    elif any(end - begin <= width - 2 for begin, end in spans):
        assert kept


def test_the_stretch_with_the_most_matches_is_shown() -> None:
    text = "cat " + "x " * 40 + "cat and cat " + "y " * 40
    part, kept = highlight.excerpt(text, highlight.spans(ANALYZER, "cat", text), 30)
    assert [part[begin:end] for begin, end in kept] == ["cat", "cat"]
    assert part.startswith("…")
    assert part.endswith("…")


def test_a_passage_full_of_matches_is_cut_where_they_are_densest() -> None:
    far, near = "cat " + "x" * 20 + " ", "cat " * 4
    text = far * 40_000 + near + far * 20_000
    marked = [(at, at + 3) for at in range(0, len(far) * 40_000, len(far))]
    marked += [(at, at + 3) for at in range(len(far) * 40_000, len(far) * 40_000 + len(near), 4)]
    marked += [(at, at + 3) for at in range(len(far) * 40_000 + len(near), len(text), len(far))]
    part, kept = highlight.excerpt(text, marked, 30)
    assert len(part) <= 30
    assert [part[begin:end] for begin, end in kept] == ["cat"] * 5
    assert "cat cat cat cat cat" in part


SPANS = st.lists(st.integers(1, 9), max_size=40).map(lambda steps: list(accumulate(steps)))


@settings(max_examples=300, deadline=None)
@given(SPANS, st.integers(1, 60))
def test_the_start_is_that_of_the_window_that_holds_most(edges: list[int], room: int) -> None:
    marked = list(zip(edges[::2], edges[1::2], strict=False))
    text = "x" * 400
    _, kept = highlight.excerpt(text, marked, room + 2)
    held = [sum(e - b for b, e in marked if begin <= b and e <= begin + room) for begin, _ in marked]
    assert sum(e - b for b, e in kept) >= max(held, default=0)
