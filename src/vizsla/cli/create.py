"""`vizsla create`: an empty collection."""

from pathlib import Path
from typing import Annotated

import typer

from vizsla.cli import terminal, terms
from vizsla.cli.keeping import Fields, Kept, Pipelines, Rerankers
from vizsla.cli.opening import placed

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
    language: terms.Language = None,
    stop_words: terms.StopWords = None,
    user_words: terms.UserWords = None,
    synonyms: terms.Synonyms = None,
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Tables [analyzer] and [bm25]; flags win.", rich_help_panel=terms.PANEL),
    ] = None,
    k1: terms.K1 = None,
    b: terms.B = None,
    recall: Annotated[
        float | None,
        typer.Option(help="Share of the best by vectors to find; 1: all.", rich_help_panel="How it is searched"),
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
    encoders = list(map(named, encoder or [LEXICAL]))
    names = [name for name, _ in encoders]
    kept.check(names)
    analyzer = terms.analyzer(language, stop_words, user_words, synonyms)
    flags: dict[str, dict[str, object]] = {"analyzer": analyzer, "bm25": {"k1": k1, "b": b}}
    wanted = wishes.index_settings(settings, flags, known=("analyzer", "bm25"))
    made = Collection.create(
        folder,
        [f"{name}={placed(model)}" if model else name for name, model in encoders],
        analyzer=wanted.analyzer,
        bm25=wanted.bm25,
        rerankers=[f"{name}={model}" for name, model in kept.rerankers.items()],
        recall=RECALL if recall is None else recall,
    )
    kept.put(made)
    terminal.write(f"{folder}: an empty collection, searched by {', '.join(names)}")
    if terminal.watched():
        terminal.tell(f"now try: vizsla add {folder} YOUR_PASSAGES")
