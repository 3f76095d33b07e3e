"""`vizsla index`: files to an index."""

import hashlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vizsla.cli import terminal, terms, texts

if TYPE_CHECKING:
    from vizsla.collections.frozen import FrozenCollection
    from vizsla.data.problems import Problems

_HOW = "How it is built"


def index(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A BEIR folder, .jsonl, .csv, .tsv, or a folder of .txt, .md, .html.")
    ],
    *,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="INDEX", help="Where the index will stand; an older one is replaced."),
    ],
    columns: texts.Columns = None,
    size: texts.Size = None,
    overlap: texts.Overlap = None,
    strict: texts.Strict = False,
    language: terms.Language = None,
    ideographs: Annotated[
        str | None, typer.Option(help="Chinese as grams (1 and 2 characters) or words.", rich_help_panel=terms.PANEL)
    ] = None,
    stop_words: terms.StopWords = None,
    user_words: terms.UserWords = None,
    synonyms: terms.Synonyms = None,
    simplify: Annotated[
        bool, typer.Option("--simplify", help="Traditional characters to simplified.", rich_help_panel=terms.PANEL)
    ] = False,
    no_stem: Annotated[bool, typer.Option("--no-stem", help="Leave words whole.", rich_help_panel=terms.PANEL)] = False,
    variant: Annotated[
        str | None, typer.Option(help="lucene, robertson, atire, bm25l or bm25+.", rich_help_panel=terms.BM25)
    ] = None,
    k1: terms.K1 = None,
    b: terms.B = None,
    delta: Annotated[float | None, typer.Option(help="BM25L's and BM25+'s bound.", rich_help_panel=terms.BM25)] = None,
    titles: Annotated[str | None, typer.Option(help="index them, or only store them.", rich_help_panel=_HOW)] = None,
    memory_mib: Annotated[
        int | None, typer.Option(help="Memory for turning passages into postings.", rich_help_panel=_HOW)
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(metavar="FILE.toml", help="Tables [analyzer], [bm25], [index]; flags win.", rich_help_panel=_HOW),
    ] = None,
) -> None:
    """Index the passages of DATA.

    The old index stays until the new one is whole: a failure or Ctrl-C changes nothing.
    """
    from vizsla.cli import wishes
    from vizsla.collections.frozen import FrozenCollection
    from vizsla.data.problems import Problems
    from vizsla.data.sources import read_passages
    from vizsla.text.characters import simplified_pairs

    analyzer = terms.analyzer(language, stop_words, user_words, synonyms) | {
        "ideographs": ideographs,
        "folds": dict(simplified_pairs()) if simplify else None,
        "stem": False if no_stem else None,
    }
    bm25: dict[str, object] = {"variant": variant, "k1": k1, "b": b, "delta": delta}
    building: dict[str, object] = {"titles": titles, "memory_mib": memory_mib}
    wanted = wishes.index_settings(settings, {"analyzer": analyzer, "bm25": bm25, "index": building})
    problems, begin = Problems(strict=strict), time.perf_counter()
    fields, cutting = wishes.columns(columns), wishes.cutting(size, overlap)
    passages = read_passages(data, columns=fields, cutting=cutting, problems=problems)
    with terminal.progress() as tell:
        made = FrozenCollection.build(passages, output, wanted, made_from=digests(data), progress=tell)
    _summarise(made, problems, time.perf_counter() - begin)


def digests(data: Path) -> dict[str, str]:
    """The SHA-256 of what an index is made of: of a file, of a corpus's files, or over all texts of a folder."""
    from vizsla.data.formats import folder
    from vizsla.data.problems import Problems
    from vizsla.data.sources import layout_of

    if not data.is_dir():
        return {str(data): f"sha256 {_digest(data)}"}
    layout = layout_of(data)
    if layout is not None:
        return {str(file): f"sha256 {_digest(file)}" for file in layout.corpus_files(data)}
    whole, files = hashlib.sha256(), list(folder.files(data, problems=Problems(quiet=True)))
    for file in files:
        whole.update(f"{file.relative_to(data).as_posix()} {_digest(file)}\n".encode("utf-8", "surrogateescape"))
    return {f"{data}, {len(files):,} files": f"sha256 {whole.hexdigest()}"}


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _summarise(made: "FrozenCollection", problems: "Problems", seconds: float) -> None:
    from vizsla.cli.describing import facts, pairs, size_of

    rows = {
        "passages": f"{len(made):,}",
        **facts(made.encoder),
        "size": f"{size_of(made)} at {made.folder}",
        "seconds": f"{seconds:.2f} ({len(made) / seconds:,.0f} passages a second)",
        "problems": problems.summary(),
    }
    terminal.draw(pairs(rows))
    if terminal.watched():
        terminal.tell(f"now try: vizsla search {made.folder} 'your question'")
