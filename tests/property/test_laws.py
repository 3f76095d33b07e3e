"""The laws of the house that hold for a first stage, over generated passages and queries."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from vizsla.collections.frozen import FrozenCollection, IndexSettings
from vizsla.core.hits import Hits, merge
from vizsla.core.protocols import Passage
from vizsla.encoders.lexical import LexicalEncoder
from vizsla.indexes import inverted
from vizsla.indexes.inverted import InvertedIndex
from vizsla.indexes.weighting import TermFrequencies
from vizsla.retrievers.first_stage import FirstStage
from vizsla.text.settings import AnalyzerSettings

DIM = 6
Block = npt.NDArray[np.float32]
PLAIN = AnalyzerSettings(language="none", stop_words=())
WEIGHTS = st.sampled_from([0.0, 0.0, 0.1, 0.2, 0.3, 1.0, 1 / 3, 1e-8, 1e8]) | st.floats(0, 4, width=32)
WORDS = st.lists(st.sampled_from(["a", "b", "c", "dd", "维", "维兹", "拉"]), max_size=9).map(" ".join)


def blocks(most: int) -> st.SearchStrategy[Block]:
    rows = st.lists(st.lists(WEIGHTS, min_size=DIM, max_size=DIM), max_size=most)
    return rows.map(lambda made: np.array(made, np.float32).reshape(-1, DIM))


def same(one: Hits, other: Hits) -> None:
    np.testing.assert_array_equal(one.positions, other.positions)
    np.testing.assert_array_equal(one.scores.view(np.int32), other.scores.view(np.int32))


@contextmanager
def threads(count: int, worth: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIZSLA_THREADS", str(count))
        patch.setattr(inverted, "_WORTH_SPLITTING", worth)
        yield


@settings(max_examples=150, deadline=None)
@given(blocks(30), blocks(3), st.integers(1, 4), st.integers(1, 12))
def test_merging_shards_is_searching_the_whole(passages: Block, queries: Block, shards: int, k: int) -> None:
    whole = InvertedIndex.build(csr_array(passages)).search(csr_array(queries), k)
    edges = np.linspace(0, len(passages), shards + 1).astype(int).tolist()
    parts = []
    for begin, end in pairwise(edges):
        part = InvertedIndex.build(csr_array(passages[begin:end])).search(csr_array(queries), k)
        parts.append(Hits(np.where(part.positions < 0, -1, part.positions + begin), part.scores))
    same(merge(parts, k), whole)


@settings(max_examples=150, deadline=None)
@given(blocks(30), blocks(3), st.sampled_from([None, "tf"]), st.data())
def test_the_best_do_not_depend_on_how_many_are_asked_for(
    passages: Block, queries: Block, kind: str | None, data: st.DataObject
) -> None:
    weighting = TermFrequencies(0.9, 0.4) if kind else None
    passages = np.rint(passages).clip(0, 200) if kind else passages
    index, rows = InvertedIndex.build(csr_array(passages), weighting), csr_array(queries)
    j = data.draw(st.integers(1, 35))
    k = data.draw(st.integers(j, 40))
    best = index.search(rows, k)
    same(best.top(j), index.search(rows, j))
    singles = [index.search(rows[[row]], k) for row in range(len(queries))]
    if singles:
        same(Hits(np.vstack([h.positions for h in singles]), np.vstack([h.scores for h in singles])), best)
    for count, worth in ((1, 0), (2, 0), (3, 0), (2, 1 << 40)):
        with threads(count, worth):
            same(index.search(rows, k), best)
            for row in range(len(queries)):
                same(index.search(rows[[row]], k), singles[row])


@settings(max_examples=150, deadline=None)
@given(blocks(20), blocks(2), st.data())
def test_what_is_not_allowed_never_appears_and_hides_nothing(
    passages: Block, queries: Block, data: st.DataObject
) -> None:
    size = len(passages)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), np.bool_)
    index, rows = InvertedIndex.build(csr_array(passages)), csr_array(queries)
    everything, some = index.search(rows, size + 1), index.search(rows, size + 1, allowed)
    for row in range(len(queries)):
        positions, scores = everything.row(row)
        kept = allowed[positions]
        np.testing.assert_array_equal(some.row(row)[0], positions[kept])
        np.testing.assert_array_equal(some.row(row)[1], scores[kept])


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=12), st.lists(WORDS, max_size=3), st.integers(1, 15))
def test_hits_share_a_term_with_the_query(texts: list[str], queries: list[str], k: int) -> None:
    encoder = LexicalEncoder.fit(texts, settings=PLAIN)
    index = InvertedIndex.build(encoder.encode_passages(texts), encoder.weighting)
    hits = FirstStage(encoder, index).search(queries, k)
    for row, query in enumerate(queries):
        wanted = set(encoder.analyzer.terms(query))
        sharing = [i for i, text in enumerate(texts) if wanted & set(encoder.analyzer.terms(text))]
        assert set(hits.row(row)[0].tolist()) <= set(sharing)
        assert hits.counts()[row] == min(k, len(sharing))


@settings(max_examples=15, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8), st.lists(WORDS, min_size=1, max_size=3))
def test_a_stored_collection_is_the_index_in_memory(texts: list[str], queries: list[str]) -> None:
    encoder = LexicalEncoder.fit(texts, settings=PLAIN)
    index = InvertedIndex.build(encoder.encode_passages(texts), encoder.weighting)
    with TemporaryDirectory() as folder:
        passages = [Passage(str(i), text) for i, text in enumerate(texts)]
        stored = FrozenCollection.build(passages, Path(folder) / "c", IndexSettings(analyzer=PLAIN))
        same(stored.retriever.search(queries, 5), FirstStage(encoder, index).search(queries, 5))
