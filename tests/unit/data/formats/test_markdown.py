import pytest

from vizsla.data.formats.markdown import sections


def test_headings_make_sections() -> None:
    found = [
        (one.title, one.text, one.line) for one in sections("intro\n\n# A #\n\ntext\n### C ##\nmore\n##   B\n\nlast\n")
    ]
    assert found == [("", "intro", 1), ("A", "text", 3), ("A > C", "more", 6), ("A > B", "last", 8)]


@pytest.mark.parametrize("line", ["#no space", "####### seven", "    # code", "a # b", r"\# escaped"])
def test_what_is_no_heading_stays_text(line: str) -> None:
    (section,) = sections(f"# A\n{line}\n")
    assert (section.title, section.text) == ("A", line)


@pytest.mark.parametrize(
    ("opening", "closing"), [("```", "```"), ("```python", "`````"), ("~~~~", "~~~~"), ("   ```", "```  ")]
)
def test_fenced_code_is_text(opening: str, closing: str) -> None:
    code = f"{opening}\n# no heading\n~~\n{closing}"
    first, second = sections(f"# A\n{code}\n# B\nx\n")
    assert (first.title, first.text) == ("A", code)
    assert second.title == "B"


def test_a_fence_is_closed_by_its_own_kind_and_length() -> None:
    (section,) = sections("````\n```\n~~~~\n```` no\n# still code\n````")
    assert section.title == ""
    # What looks like a fence with a backtick behind it is code within a line.
    assert [one.title for one in sections("```a```\n# A\nx")] == ["", "A"]
