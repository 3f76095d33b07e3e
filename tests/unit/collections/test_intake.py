import pytest

from vizsla.collections import intake
from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage


def test_a_batch_holds_so_many_passages_or_so_large_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "BATCH_PASSAGES", 3)
    monkeypatch.setattr(intake, "BATCH_BYTES", 100)
    texts = ["x", "x", "x", "x", "x" * 100, "x" * 60, "x" * 60, "x"]
    made = list(intake.batches({"id": str(at), "text": text} for at, text in enumerate(texts)))
    assert [[one.id for one in batch] for batch in made] == [["0", "1", "2"], ["3", "4"], ["5", "6"], ["7"]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Passage("", "text"), "passage 1: found an empty id"),
        ({"id": "b"}, "passage 1: found no text"),
        ({"id": "b", "text": "x", "year": 2024}, "passage 1: found the key 'year'"),
        ({"id": 7, "text": "x"}, "passage 1: found id = '7' (int); wanted a text"),
        ({"id": "b", "text": "x", "metadata": ["year"]}, "passage 1: found metadata of type list"),
        ("text", "passage 1: found str; wanted a Passage, or a dict"),
    ],
)
def test_what_is_no_passage_is_refused_with_its_place(given: intake.Given, said: str) -> None:
    with pytest.raises(DataError) as refused:
        list(intake.batches([Passage("a", "text"), given]))
    assert str(refused.value).startswith(said)
