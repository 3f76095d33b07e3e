"""`vizsla add`: files to passages of a collection."""

from vizsla.cli import texts
from vizsla.cli.changing import NoMetadata, Reading, Sources, put
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
    reading = Reading(columns, size, overlap, no_metadata)
    put(opened(folder, model), sources, reading, replacing=False, strict=strict, as_json=as_json)
