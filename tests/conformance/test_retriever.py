"""The retriever's door: every retriever against a sum over all passages, with every bitmap and depth."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from vizsla.collections.frozen import FrozenCollection, IndexSettings
from vizsla.collections.settings import CollectionSettings, EncoderSettings
from vizsla.core.errors import ShapeError
from vizsla.core.hits import Floats, Hits
from vizsla.core.protocols import Passage, Retriever, Text
from vizsla.encoders.lexical import LexicalEncoder
from vizsla.indexes.inverted import InvertedIndex
from vizsla.retrievers.aggregated import Aggregated
from vizsla.retrievers.cached import Cached
from vizsla.retrievers.first_stage import FirstStage
from vizsla.retrievers.fused import Fused
from vizsla.retrievers.fusion import Doubles
from vizsla.retrievers.pipeline import parse
from vizsla.retrievers.reranked import Reranked
from vizsla.retrievers.restricted import Restricted
from vizsla.retrievers.shortened import Shortened
from vizsla.retrievers.thresholded import Thresholded
from vizsla.retrievers.tracing import Named
from vizsla.text.settings import AnalyzerSettings

from ..unit.collections.changing import Changing  # noqa: TID252

PLAIN = AnalyzerSettings(language="english", stop_words=())
TEXTS = [f"{'run ' * (i % 4)}{'jump ' * (i % 3)}{'swim' if i % 5 else ''} 维兹{'拉' * (i % 2)} w{i}" for i in range(40)]
QUERIES = ["running", "jumps swims", "维兹拉", "w7 w8 w7", "nobody", "", "run run swim 维"]
Make = Callable[[Path], Retriever]


def first_stage(_: Path) -> Retriever:
    encoder = LexicalEncoder.fit(TEXTS, settings=PLAIN)
    return FirstStage(encoder, InvertedIndex.build(encoder.encode_passages(TEXTS), encoder.weighting))


def stored(folder: Path) -> FrozenCollection:
    passages = [Passage(f"p{i}", text) for i, text in enumerate(TEXTS)]
    return FrozenCollection.build(passages, folder / "c", IndexSettings(analyzer=PLAIN))


def changed(folder: Path) -> Retriever:
    """A collection of many segments."""
    settings = CollectionSettings((EncoderSettings("bm25", "lexical"),), PLAIN.resolved(()))
    made = Changing(folder, settings=settings)
    for begin in range(0, len(TEXTS), 9):
        made.put([Passage(f"p{i}", TEXTS[i]) for i in range(begin, min(begin + 9, len(TEXTS)))])
    return made.snapshot().retriever("bm25")


class Numbered:
    """Every passage's text is its position, for rerankers that know the passages."""

    def texts(self, positions: Sequence[int] | npt.NDArray[np.int64]) -> list[Text]:
        return [str(position) for position in positions]


class Oracular:
    """A reranker that scores as the first stage does."""

    def score(self, pairs: Sequence[tuple[str, Text]]) -> Floats:
        known = {query: dict(zip(*oracle(query, len(TEXTS), [True] * len(TEXTS)), strict=True)) for query, _ in pairs}
        return np.array([known[query][int(str(text))] for query, text in pairs], np.float32)


class AsFound:
    """A rule under which the fusion of one retriever is that retriever."""

    weights = (1.0,)

    def worth(self, scores: Floats) -> tuple[Doubles, float]:
        return scores.astype(np.float64), 0.0


def piped(folder: Path) -> Retriever:
    pipeline = parse("bm25 >> top(100) >> rerank(oracle, depth=40) >> parents(max)")
    return pipeline.make({"bm25": first_stage(folder)}, {"oracle": Oracular()}, Numbered(), np.arange(len(TEXTS)))


RETRIEVERS: dict[str, Make] = {
    "first stage": first_stage,
    "of a collection": changed,
    "of a frozen collection": lambda folder: stored(folder).retriever,
    "parsed": lambda folder: stored(folder).searcher,
    "thresholded": lambda folder: Thresholded(first_stage(folder), 0.0),
    "named": lambda folder: Named(first_stage(folder), "bm25"),
    "restricted": lambda folder: Restricted(first_stage(folder), np.ones(len(TEXTS), np.bool_)),
    "shortened": lambda folder: Shortened(first_stage(folder), 100),
    "cached": lambda folder: Cached(first_stage(folder), 5),
    "cached, exact": lambda folder: Cached(first_stage(folder), 5, exact=True),
    "aggregated": lambda folder: Aggregated(first_stage(folder), np.full(len(TEXTS), -1), depth=1),
    "fused": lambda folder: Fused((first_stage(folder),), AsFound(), depth=1),
    "reranked": lambda folder: Reranked(first_stage(folder), Oracular(), Numbered(), len(TEXTS)),
    "pipeline": piped,
}


@pytest.fixture(params=RETRIEVERS)
def retriever(request: pytest.FixtureRequest, tmp_path: Path) -> Retriever:
    return RETRIEVERS[request.param](tmp_path)


def oracle(query: str, k: int, allowed: Sequence[bool]) -> tuple[list[int], list[float]]:
    encoder = LexicalEncoder.fit(TEXTS, settings=PLAIN)
    counts = encoder.encode_passages(TEXTS).toarray().astype(np.float64)
    lengths = counts.sum(axis=1)
    norms = (0.9 * (1 - 0.4 + 0.4 * lengths / lengths.mean())).astype(np.float32).astype(np.float64)
    sums = np.zeros(len(TEXTS))
    row = encoder.encode_queries([query])
    for column, weight in zip(row.indices, row.data.astype(np.float64), strict=True):
        sums += weight * (counts[:, column] / (counts[:, column] + norms))
    scores = sums.astype(np.float32).tolist()
    order = sorted((i for i in range(len(TEXTS)) if scores[i] and allowed[i]), key=lambda i: (-scores[i], i))[:k]
    return order, [scores[i] for i in order]


@pytest.mark.parametrize("k", [1, 3, 40, 100])
@pytest.mark.parametrize("some", [False, True])
def test_hits_are_the_oracles(retriever: Retriever, k: int, some: bool) -> None:  # noqa: FBT001
    allowed = np.array([i % 3 == 0 or not some for i in range(len(TEXTS))])
    hits = retriever.search(QUERIES, k, allowed if some else None)
    assert hits.positions.shape == (len(QUERIES), k)
    for row, query in enumerate(QUERIES):
        positions, scores = hits.row(row)
        assert (positions.tolist(), scores.tolist()) == oracle(query, k, allowed.tolist())
        one = retriever.search([query], k, allowed if some else None)
        assert one.positions.tolist() == [hits.positions[row].tolist()]
        assert one.scores.tolist() == [hits.scores[row].tolist()]


def test_the_edges(retriever: Retriever) -> None:
    assert retriever.search([], 3).positions.shape == (0, 3)
    none = retriever.search(QUERIES, 2, np.zeros(len(TEXTS), np.bool_))
    assert isinstance(none, Hits)
    assert none.counts().tolist() == [0] * len(QUERIES)
    with pytest.raises(ShapeError, match="k=0"):
        retriever.search(QUERIES, 0)
    with pytest.raises(ShapeError, match="bitmap"):
        retriever.search(QUERIES, 1, np.ones(3, np.bool_))
