"""Terms: the flags by which a collection or an index turns texts to terms, and terms to scores.

Knows their words and the files of words that they name. Refuses to know what the settings do.
"""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

PANEL, BM25 = "Texts to terms", "BM25"
Language: TypeAlias = Annotated[
    str | None, typer.Option(help="auto, zh, en, or a Snowball name.", rich_help_panel=PANEL)
]
StopWords: TypeAlias = Annotated[Path | None, typer.Option(help="Words to drop, one a line.", rich_help_panel=PANEL)]
UserWords: TypeAlias = Annotated[
    Path | None, typer.Option(help="Phrases to keep whole, one a line.", rich_help_panel=PANEL)
]
Synonyms: TypeAlias = Annotated[
    Path | None, typer.Option(help="Groups that mean one thing: a, b, c on a line.", rich_help_panel=PANEL)
]
K1: TypeAlias = Annotated[float | None, typer.Option(help="How slowly repetitions saturate.", rich_help_panel=BM25)]
B: TypeAlias = Annotated[float | None, typer.Option(help="How much length counts.", rich_help_panel=BM25)]


def analyzer(
    language: str | None, stop_words: Path | None, user_words: Path | None, synonyms: Path | None
) -> dict[str, object]:
    """Settings of an analyzer by name; None where a flag was not given.

    Raises:
        DataError: a file that is not there or not UTF-8.
    """
    from vizsla.cli import wishes

    return {
        "language": language,
        "stop_words": wishes.words(stop_words),
        "user_words": wishes.words(user_words),
        "synonyms": wishes.synonyms(synonyms),
    }
