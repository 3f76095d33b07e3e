"""The lexical encoder, and what it refuses to load."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError, DataError, ShapeError
from vizsla.encoders.lexical import LexicalEncoder, joined, to_rows
from vizsla.encoders.vocabulary import Vocabulary
from vizsla.kernels.postings import Counts
from vizsla.text.analyzer import Analyzer
from vizsla.text.packing import pack
from vizsla.text.settings import AnalyzerSettings

PLAIN = AnalyzerSettings(language="none", stop_words=())


def test_a_title_is_parted_by_a_line_end() -> None:
    assert (joined("text"), joined(("title", "text"))) == ("text", "title\ntext")


def test_counted_rows_are_renumbered_and_sorted() -> None:
    counts = Counts(np.array([2, 0, 1, 2], np.int32), np.array([5, 1, 7, 2], np.int32), np.array([3, 3, 4]))
    rows = to_rows(counts, np.array([1, -1, 0]), 4)
    assert rows.toarray().tolist() == [[5, 1, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0]]
    assert rows.has_sorted_indices


def test_the_constant_of_a_query_counts_repeated_terms() -> None:
    encoder = LexicalEncoder.fit(["a b", "b"], settings=PLAIN)
    assert encoder.constant(["a b", ""]).tolist() == [0, 0]


@pytest.mark.parametrize("frequency", [-1, 3, 2**62, -(2**62)])
def test_frequencies_that_cannot_be_are_refused(frequency: int) -> None:
    vocabulary, _ = Vocabulary.build(pack(["a"]), np.arange(1), np.array([frequency]))
    encoder = LexicalEncoder(Analyzer(PLAIN), vocabulary, 2)
    for encode in (encoder.encode_queries, encoder.constant):
        with pytest.raises(ArtifactError, match="frequencies that cannot be"):
            encode(["a"])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"passages": 2},
        {"passages": "2", "bm25": {}},
        {"passages": 2, "bm25": {"k2": 1}},
        {"passages": 2, "bm25": 1},
        {"passages": 2, "bm25": {"k1": -1}},
    ],
)
def test_settings_that_are_not_an_encoders_are_refused(tmp_path: Path, settings: dict[str, object]) -> None:
    LexicalEncoder.fit(["a", "b"], settings=PLAIN).save(tmp_path / "e")
    manifest = tmp_path / "e" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"settings": settings}))
    with pytest.raises(ArtifactError, match="not an encoder's"):
        LexicalEncoder.load(tmp_path / "e")


def test_one_string_is_not_taken_for_many_queries() -> None:
    with pytest.raises(ShapeError, match="sequence of queries"):
        LexicalEncoder.fit(["birds"]).encode_queries("birds")
    with pytest.raises(DataError, match="found NoneType None as query 1; wanted text"):
        LexicalEncoder.fit(["birds"]).encode_queries([None])  # type: ignore[list-item]


def test_an_encoder_crosses_to_another_process() -> None:
    encoder = LexicalEncoder.fit(["Vizslas point at birds", "dogs"])
    before = encoder.encode_queries(["birds and dogs"])
    after = copy.deepcopy(encoder).encode_queries(["birds and dogs"])  # as pickling does, without a pickle
    assert (before != after).nnz == 0
    assert before.nnz == 2


def test_terms_are_remembered_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = LexicalEncoder.fit(["Vizslas point at birds", "dogs"])
    wanted = [encoder.encode_queries([query]).toarray().tolist() for query in ("birds", "dogs and cats", "point dogs")]
    monkeypatch.setattr("vizsla.encoders.lexical._REMEMBERED", 1)
    for _ in range(2):
        found = [
            encoder.encode_queries([query]).toarray().tolist() for query in ("birds", "dogs and cats", "point dogs")
        ]
        assert found == wanted
