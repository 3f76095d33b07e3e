from tests.integration import collection_model as model

from vizsla.collections.collection import Collection
from vizsla.core.protocols import Passage


def test_vectors_are_copied_from_the_same_text_alone(collection: Collection) -> None:
    collection.update([Passage("c", "another text"), Passage("d", "vizslas point")], alike=lambda _: "a")
    held = {one.id: one for one in collection.export()}
    assert list(held) == ["a", "b", "c", "d"]
    model.check(collection, held)
