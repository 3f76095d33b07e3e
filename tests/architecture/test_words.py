"""One word for one thing: passage, query, corpus, judgement. Outside formats keep their own words."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

BANNED = {
    "document": "passage",
    "documents": "passages",
    "doc": "passage",
    "docs": "passages",
    "docid": "id",
    "docids": "ids",
    "chunk": "passage (of a corpus) or block (of bytes)",
    "chunks": "passages or blocks",
    "qrel": "judgement",
    "qrels": "judgements",
}
# The readers of outside files speak of judgements as those files do.
FORMATS = "data/formats/"
IN_FORMATS = {"qrel", "qrels", "docid", "docids"}
# (file, word): why it stands there.
ALLOWED: dict[tuple[str, str], str] = {
    ("data/formats/irds.py", "doc"): "ir_datasets' own records call a passage's id so",
    ("data/formats/irds.py", "docs"): "ir_datasets' own data sets say so whether they hold passages",
}


def words(text: str) -> list[str]:
    """Words of prose or of an identifier, lower case: `rank_docID` is rank, doc, id.

    Python's own `__doc__` and the paths of this repository's docs/ are nobody's words.
    """
    kept = re.sub(r"\b__\w+__\b|\bdocs/[\w./-]*", " ", text)
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", kept)
    whole = re.findall(r"[a-z]+", kept.lower())
    return [part.lower() for part in parts] + whole


def spoken(text: str) -> Iterator[tuple[int, str]]:
    """Every word that a module says of itself, with its line: identifiers, comments and docstrings."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in {tokenize.NAME, tokenize.COMMENT}:
            yield from ((token.start[0], word) for word in words(token.string))
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            line = node.body[0].lineno if node.body else 1
            yield from ((line, word) for word in words(ast.get_docstring(node) or ""))


def offences(file: str, text: str) -> set[tuple[int, str]]:
    banned = BANNED.keys() - (IN_FORMATS if file.startswith(FORMATS) else set())
    return {(line, word) for line, word in spoken(text) if word in banned}


def test_the_house_speaks_its_own_words(root: Path, sources: dict[str, ast.Module]) -> None:
    package = root / "src/vizsla"
    found = [
        f"{file}:{line} '{word}': say {BANNED[word]}"
        for file in sources
        for line, word in sorted(offences(file, (package / file).read_text(encoding="utf-8")))
        if (file, word) not in ALLOWED
    ]
    assert not found, "\n".join(["words of other houses:", *found])


def test_every_exception_is_still_needed(root: Path) -> None:
    package = root / "src/vizsla"
    unused = [
        (file, word)
        for file, word in ALLOWED
        if not (package / file).is_file()
        or word not in {said for _, said in offences(file, (package / file).read_text(encoding="utf-8"))}
    ]
    assert not unused, f"exceptions that nothing needs any more: {unused}"


def test_words_are_found_where_they_are_said() -> None:
    text = '"""Documentation of a document."""\ndocCount = read_chunk(f.__doc__)  # qrels in docs/formats\nx = "docs"\n'
    assert {word for _, word in offences("a.py", text)} == {"document", "doc", "chunk", "qrels"}
    assert {word for _, word in offences("data/formats/trec.py", text)} == {"document", "doc", "chunk"}
