"""The scanner's table of tokens grows, and forgets nothing."""

# ruff: noqa: RUF001 - other scripts are what it is about

import numpy as np

from vizsla.kernels import scanning
from vizsla.text import characters
from vizsla.text.analyzer import pack
from vizsla.text.scanner import Scanner


def test_numbers_stay_as_the_table_grows() -> None:
    scanner, seen = Scanner(characters.table(), grams=True), list[str]()
    for batch in range(40):
        words = [f"w{batch}q{i}" for i in range(batch * 37 + 1)]
        tokens = scanner.scan(pack([" ".join(words), " ".join(seen[:50])]))
        assert tokens.numbers[: len(words)].tolist() == list(range(len(seen), len(seen) + len(words)))
        assert tokens.numbers[len(words) :].tolist() == list(range(min(50, len(seen))))
        assert tokens.ends.tolist() == [len(words), len(words) + min(50, len(seen))]
        seen += words
    assert len(scanner) == len(seen)
    assert scanner.words(np.arange(len(seen))) == seen
    assert scanner.sizes(0).tolist() == [len(word) for word in seen]


def test_words_runs_and_marks_are_kept_apart() -> None:
    scanner = Scanner(characters.table(), grams=False)
    marked = f"{characters.OPEN_MARK}a 中{characters.CLOSE_MARK}"
    tokens = scanner.scan(pack(["a 中", marked]), spans=True)
    assert scanner.words(tokens.numbers.astype(np.int64)) == ["a", "中", "a 中"]
    assert scanner.types(0).tolist() == [scanning.WORD, scanning.RUN, scanning.MARKED]
    assert tokens.spans.tolist() == [[0, 1], [2, 5], [8, 13]]


def test_texts_that_must_be_normalised_are_found() -> None:
    scanner = Scanner(characters.table(), grams=True)
    texts = ["plain", "中文", "e\u0301", "´", "ﬁ", "", "\U0001f600", "\U00010400", "\ufdd0"]
    assert scanner.find_complex(pack(texts)).tolist() == [2, 4, 7, 8]
