"""What an analyzer is: one flat, frozen record that is stored as one JSON."""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from vizsla.core import settings as plain
from vizsla.core.errors import SettingsError
from vizsla.text import characters, languages

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class AnalyzerSettings:
    """How texts become terms.

    Attributes:
        language: a Snowball name for the words between ideographs, `zh` (which takes English), a
            two-letter code, `none` for no stems and no stop words, or `auto` for a look at the texts.
        ideographs: `grams` (each character and each pair of neighbours) or `words` (jieba's dictionary).
        stop_words: terms to drop; None takes the language's own short list.
        stem: cut words to their stems by the language's Snowball algorithm.
        user_words: phrases of any script kept whole as one term: "C++", "New York", "云计算".
        synonyms: groups of phrases that count as the first of the group.
        folds: single characters to map further, traditional to simplified above all.
        chosen: what `auto` saw and chose, in words; empty where nothing was chosen.
    """

    language: str = AUTO
    ideographs: Literal["grams", "words"] = "grams"
    stop_words: tuple[str, ...] | None = None
    stem: bool = True
    user_words: tuple[str, ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()
    folds: dict[str, str] = field(default_factory=dict)
    chosen: str = ""

    def __post_init__(self) -> None:
        if self.language != AUTO:
            languages.resolve(self.language)
        if self.ideographs not in ("grams", "words"):
            raise SettingsError(f"found ideographs='{self.ideographs}'; wanted 'grams' or 'words'")
        for group in self.synonyms:
            if len(group) < 2:
                raise SettingsError(f"found the synonym group {list(group)}; wanted at least two phrases")
        for source, target in self.folds.items():
            if target in self.folds or not characters.foldable(source, target):
                wanted = "one character in normal form to another, both letters, both digits or both ideographs"
                raise SettingsError(f"found the fold '{source}' to '{target}'; wanted {wanted}, and none folded twice")

    def resolved(self, texts: Iterable[str]) -> "AnalyzerSettings":
        """These settings with the language by its Snowball name and the stop words written out.

        `auto` is decided by a look at the texts, and said in `chosen`; a named language that does
        not fit the texts is warned of.
        """
        found = languages.guess(texts)
        language, chosen = self.language, self.chosen
        if language == AUTO:
            language = "english" if found.ideographs > _MANY and found.language == languages.UNKNOWN else found.language
            chosen = f"{found.ideographs:.1%} of the letters are ideographs; "
            chosen += f"{found.evidence:.1%} of the words are function words of {found.language}"
        else:
            language = languages.resolve(language)
            languages.warn_of_misfit(language, found)
        stops = languages.stop_words(language) if self.stop_words is None else self.stop_words
        if self.ideographs == "grams" and (longer := [word for word in stops if len(word) > 2 and word > "\u3000"]):
            advice = "use ideographs='words', or leave them out"
            message = "%d stop words such as '%s' are longer than the pairs of ideographs they would drop; %s"
            logging.getLogger("vizsla").warning(message, len(longer), longer[0], advice)
        return replace(self, language=language, stop_words=stops, chosen=chosen)

    def to_json(self) -> str:
        """One JSON object, every field."""
        return json.dumps(plain.to_mapping(self), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "AnalyzerSettings":
        """Read what `to_json` wrote.

        Raises:
            SettingsError: not JSON, an unknown key, or a value of another type.
        """
        try:
            values: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SettingsError(f"found an analyzer that is not JSON: {error}; wanted one JSON object") from error
        if not isinstance(values, dict):
            raise SettingsError(f"found an analyzer that is a {type(values).__name__}; wanted one JSON object")
        return plain.from_mapping(cls, values)


_MANY = 0.1
