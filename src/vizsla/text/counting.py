"""Counting: many texts to rows of numbered terms, quickly.

Knows an analyzer and the scanner's raw tokens; each raw token is made a term once, however often it
occurs. Terms are numbered in order of first sight. Refuses to know postings.
"""

import numpy as np
import numpy.typing as npt

from vizsla.kernels import postings, scanning
from vizsla.text.analyzer import Analyzer

_DROPPED = -1


class TermCounter:
    """Counts the terms of texts and remembers every term it has met.

    Args:
        analyzer: what makes terms of raw tokens.
    """

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer
        self._scanner = analyzer.scanner()
        self._term_of = np.zeros(0, np.int32)
        self._known: dict[str, int] = {}
        self._sources: list[npt.NDArray[np.int64]] = []
        self._names: dict[int, str] = {}
        self._scratch = np.zeros(0, np.int32)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def count(self, texts: scanning.Texts) -> postings.Counts:
        """Each text's terms and how often they occur; a row's terms stand in order of first sight.

        Returns:
            Terms (int32), counts (int32), and where each row ends (int64).
        """
        tokens = self._scanner.scan(self._analyzer.prepare(texts, self._scanner))
        self._learn()
        terms, values = np.empty(len(tokens.numbers), np.int32), np.empty(len(tokens.numbers), np.int32)
        rows = postings.Counts(terms, values, np.empty(len(tokens.ends), np.int64))
        size = postings.count_terms(tokens.numbers, tokens.ends, self._term_of, self._scratch, rows)
        return postings.Counts(terms[:size], values[:size], rows.ends)

    def terms(self) -> list[str]:
        """Every term met, by its number."""
        sources = np.concatenate([np.zeros(0, np.int64), *self._sources])
        words = self._scanner.words(sources)
        for number, name in self._names.items():
            words[number] = name
        return words

    def _learn(self) -> None:
        """Give every new raw token its term: runs are terms themselves, the rest go through the analyzer."""
        first, last = len(self._term_of), len(self._scanner)
        if first == last:
            return
        term_of = np.empty(last, np.int32)
        term_of[:first] = self._term_of
        types = self._scanner.types(first)
        plain = types == scanning.RUN
        if self._analyzer.settings.stop_words:
            plain &= ~self._stopped_runs(first, types)
        numbers = np.arange(first, last)
        self._number(term_of, numbers[plain])
        words = self._scanner.words(numbers[~plain])
        for number, word, kind in zip(numbers[~plain].tolist(), words, types[~plain].tolist(), strict=True):
            term_of[number] = self._term(self._analyzer.term(word, kind), number)
        self._term_of = term_of
        if len(self._scratch) < self._size:
            self._scratch = np.zeros(2 * self._size, np.int32)

    def _stopped_runs(self, first: int, types: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Runs that may be stop words: those no longer than the longest stop word of ideographs."""
        longest = max((len(word) for word in self._analyzer.settings.stop_words or () if word > "\u3000"), default=0)
        if not longest:
            return np.zeros(len(types), np.bool_)
        stopped: npt.NDArray[np.bool_] = (types == scanning.RUN) & (self._scanner.sizes(first) <= longest)
        return stopped

    def _number(self, term_of: npt.NDArray[np.int32], tokens: npt.NDArray[np.int64]) -> None:
        term_of[tokens] = np.arange(self._size, self._size + len(tokens))
        self._sources.append(tokens)
        self._size += len(tokens)

    def _term(self, term: str, token: int) -> int:
        if not term:
            return _DROPPED
        number = self._known.get(term)
        if number is None:
            number = self._known[term] = self._size
            self._names[number] = term
            self._sources.append(np.array([token]))
            self._size += 1
        return number
