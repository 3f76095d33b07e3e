"""`vizsla update`: passages of files in place of those of the same ids."""

from vizsla.cli import texts
from vizsla.cli.changing import NoMetadata, Reading, Sources, put
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
    reading = Reading(columns, size, overlap, no_metadata)
    put(opened(folder, model), sources, reading, replacing=True, strict=strict, as_json=as_json)
