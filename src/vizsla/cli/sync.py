"""`vizsla sync`: a folder of texts that people edit, followed by a collection."""

from pathlib import Path
from typing import Annotated

import typer

from vizsla.cli import terminal, texts
from vizsla.cli.changing import Watch, resumable
from vizsla.cli.opening import Folder, Json, Models, opened


def sync(
    folder: Folder,
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Of .txt, .md and .html files.")],
    *,
    name: Annotated[
        str, typer.Option(help="What the collection calls DIRECTORY, if not by its own name.", rich_help_panel="Files")
    ] = "",
    size: texts.Size = None,
    overlap: texts.Overlap = None,
    strict: texts.Strict = False,
    model: Models = None,
    as_json: Json = False,
) -> None:
    """Let FOLDER hold what the files of DIRECTORY hold now: what is new, changed or gone is found by digest.

    Only what changed is encoded. Ids are path#n and stay with their texts; passages that came otherwise are left alone.
    """
    from vizsla.cli import wishes
    from vizsla.collections.syncing import SyncSettings
    from vizsla.collections.syncing import sync as follow
    from vizsla.data.cutting import Cutting
    from vizsla.data.problems import Problems

    collection, problems = opened(folder, model), Problems(strict=strict)
    watch = Watch(collection, as_json=as_json, problems=problems)
    settings = SyncSettings(name, wishes.cutting(size, overlap) or Cutting())
    with resumable(collection), terminal.progress() as tell:
        made = follow(collection, directory, settings, problems=problems, progress=tell)
    watch.say(made.counts, name=made.name, files=made.files)
