"""Query syntax: "phrase", +must and -not in otherwise plain text.

Quotation marks may be straight, curly or full-width, and signs full-width. A phrase stands between
spaces, or beside signs of a script that is written without them. Nothing needs escaping: a quotation
mark without a partner, a plus or a minus that does not stand before a word, and a minus before a number
are text. A query that only excludes is text as well, for there would be nothing to search for.
"""

import re
from dataclasses import dataclass

_SPACELESS = (
    r"\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    r"\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f\U00020000-\U0003ffff"
)
"""Ideographs, kana, Hangul and their marks."""

_CLOSED = rf"""[^"\w]*\w[^"]*(?="(?!"|(?![{_SPACELESS}])\w))"""
_OPENING = rf"""(?<![^\s{_SPACELESS}])\""""
_END = rf"""(?=\s|$|{_OPENING}{_CLOSED})"""
_PART = re.compile(
    rf"""(?:(?<!\S)(?P<sign>[+-])"|{_OPENING})(?P<phrase>{_CLOSED})\""""
    rf"""|(?<!\S)(?P<mark>[+-])(?P<word>[^\s"]+){_END}"""
    rf"""|\S+?{_END}"""
)
_ALIKE = str.maketrans("\u201c\u201d\uff02\uff0b\uff0d", '"""+-')
_BEGINS = {"+": re.compile(r"\w"), "-": re.compile(r"[^\W\d]")}
"""What the word after a sign begins with: there are negative numbers, but no positive ones."""


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query taken apart.

    Attributes:
        text: what is searched for: all but what is excluded, without signs.
        must: phrases and words every hit holds, in this order of words.
        excluded: phrases and words no hit holds.
    """

    text: str
    must: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()


def parse(query: str) -> ParsedQuery:
    r"""Take a query apart.

    >>> parse('read "big files" +python -pandas')
    ParsedQuery(text='read big files python', must=('big files', 'python'), excluded=('pandas',))
    >>> parse('怎么“打开文件”').must
    ('打开文件',)
    >>> parse('5\'11" tall at -5 degrees - C++').must
    ()
    """
    found = _taken_apart(query)
    return found if found.text else ParsedQuery(query)


def only_excludes(query: str) -> bool:
    """Whether a query is read as text because it does nothing but exclude.

    >>> only_excludes("-cat"), only_excludes("dog -cat")
    (True, False)
    """
    found = _taken_apart(query)
    return bool(found.excluded) and not found.text


def _taken_apart(query: str) -> ParsedQuery:
    text, must, excluded = [], [], []
    for part in _PART.finditer(query.translate(_ALIKE)):
        sign = part["sign"] or part["mark"] or ""
        named = "word" if part["phrase"] is None else "phrase"
        if named == "word" and (not sign or not _BEGINS[sign].match(part["word"])):
            text.append(query[slice(*part.span())])
        elif sign == "-":
            excluded.append(query[slice(*part.span(named))])
        else:
            must.append(query[slice(*part.span(named))])
            text.append(must[-1])
    return ParsedQuery(" ".join(text), tuple(must), tuple(excluded))
