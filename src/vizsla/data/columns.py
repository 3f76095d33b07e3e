"""Columns: which column or key of a table holds the id, the title and the text."""

from dataclasses import dataclass

ID_NAMES = ("_id", "id")
"""Where an id is looked for when no name is given."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns in CSV and TSV, of keys in JSONL. A name that is given must be there.

    Attributes:
        id: None takes `_id` or `id`; where neither is there, ids are the records' numbers from 0.
        title: None takes `title` where it is there.
        text: must be there always.
    """

    id: str | None = None
    title: str | None = None
    text: str = "text"
