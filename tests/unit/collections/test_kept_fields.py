"""Kinds of fields that are said before the first value."""

from datetime import date

import pytest

from vizsla.collections.collection import Collection
from vizsla.core.errors import DataError, SettingsError


def test_a_kind_is_said_before_the_first_value(collection: Collection) -> None:
    collection.keep_fields({"published": "date", "tags": "texts"})
    collection.add([{"id": "c", "text": "t", "metadata": {"published": "2024-05-01", "tags": []}}])
    found = Collection.open(collection.folder).get("c")
    assert found is not None
    assert found.metadata == {"published": date(2024, 5, 1), "tags": []}
    assert [one.id for one in collection.search("t", where="published > '2024-04-30'")] == ["c"]
    with pytest.raises(DataError, match="'published' is of the kind date"):
        collection.add([{"id": "d", "text": "t", "metadata": {"published": "soon"}}])


def test_a_field_keeps_its_kind(collection: Collection) -> None:
    collection.keep_fields({"year": "number"})
    with pytest.raises(SettingsError, match="the field 'year' as text, while the collection holds it as number"):
        collection.keep_fields({"new": "date", "year": "text"})
    with pytest.raises(SettingsError, match="did you mean 'date'"):
        collection.keep_fields({"new": "dat"})  # type: ignore[dict-item]
    assert "new" not in collection.info().fields
