"""`vizsla keep`: pipelines, rerankers and kinds of fields of a collection."""

from typing import Annotated

import typer

from vizsla.cli import terminal
from vizsla.cli.keeping import Fields, Kept, Pipelines, Rerankers
from vizsla.cli.opening import Folder, opened
from vizsla.core.errors import SettingsError
from vizsla.core.settings import nearest


def keep(
    folder: Folder,
    *,
    pipeline: Pipelines = None,
    reranker: Rerankers = None,
    field: Fields = None,
    forget: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Of a pipeline or a reranker that is kept.")
    ] = None,
) -> None:
    """Let FOLDER keep named pipelines, rerankers and kinds of fields; a name that is there is replaced."""
    kept, collection = Kept.read(field, pipeline, reranker), opened(folder)
    info = collection.info()
    kept.check(info.encoders)
    names = {**info.pipelines, **info.rerankers}
    if unknown := [name for name in forget or () if name not in names]:
        raise SettingsError(f"found nothing that is kept as '{unknown[0]}'; {nearest(unknown[0], names)}")
    if not (pipeline or reranker or field or forget):
        raise SettingsError("found nothing to keep; wanted --pipeline, --reranker, --field or --forget")
    kept.put(collection)
    for name in forget or ():
        if name in info.pipelines:
            collection.keep_pipeline(name, None)
        if name in info.rerankers:
            collection.keep_reranker(name, None)
    after = collection.info()
    for name, text in after.pipelines.items():
        terminal.write(f"pipeline  {name} = {text}")
    for name, place in after.rerankers.items():
        terminal.write(f"reranker  {name} = {place}")
    for name, kind in after.fields.items():
        terminal.write(f"field     {name} = {kind}")
