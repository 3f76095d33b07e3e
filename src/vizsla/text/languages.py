"""Languages: their stemmer's name, their function words, and which one a text is in.

Knows the Snowball algorithms by name and a few dozen of the commonest function words of the
languages that have them; the same words tell a language and are its default stop words. Refuses to
guess where the text does not say: then words are neither stemmed nor stopped.
"""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from vizsla.core.errors import SettingsError
from vizsla.core.settings import nearest
from vizsla.text.characters import normalise

UNKNOWN = "none"
_FUNCTION_WORDS = {
    "english": "a an and are as at be but by for if in into is it no not of on or such that the their then there these"
    " they this to was will with",
    "german": "der die das und ist in den von zu mit sich des auf für nicht ein eine dem im auch als an es war",
    "french": "le la les de des du un une et est en que qui dans pour pas sur au avec ce il ne se par plus l d",
    "spanish": "el la los las de del y en que un una es por con para no se su al lo como más o fue",
    "portuguese": "o a os as de do da dos das e em que um uma é por com para não se no na ao mais foi",
    "italian": "il lo la i gli le di del della e è in che un una per con non si al da sono come più l",
    "dutch": "de het een en van in is dat op te zijn met voor niet aan er om ook als bij door maar",
    "swedish": "och i att det som en på är av för med till den har de inte om ett var sig",
    "norwegian": "og i det er på en til som å av for at med var ikke den har de et seg",
    "danish": "og i at det er en til af på som for de den med der ikke har et var sig",
    "finnish": "ja on ei se että oli hän joka mutta kun ovat myös niin tai jos mukaan sekä",
    "russian": "и в не на что он с как это по но из у к за от о же был для",
    "turkish": "ve bir bu da de için ile çok olarak daha gibi ne olan en kadar",
    "hungarian": "a az és hogy nem is egy ez volt meg de van csak mint már",
    "romanian": "de și în la cu a pe este care nu un o din pentru mai ca se",
    "polish": "w i na z do nie się to że jest o jak za od po przez dla",
    "indonesian": "yang dan di dengan untuk tidak ini dari dalam itu pada adalah ke akan juga",
}
_CHINESE = ("zh", "chinese")
_CODES = {
    "en": "english", "de": "german", "fr": "french", "es": "spanish", "pt": "portuguese", "it": "italian",
    "nl": "dutch", "sv": "swedish", "no": "norwegian", "da": "danish", "fi": "finnish", "ru": "russian",
    "tr": "turkish", "hu": "hungarian", "ro": "romanian", "pl": "polish", "id": "indonesian", "ar": "arabic",
    "el": "greek", "hi": "hindi", "ca": "catalan", "ta": "tamil", "ga": "irish", "lt": "lithuanian",
    "eu": "basque", "hy": "armenian", "ne": "nepali", "sr": "serbian", "yi": "yiddish", "et": "estonian",
}  # fmt: skip
_ENOUGH = 0.04
_SOME = 0.1
_AMID_IDEOGRAPHS = 6
"""Function words a European language other than English must show in a text with ideographs: 'du -l' is no French."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a text looks like.

    Attributes:
        language: a Snowball name, or 'none' where the words do not say.
        ideographs: the share of ideographs and kana among all letters, 0 to 1.
        evidence: the share of words that are function words of the language, 0 to 1.
    """

    language: str
    ideographs: float
    evidence: float


def stemmers() -> list[str]:
    """The Snowball algorithms that are installed."""
    import Stemmer

    return list(Stemmer.algorithms())


def resolve(name: str) -> str:
    """The Snowball name of a language; Chinese stems the words between its ideographs as English.

    >>> resolve("de"), resolve("zh"), resolve("none")
    ('german', 'english', 'none')

    Raises:
        SettingsError: no such language.
    """
    lower = name.lower()
    if lower in _CHINESE:
        return "english"
    language = _CODES.get(lower, lower)
    if language == UNKNOWN or language in stemmers() or language in _FUNCTION_WORDS:
        return language
    hint = nearest(lower, sorted({*_CODES, *_CODES.values(), *stemmers(), *_CHINESE, UNKNOWN}))
    raise SettingsError(f"found the language '{name}'; wanted auto, zh, en or a Snowball name; {hint}")


def stop_words(language: str) -> tuple[str, ...]:
    """The default stop words of a language; none where none are known."""
    return tuple(_FUNCTION_WORDS.get(language, "").split())


def guess(texts: Iterable[str]) -> Guess:
    """Look at some texts and say what they are written in.

    >>> guess(["the cat sat on the mat", "it was there"]).language
    'english'
    >>> guess(["猫坐在垫子上"]).ideographs
    1.0
    """
    counts: Counter[str] = Counter()
    ideographs = letters = 0
    for text in texts:
        plain = normalise(text)
        ideographs += sum(sign.isalpha() and ("\u3041" <= sign <= "\u9fff" or sign >= "\U00020000") for sign in plain)
        letters += sum(sign.isalpha() for sign in plain)
        counts.update("".join(sign if sign.isalpha() else " " for sign in plain).split())
    words = max(sum(count for word, count in counts.items() if word[0] < "\u3041"), 1)
    share = ideographs / max(letters, 1)
    found = [(language, *_evidence(counts, listed)) for language, listed in _FUNCTION_WORDS.items()]
    best, seen, distinct = max(found, key=lambda one: one[1])
    wanted = 2 if best == "english" else _AMID_IDEOGRAPHS if share > _SOME else 3
    enough = distinct >= wanted and seen / words >= _ENOUGH
    return Guess(best if enough else UNKNOWN, share, seen / words)


def _evidence(counts: Counter[str], listed: str) -> tuple[int, int]:
    """How often a language's function words occur, and how many of them; one letter is no evidence."""
    told = [counts[word] for word in listed.split() if len(word) > 1 and counts[word]]
    return sum(told), len(told)


def warn_of_misfit(language: str, found: Guess) -> str:
    """Warn loudly where the words of a text are of another language than the analyzer's; returns the warning.

    Nothing is said of a text that is mostly ideographs, whose few words decide nothing, nor of an
    analyzer without a language.
    """
    mostly_ideographs = found.ideographs > 0.5
    if mostly_ideographs or language == UNKNOWN or found.language in (language, UNKNOWN):
        return ""
    evidence = f"{found.evidence:.0%} of its words are function words of {found.language}"
    message = f"the analyzer is for '{language}', but the text looks {found.language}: {evidence}; "
    message += "stems and stop words will not fit; use language='auto' or name the text's language"
    logging.getLogger("vizsla").warning(message)
    return message
