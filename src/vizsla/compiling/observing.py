"""What a model does on a judged sample: its vectors, its scores, and the ranking of every query.

An encoder ranks every passage of the sample exactly; a reranker ranks each query's candidates. Knows encoders and
rerankers. Refuses to know which of two is better.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from vizsla.collections.frozen import FrozenCollection
from vizsla.compiling.compiled import Runner
from vizsla.compiling.judged_sample import JudgedSample
from vizsla.core.hits import rank
from vizsla.core.protocols import Passage
from vizsla.core.vectors import Dense, Scores, Sparse
from vizsla.data.runs import Run
from vizsla.rerankers.cross_encoder import CrossEncoder

DEPTH = 10
_CANDIDATES = 20
_PART = 512
Tell: TypeAlias = Callable[[int, int], None]


def _silent(*_: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A model's outputs on a sample.

    Attributes:
        rows: vectors of the queries, then of the passages; empty for a reranker.
        positions: (queries, candidates) int64, positions in the sample's passages, -1 behind the last.
        scores: (queries, candidates) float32.
    """

    rows: tuple[Dense | Sparse, ...]
    positions: npt.NDArray[np.int64]
    scores: Scores

    def top(self) -> list[npt.NDArray[np.int64]]:
        """The positions of each query's first hits, in order."""
        return [rank(*row, DEPTH)[0] for row in zip(self.positions, self.scores, strict=True)]

    def run(self, sample: JudgedSample, name: str) -> Run:
        """The rankings under outside ids."""
        queries = sample.judgements.queries
        made = {query: [(sample.ids[one], 0.0) for one in top] for query, top in zip(queries, self.top(), strict=True)}
        return Run(name, made)


def observe(
    model: Runner, sample: JudgedSample, candidates: npt.NDArray[np.int64] | None, tell: Tell = _silent
) -> Observed:
    """Run a model on a sample.

    Args:
        model: an encoder or a reranker.
        sample: what to run it on.
        candidates: `candidates_of` the sample, for a reranker.
        tell: called with how many passages or pairs are done, and of how many.
    """
    queries = list(sample.judgements.queries.values())
    if isinstance(model, CrossEncoder):
        assert candidates is not None
        return _reranked(model, queries, sample, candidates, tell)
    left, right = model.encode_queries(queries), _in_parts(model.encode_passages, sample.texts, tell)
    products = left @ right.T
    scores = products.toarray() if isinstance(products, csr_array) else np.asarray(products)
    positions = np.broadcast_to(np.arange(len(sample.ids)), scores.shape)
    return Observed((left, right), positions, scores.astype(np.float32, copy=False))


def candidates_of(sample: JudgedSample) -> npt.NDArray[np.int64]:
    """What a reranker is given: BM25's first 20 of the sample and every judged passage of the query.

    Returns:
        (queries, most candidates), -1 behind the last.
    """
    passages = (Passage(id_, *_apart(text)) for id_, text in zip(sample.ids, sample.texts, strict=True))
    with tempfile.TemporaryDirectory(prefix="vizsla-") as folder:
        built = FrozenCollection.build(passages, Path(folder) / "index")
        hits = built.retriever.search(list(sample.judgements.queries.values()), min(_CANDIDATES, len(sample.ids)))
    places = {id_: place for place, id_ in enumerate(sample.ids)}
    rows = []
    for number, judged in enumerate(sample.judgements.grades.values()):
        rows.append(dict.fromkeys([*(places[id_] for id_ in judged if id_ in places), *hits.row(number)[0].tolist()]))
    made = np.full((len(rows), max(map(len, rows), default=0)), -1, np.int64)
    for number, row in enumerate(rows):
        made[number, : len(row)] = list(row)
    return made


def _in_parts(run: Callable[[Sequence[Any]], Any], texts: Sequence[Any], tell: Tell) -> Any:
    """What a model makes of texts, telling how far it is: the same bits as at once."""
    made = []
    for start in range(0, len(texts), _PART):
        tell(start, len(texts))
        made.append(run(texts[start : start + _PART]))
    tell(len(texts), len(texts))
    return vstack(made, format="csr") if made and isinstance(made[0], csr_array) else np.concatenate(made)


def _apart(text: str | tuple[str, str]) -> tuple[str, str]:
    return (text, "") if isinstance(text, str) else (text[1], text[0])


def _reranked(
    model: CrossEncoder, queries: list[str], sample: JudgedSample, candidates: npt.NDArray[np.int64], tell: Tell
) -> Observed:
    real = candidates >= 0
    asked, places = np.nonzero(real)[0].tolist(), candidates[real].tolist()
    pairs = [(queries[query], sample.texts[place]) for query, place in zip(asked, places, strict=True)]
    scores = np.full(candidates.shape, -np.inf, np.float32)
    scores[real] = _in_parts(model.score, pairs, tell)
    return Observed((), candidates, scores)
