"""The analyzer: a text's terms, from one frozen record of settings.

Knows the order of the steps: normal form, marked phrases, dictionary words, raw tokens, stop words,
synonyms, stems. Refuses to know which terms an index holds.
"""

import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from vizsla.core.errors import SettingsError
from vizsla.kernels import scanning
from vizsla.text import characters, marking, packing
from vizsla.text.languages import UNKNOWN
from vizsla.text.scanner import Scanner
from vizsla.text.settings import AUTO, AnalyzerSettings

PHRASE_SIGN = "="
"""Begins the term of a marked phrase, so that it never equals a word or a stem: '=c++'."""
_MARKS = (characters.OPEN_MARK, characters.CLOSE_MARK, characters.WORD_BREAK)
_CLUSTER = re.compile("(?s:.)[\u0300-\u036f\u1160-\u11ff\u20d0-\u20ff\u3099\u309a\uff9e\uff9f]*")


def pack(strings: Sequence[str]) -> scanning.Texts:
    """Strings as the scanner takes them."""
    packed = packing.pack(strings)
    return scanning.Texts(packed.data, packed.starts[:-1], packed.starts[1:])


class Analyzer:
    """Turns texts into terms; the same text gives the same terms in passages and in queries.

    >>> analyzer = Analyzer.fit(["Python怎么读取文件"], AnalyzerSettings(language="zh"))
    >>> analyzer.terms("Reading files 读取")
    ['read', 'file', '读', '读取', '取']

    Args:
        settings: resolved ones; `Analyzer.fit` resolves `auto`.

    Raises:
        SettingsError: the settings are not resolved.
    """

    def __init__(self, settings: AnalyzerSettings) -> None:
        if settings.language == AUTO or settings.stop_words is None:
            raise SettingsError("found analyzer settings that are not resolved; use Analyzer.fit(texts, settings)")
        self.settings = settings
        self._folds = str.maketrans(settings.folds)
        self._stem = stemmer(settings.language if settings.stem else UNKNOWN)
        self._same, self._marked = self._synonyms()
        for word in settings.user_words:
            self._marked.setdefault(phrase := self._normalise(word).strip(), self._user_word(phrase))
        self._phrases = marking.pattern(tuple(self._marked))
        self._stops = frozenset(self._normalise(word).strip() for word in settings.stop_words)

    @classmethod
    def fit(cls, texts: Iterable[str], settings: AnalyzerSettings | None = None) -> "Analyzer":
        """An analyzer for texts such as these; `auto` looks at them and records what it chose."""
        return cls((settings or AnalyzerSettings()).resolved(texts))

    @property
    def grams(self) -> bool:
        """Whether ideographs become single characters and pairs."""
        return self.settings.ideographs == "grams"

    def terms(self, text: str) -> list[str]:
        """The terms of a text in order, stop words dropped."""
        return [term for word, kind, _ in self._words(self._prepared(text)) if (term := self.term(word, kind))]

    def units(self, text: str) -> list[str]:
        """What phrases are compared by: words as their terms, stop words too, and ideographs one by one."""
        words = self._words(self._prepared(text))
        pair = 2 if self.grams else -1
        return [self.term(word, kind) or word for word, kind, _ in words if kind != scanning.RUN or len(word) != pair]

    def located(self, text: str) -> list[tuple[str, int, int]]:
        """The terms of a text and where they stand: (term, begin, end) in characters of the text as given."""
        prepared = self._prepared(text)
        begins, ends = align(text, prepared, self._normalise)
        return [
            (term, begins[span[0]], ends[span[1] - 1])
            for word, kind, span in self._words(prepared)
            if (term := self.term(word, kind))
        ]

    def scanner(self) -> Scanner:
        """A new scanner for this analyzer's texts."""
        pairs = tuple(sorted(self.settings.folds.items()))
        return Scanner(characters.table(pairs, apostrophes=self.settings.language == "english"), grams=self.grams)

    def prepare(self, texts: scanning.Texts, scanner: Scanner) -> scanning.Texts:
        """The same texts, with those rewritten that the scanner cannot read as they are."""
        everything = self._phrases is not None or not self.grams
        rows = np.arange(len(texts.starts)) if everything else scanner.find_complex(texts)
        if not len(rows):
            return texts
        data, starts, ends = texts
        packed = pack([self._prepared(bytes(data[starts[row] : ends[row]]).decode()) for row in rows])
        starts, ends = starts.copy(), ends.copy()
        starts[rows], ends[rows] = packed.starts + len(data), packed.ends + len(data)
        return scanning.Texts(np.concatenate([data, packed.data]), starts, ends)

    def term(self, word: str, kind: int) -> str:
        """The term of a raw token; empty where it is a stop word."""
        if kind == scanning.MARKED:
            return self._marked[word]
        if word in self._stops:
            return ""
        term = self._stem(word) if kind == scanning.WORD else word
        return self._same.get(term, term)

    def _normalise(self, text: str) -> str:
        return characters.normalise(text).translate(self._folds)

    def _synonyms(self) -> tuple[dict[str, str], dict[str, str]]:
        """What the terms of single words count as, inflected or not, and what marked phrases count as.

        Groups that share a phrase are one group.
        """
        same: dict[str, str] = {}
        marked: dict[str, str] = {}
        for group in self.settings.synonyms:
            phrases = [self._normalise(phrase).strip() for phrase in group]
            stems = [self._stem(phrase) if self._is_word(phrase) else "" for phrase in phrases]
            known = [marked.get(phrase) or same.get(stem) for phrase, stem in zip(phrases, stems, strict=True)]
            first = next(filter(None, known), None) or stems[0] or PHRASE_SIGN + phrases[0]
            for old in {one for one in known if one and one != first}:
                same |= {stem: first for stem, term in same.items() if term == old}
                marked |= {phrase: first for phrase, term in marked.items() if term == old}
            for phrase, stem in zip(phrases, stems, strict=True):
                if stem:
                    same[stem] = first
                else:
                    marked[phrase] = first
        return same, marked

    def _user_word(self, phrase: str) -> str:
        stem = self._stem(phrase) if self._is_word(phrase) else ""
        return self._same.get(stem, PHRASE_SIGN + phrase)

    def _is_word(self, phrase: str) -> bool:
        words = self._words(phrase)
        return len(words) == 1 and words[0][:2] == (phrase, scanning.WORD)

    def _prepared(self, text: str) -> str:
        prepared = self._normalise(marking.blank_marks(text))
        if self._phrases is not None:
            prepared = marking.mark(prepared, self._phrases)
        return prepared if self.grams else marking.part_words(prepared)

    def _words(self, prepared: str) -> list[tuple[str, int, tuple[int, int]]]:
        """The raw tokens of a prepared text in order: the token, its type, its span in characters."""
        scanner, texts = self.scanner(), pack([prepared])
        tokens = scanner.scan(texts, spans=True)
        character = np.cumsum((texts.data & 0xC0) != 0x80) - 1
        character = np.append(character, len(prepared))
        numbers = tokens.numbers.tolist()
        words, types = scanner.words(np.arange(len(scanner))), scanner.types(0).tolist()
        spans = character[tokens.spans].tolist()
        return [(words[n], types[n], (begin, end)) for n, (begin, end) in zip(numbers, spans, strict=True)]


def stemmer(language: str) -> Callable[[str], str]:
    """The Snowball stemmer of a language, or what leaves words as they are where there is none."""
    import Stemmer

    if language not in Stemmer.algorithms():
        return str
    stem: Callable[[str], str] = Stemmer.Stemmer(language, 0).stemWord  # a word comes once; its cache would only churn
    return stem


def align(text: str, prepared: str, normalise: Callable[[str], str]) -> tuple[list[int], list[int]]:
    """Where each character of a prepared text came from: begins and ends in the text as given.

    The text is normalised character by character, each with the marks that combine with it; what the
    whole text's normal form joins beyond that is put down to the last of the characters joined.
    """
    begins, ends = [], []
    for match in _CLUSTER.finditer(text):
        size = len(normalise(match.group()))
        begins += [match.start()] * size
        ends += [match.end()] * size
    steps = np.cumsum([sign not in _MARKS for sign in prepared]) - 1
    last = len(begins) - 1
    where = [min(max(step, 0), last) for step in steps.tolist()]
    return [begins[i] for i in where], [ends[i] for i in where]
