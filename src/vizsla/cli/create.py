"""`vizsla create`: an empty collection."""

from pathlib import Path
from typing import Annotated

import typer

from vizsla.cli import terminal
from vizsla.cli.keeping import Fields, Kept, Pipelines, Rerankers
from vizsla.cli.opening import placed

_TERMS, _SEARCH = "Texts to terms", "How it is searched"
EXAMPLE = "vizsla create kb --encoder bm25 --encoder minilm=all-MiniLM-L6-v2 --field published=date"


def create(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where it will stand: nothing, or an empty folder.")],
    *,
    encoder: Annotated[
        list[str] | None, typer.Option(metavar="bm25|NAME=MODEL", help="What searches; bm25 where none is named.")
    ] = None,
    field: Fields = None,
    pipeline: Pipelines = None,
    reranker: Rerankers = None,
    language: Annotated[
        str | None,
        typer.Option(help="auto (by script), zh, en, or a Snowball name.", rich_help_panel=_TERMS),
    ] = None,
    stop_words: Annotated[Path | None, typer.Option(help="Words to drop, one a line.", rich_help_panel=_TERMS)] = None,
    user_words: Annotated[
        Path | None, typer.Option(help="Phrases to keep whole, one a line.", rich_help_panel=_TERMS)
    ] = None,
    synonyms: Annotated[
        Path | None, typer.Option(help="Groups that mean one thing: a, b, c on a line.", rich_help_panel=_TERMS)
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Tables [analyzer] and [bm25]; flags win.", rich_help_panel=_TERMS),
    ] = None,
    k1: Annotated[float | None, typer.Option(help="How slowly repetitions saturate.", rich_help_panel=_SEARCH)] = None,
    b: Annotated[float | None, typer.Option(help="How much length counts.", rich_help_panel=_SEARCH)] = None,
    recall: Annotated[
        float | None,
        typer.Option(help="Share of the best by vectors to find; 1: all.", rich_help_panel=_SEARCH),
    ] = None,
) -> None:
    """Begin an empty collection: passages, and every index over them, in one folder that changes.

    Encoders, analyzer and BM25 are fixed from here on; pipelines, rerankers and fields can follow: vizsla keep.
    """
    from vizsla.cli import wishes
    from vizsla.collections.collection import Collection
    from vizsla.collections.settings import LEXICAL, named
    from vizsla.indexes.quantised import RECALL

    kept = Kept.read(field, pipeline, reranker)
    names = dict(map(named, encoder or [LEXICAL]))
    kept.check(names)
    flags: dict[str, dict[str, object]] = {
        "analyzer": {
            "language": language,
            "stop_words": wishes.words(stop_words),
            "user_words": wishes.words(user_words),
            "synonyms": wishes.synonyms(synonyms),
        },
        "bm25": {"k1": k1, "b": b},
    }
    wanted = wishes.index_settings(settings, flags)
    made = Collection.create(
        folder,
        [f"{name}={placed(model)}" if model else name for name, model in names.items()],
        analyzer=wanted.analyzer,
        bm25=wanted.bm25,
        rerankers=[f"{name}={model}" for name, model in kept.rerankers.items()],
        recall=RECALL if recall is None else recall,
    )
    kept.put(made)
    terminal.write(f"{folder}: an empty collection, searched by {', '.join(names)}")
    if terminal.watched():
        terminal.tell(f"now try: vizsla add {folder} YOUR_PASSAGES")
