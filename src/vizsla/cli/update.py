"""`vizsla update`: passages of files in place of those of the same ids."""

from vizsla.cli import terminal, texts
from vizsla.cli.changing import NoMetadata, Reading, Sources, Watch
from vizsla.cli.opening import Folder, Json, Models, opened


def update(
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
    """Put the passages of SOURCE in place of those of the same ids in FOLDER, and add the others.

    Equal passages are passed over, and where only metadata changed nothing is encoded again.
    """
    from vizsla.data.problems import Problems

    collection, problems = opened(folder, model), Problems(strict=strict)
    watch = Watch(collection, as_json=as_json, problems=problems)
    passages = Reading(columns, size, overlap, no_metadata).passages(sources, problems)
    with terminal.progress() as tell:
        counts = collection.update(passages, progress=tell)
    watch.say(counts)
