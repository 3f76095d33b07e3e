"""`vizsla delete`: passages of a collection, by their ids."""

from pathlib import Path
from typing import Annotated

import typer

from vizsla.cli.changing import Watch
from vizsla.cli.opening import Folder, Json, Where, opened
from vizsla.core.errors import SettingsError


def delete(
    folder: Folder,
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID", help="Of passages.")] = None,
    *,
    from_file: Annotated[Path | None, typer.Option("--ids", metavar="FILE", help="Ids, one a line.")] = None,
    where: Where = None,
    as_json: Json = False,
) -> None:
    """Remove passages from FOLDER: those of these ids, or all that meet a condition. Absent ids are counted."""
    if sum(one is not None for one in (ids or None, from_file, where)) != 1:
        raise SettingsError("found no ids, or two ways to name them; wanted ids, --ids FILE or --where CONDITION")
    from vizsla.cli import wishes

    collection = opened(folder)
    watch = Watch(collection, as_json=as_json)
    if where is not None:
        import numpy as np

        snapshot = collection.snapshot()
        ids = snapshot.ids(np.flatnonzero(snapshot.bitmap(where)))
    watch.say(collection.delete(ids or wishes.words(from_file) or ()))
