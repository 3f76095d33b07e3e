import pytest

from vizsla.data.formats.html import sections


def text(page: str) -> str:
    (section,) = sections(page)
    return section.text


def test_headings_make_sections() -> None:
    page = "<!doctype html><html><head><title>No</title><style>p{}</style></head>\n<body>pre"
    page += "<h1>A<br>b <i>c</i></h1>\n<p>x\n"
    page += "<h3 class=a>D</h3><div>y</div><h2>E</h2>z<script>if (1<2) '</p>'</script></body></html>"
    found = [(one.title, one.text.strip(), one.line) for one in sections(page)]
    assert found == [("", "pre", 1), ("A b c", "x", 2), ("A b c > D", "y", 4), ("A b c > E", "z", 4)]


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        ("a <b>b</b>c\n\n d", "a bc d"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<p>a<br/>b", "a\nb"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c", "a b\n\nc"),
        ("<ul><li>a<li>b</ul>c", "a\n\nb\n\nc"),
        ("x<pre>  a\n    b</pre>y", "x\n\n  a\n    b\n\ny"),
        ("&lt;a&gt; &eacute;&#20013;&nbsp;x", "<a> é中 x"),
        ("a<!-- b --><![CDATA[c]]><![foo[d]]><?e?>f", "af"),
        ("a<template>b<p>c</template>d", "a\n\nd"),
        ("<title>a<body>b", "b"),
        ("a</script></p>b", "a\n\nb"),
        ("a < b & c", "a < b & c"),
    ],
)
def test_the_text_that_a_page_shows(page: str, wanted: str) -> None:
    assert text(page) == wanted


def test_a_heading_that_is_never_closed_ends_with_the_next_block() -> None:
    assert [(one.title, one.text) for one in sections("<h1>A<p>text")] == [("A", "text")]
    assert [(one.title, one.text) for one in sections("<h1>A")] == [("A", "")]
    assert sections("<script>x") == []
