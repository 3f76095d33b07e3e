"""Telling languages, and saying when an analyzer does not fit."""

import logging

import pytest

from vizsla.core.errors import SettingsError
from vizsla.text import languages
from vizsla.text.languages import Guess

# ruff: noqa: RUF001 - other scripts are what it is about

SENTENCES = {
    "english": "the house that they built was on a hill and it is not for sale",
    "german": "das Haus, das sie bauten, war auf einem Berg und ist nicht für die anderen",
    "french": "la maison est sur une colline et elle n'est pas dans la ville avec les autres",
    "spanish": "la casa que se hizo en el monte no es para los otros y fue como una más",
    "russian": "дом, что он построил, был на горе, и это не для нас, как и все по воле",
    "dutch": "het huis dat zij bouwden is niet voor een ander en staat op de heuvel met bomen",
    "turkish": "bu ev bir dağ için çok güzel ve daha da büyük olarak ne gibi",
    "finnish": "talo on mäellä ja se ei ole niin suuri, mutta hän on sekä iso että kun",
}


@pytest.mark.parametrize(("language", "text"), SENTENCES.items())
def test_a_sentence_is_told(language: str, text: str) -> None:
    found = languages.guess([text])
    assert (found.language, found.ideographs) == (language, 0.0)
    assert 0.2 < found.evidence <= 1


@pytest.mark.parametrize(
    "texts", [[], [""], ["42 + 17"], ["xyzzy plugh frobnicate"], ["・・・"], ["한국어 문장입니다"]]
)
def test_what_does_not_say_is_not_guessed(texts: list[str]) -> None:
    assert languages.guess(texts) == Guess("none", 0.0, 0.0)


def test_the_share_of_ideographs() -> None:
    assert languages.guess(["中文ab・。"]).ideographs == 0.5
    assert languages.guess(["かな\U00020000"]).ideographs == 1.0


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("EN", "english"),
        ("zh", "english"),
        ("Chinese", "english"),
        ("de", "german"),
        ("none", "none"),
        ("porter", "porter"),
        ("polish", "polish"),
        ("id", "indonesian"),
    ],
)
def test_names_are_resolved(name: str, wanted: str) -> None:
    assert languages.resolve(name) == wanted


def test_every_code_leads_somewhere() -> None:
    for code, name in languages._CODES.items():
        assert languages.resolve(code) == name


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="found the language 'klingon'; wanted auto, zh, en or a Snowball name"):
        languages.resolve("klingon")


@pytest.mark.parametrize(
    ("language", "found", "warns"),
    [
        ("german", Guess("english", 0.1, 0.3), True),
        ("none", Guess("english", 0.0, 0.3), False),
        ("german", Guess("german", 0.0, 0.3), False),
        ("german", Guess("none", 0.0, 0.01), False),
        ("german", Guess("english", 0.6, 0.3), False),
    ],
)
def test_a_misfit_is_warned_of(
    language: str,
    found: Guess,
    *,
    warns: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "vizsla"):
        message = languages.warn_of_misfit(language, found)
    assert bool(message) == warns
    assert [record.getMessage() for record in caplog.records] == ([message] if warns else [])
    assert not warns or f"for '{language}', but the text looks english: 30%" in message
