"""The record an analyzer is made of."""

import logging

import pytest

from vizsla.core.errors import SettingsError
from vizsla.text.analyzer import Analyzer
from vizsla.text.settings import AnalyzerSettings

ENGLISH = ["the cat sat on the mat and it was there", "they will be in the house with a dog"]
CHINESE = ["猫坐在垫子上", "读取 Python 文件的方法"]
GERMAN = ["der Hund und die Katze sind nicht in dem Haus", "ein Mann war auf dem Weg"]


@pytest.mark.parametrize(
    ("texts", "language", "said"),
    [
        (ENGLISH, "english", "words are function words of english"),
        (CHINESE, "english", "of the letters are ideographs"),
        (GERMAN, "german", "words are function words of german"),
        (["xyzzy plugh"], "none", "0.0% of the letters are ideographs"),
        ([], "none", "0.0%"),
    ],
)
def test_auto_looks_and_says_what_it_chose(texts: list[str], language: str, said: str) -> None:
    resolved = AnalyzerSettings().resolved(texts)
    assert resolved.language == language
    assert said in resolved.chosen
    assert (resolved.stop_words == ()) == (language == "none")


def test_a_named_language_is_kept_and_a_misfit_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "vizsla"):
        resolved = AnalyzerSettings(language="de").resolved(ENGLISH)
    assert (resolved.language, resolved.chosen) == ("german", "")
    assert "the analyzer is for 'german', but the text looks english" in caplog.text


def test_named_stop_words_stay() -> None:
    assert AnalyzerSettings(stop_words=("x",)).resolved(ENGLISH).stop_words == ("x",)
    assert AnalyzerSettings(stop_words=()).resolved(ENGLISH).stop_words == ()


def test_settings_that_are_not_resolved_are_refused() -> None:
    for settings in (AnalyzerSettings(), AnalyzerSettings(language="english")):
        with pytest.raises(SettingsError, match="not resolved"):
            Analyzer(settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not JSON"),
        ("[1]", "is a list"),
        ("[" * 100_000, "not JSON"),
        ('{"laguage": "en"}', "did you mean 'language'"),
        ('{"stem": 1}', "wanted true or false"),
        ('{"ideographs": "letters"}', "ideographs"),
        ('{"synonyms": [["a"]]}', "at least two"),
        ('{"folds": {"ab": "c"}}', "fold"),
        ('{"folds": {"a": "中"}}', "fold 'a' to '中'"),
        ('{"folds": {"b": "c", "a": "b"}}', "none folded twice"),
    ],
)
def test_a_broken_analyzer_is_refused(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        AnalyzerSettings.from_json(text)


def test_an_unknown_language_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'english'"):
        AnalyzerSettings(language="englsh").resolved([])
