"""Tokenizers by their JSON: the same object while few are made, the same tokens once it is parsed again."""

from pathlib import Path

import pytest

from vizsla.models import parsed
from vizsla.models.vocabulary import from_vocabulary

VOCABULARY = Path(__file__).parent / "fixtures/tokens/vocab.txt"
TEXTS = ["", "桥 x ℃", "[SEP] 深圳 [MASK]", "a" * 130, "é\u200b"]


@pytest.fixture(autouse=True)
def _none_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsed, "_KEPT", {})


def test_one_object_serves_whoever_reads_it_next() -> None:
    made = from_vocabulary(VOCABULARY, {}, symbols=True).json
    first = parsed.opened(made)
    assert parsed.opened(made) is first
    parsed._KEPT.clear()
    second = parsed.opened(made)
    assert second is not first
    assert second.to_str() == first.to_str() == made
    for text in TEXTS:
        assert second.encode(text).ids == first.encode(text).ids


def test_only_the_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsed, "_MOST", 2)
    made = [from_vocabulary(VOCABULARY, {"do_lower_case": lower}, symbols=symbols).json
            for lower, symbols in ((True, True), (False, True), (False, False))]  # fmt: skip
    assert list(parsed._KEPT) == made[1:]
    parsed.opened(made[0])
    assert list(parsed._KEPT) == [made[2], made[0]]
