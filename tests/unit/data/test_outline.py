from vizsla.data.outline import Outline


def test_sections_stand_under_their_path() -> None:
    outline = Outline()
    outline.add("before\n")
    outline.head(2, " a  \n b", 2)
    outline.head(3, "c", 3)
    outline.add("deep")
    outline.head(1, "d", 5)
    outline.add("x")
    outline.head(3, "e", 7)
    outline.add("y")
    outline.head(2, "f", 9)
    outline.add("z")
    found = [(section.title, section.text, section.line) for section in outline.sections()]
    assert found == [
        ("", "before", 1),
        ("a b > c", "deep", 3),
        ("d", "x", 5),
        ("d > e", "y", 7),
        ("d > f", "z", 9),
    ]


def test_a_heading_alone_is_kept_where_nothing_stands_below_it() -> None:
    outline = Outline()
    for level, heading in ((1, "a"), (2, "b"), (2, "c"), (1, "d"), (1, "")):
        outline.head(level, heading, 1)
    assert [section.title for section in outline.sections()] == ["a > b", "a > c", "d"]
    assert Outline().sections() == []
