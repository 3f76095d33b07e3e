"""Query syntax: "phrase", +must and -not in otherwise plain text.

Nothing needs escaping: a quotation mark without a partner, a plus or a minus that does not stand
before a word, and a minus before a number are text. A query that only excludes is text as well,
for there would be nothing to search for.
"""

import re
from dataclasses import dataclass

_PART = re.compile(
    r"""(?:(?<=\s)|^)(?P<sign>[+-]?)(?:"(?P<phrase>[^"]*\w[^"]*)"(?!["\w])|(?P<word>[^\s"]+)(?=\s|$))|(?P<rest>\S+)"""
)
_NOT_A_NUMBER = re.compile(r"[^\W\d]")


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
    >>> parse('5\'11" tall at -5 degrees - C++').must
    ()
    """
    text, must, excluded = [], [], []
    for part in _PART.finditer(query):
        sign, phrase, word = part["sign"] or "", part["phrase"], part["word"]
        if phrase is None and (not sign or not _NOT_A_NUMBER.match(word or "")):
            text.append(part.group())
        elif sign == "-":
            excluded.append(phrase or word)
        else:
            must.append(phrase or word)
            text.append(phrase or word)
    return ParsedQuery(" ".join(text), tuple(must), tuple(excluded)) if text else ParsedQuery(query)
