"""Counting: many texts to rows of numbered terms, quickly.

Knows an analyzer and the scanner's raw tokens; each raw token is made a term once, however often it
occurs. Terms are numbered in order of first sight. Refuses to know postings.
"""

from bisect import bisect_left
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from vizsla.kernels import postings, scanning
from vizsla.text import packing
from vizsla.text.analyzer import Analyzer
from vizsla.text.scanner import grown

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
        self._learned = 0
        self._size = 0
        self._plain: list[tuple[npt.NDArray[np.int64], int]] = []
        self._named: dict[str, int] = {}
        self._names: list[tuple[str, int]] = []
        self._scratch = np.zeros(0, np.int32)

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
        strings, numbers = self.packed_terms()
        return packing.unpack(packing.take(strings, np.argsort(numbers)))

    def packed_terms(self, first: int = 0) -> tuple[packing.Strings, npt.NDArray[np.int64]]:
        """Every term met, from number `first` on, without an object for each, and the number of each: (n,)."""
        empty = np.zeros(0, np.int64)
        plain = self._plain[bisect_left(self._plain, first, key=itemgetter(1)) :]
        named = self._names[bisect_left(self._names, first, key=itemgetter(1)) :]
        tokens = np.concatenate([empty, *(tokens for tokens, _ in plain)])
        numbers = [np.arange(begin, begin + len(tokens)) for tokens, begin in plain]
        numbers.append(np.fromiter((number for _, number in named), np.int64, len(named)))
        names = packing.pack([name for name, _ in named])
        return packing.concatenate(self._scanner.packed(tokens), names), np.concatenate(numbers)

    def _learn(self) -> None:
        """Give every new raw token its term: runs are terms themselves, the rest go through the analyzer."""
        first, last = self._learned, len(self._scanner)
        if first == last:
            return
        self._learned = last
        self._term_of = grown(self._term_of, last)
        types = self._scanner.types(first)
        plain = types == scanning.RUN
        if self._analyzer.settings.stop_words:
            plain &= ~self._stopped_runs(first, types)
        numbers = np.arange(first, last)
        tokens, others = numbers[plain], numbers[~plain]
        self._term_of[tokens] = np.arange(self._size, self._size + len(tokens))
        if len(tokens):
            self._plain.append((tokens, self._size))
        self._size += len(tokens)
        for token, word, kind in zip(others.tolist(), self._scanner.words(others), types[~plain].tolist(), strict=True):
            self._term_of[token] = self._number(self._analyzer.term(word, kind))
        self._scratch = grown(self._scratch, self._size)

    def _stopped_runs(self, first: int, types: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Runs that may be stop words: those no longer than the longest stop word of ideographs."""
        longest = max((len(word) for word in self._analyzer.settings.stop_words or () if word > "\u3000"), default=0)
        if not longest:
            return np.zeros(len(types), np.bool_)
        stopped: npt.NDArray[np.bool_] = (types == scanning.RUN) & (self._scanner.sizes(first) <= longest)
        return stopped

    def _number(self, term: str) -> int:
        if not term:
            return _DROPPED
        number = self._named.setdefault(term, self._size)
        if number == self._size:
            self._names.append((term, number))
            self._size += 1
        return number
