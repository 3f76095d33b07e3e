from pathlib import Path

import pytest

from vizsla.collections.collection import Collection
from vizsla.collections.segment import Segment
from vizsla.core.errors import ArtifactError


@pytest.mark.parametrize("meanwhile", [True, False])
def test_what_is_missing_is_a_fault_unless_a_writer_took_it_away(
    collection: Collection, folder: Path, monkeypatch: pytest.MonkeyPatch, *, meanwhile: bool
) -> None:
    verify, looked = Segment.verify, list[str]()

    def disturbed(segment: Segment) -> int:
        looked.append(segment.name)
        if len(looked) == 1:
            if meanwhile:
                Collection.open(folder).delete(["a"])
            raise ArtifactError("found nothing")
        return verify(segment)

    monkeypatch.setattr(Segment, "verify", disturbed)
    if meanwhile:
        assert collection.verify() > 0
        assert len(looked) == 2
    else:
        with pytest.raises(ArtifactError, match="found nothing"):
            collection.verify()
