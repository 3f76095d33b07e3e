"""`vizsla add`: files to passages of a collection."""

from vizsla.cli import terminal, texts
from vizsla.cli.changing import NoMetadata, Reading, Sources, Watch
from vizsla.cli.opening import Folder, Json, Models, opened


def add(
    folder: Folder,
    sources: Sources,
    *,
    columns: texts.Columns = None,
    size: texts.Size = None,
    overlap: texts.Overlap = None,
    strict: texts.Strict = False,
    no_metadata: NoMetadata = False,
    model: Models = None,
    as_json: Json = False,
) -> None:
    """Add the passages of SOURCE to the collection in FOLDER.

    An id that is there with other content is refused; with equal content it is passed over. So what was broken off, by
    Ctrl-C or kill -9, goes on where it stopped when the same is added again.
    """
    from vizsla.data.problems import Problems

    collection, problems = opened(folder, model), Problems(strict=strict)
    watch = Watch(collection, as_json=as_json, problems=problems)
    passages = Reading(columns, size, overlap, no_metadata).passages(sources, problems)
    with terminal.progress() as tell:
        counts = collection.add(passages, progress=tell)
    watch.say(counts)
