"""Writes tests/golden/c2: a collection that was changed, as this release stores it, to be read by every later one.

Run it once a format: `python -m tests.golden.make_changing`. A format that changes gets a folder of its own, c3.
"""

from datetime import date
from pathlib import Path

from tests.integration.collection_model import ENCODERS, toy

from vizsla import assembly
from vizsla.collections.collection import Collection
from vizsla.core.protocols import Passage

HERE = Path(__file__).parent / "c2"
FIRST = [
    Passage("a", "Vizslas point at birds and retrieve them.", "Hunting dogs", {"year": 2020, "tags": ["dog", "bird"]}),
    Passage("b", "维兹拉犬会指示猎物", "", {"lang": "zh", "day": date(2024, 5, 1)}, "book"),
    Passage("c", "The pointer points.", "", {"good": True, "sizes": [1, 2.5]}),
    Passage("gone", "birds birds birds"),
    Passage("d", ""),
]
LAST = Passage("c", "The pointer points at birds.", "", {"good": False})


def main() -> None:
    """Two segments, the first with two dead rows."""
    assembly.load = toy  # type: ignore[assignment]  # takes a name alone
    collection = Collection.create(HERE, ENCODERS, rerankers=["judge=some/model"])
    collection.add([*FIRST, *(Passage(f"more-{number}", f"run {number}") for number in range(7))])
    collection.delete(["gone"])
    collection.update([LAST])
    collection.keep_pipeline("best", "rrf(bm25, toy, terms)")
    (HERE / "writer.lock").unlink()


if __name__ == "__main__":
    main()
