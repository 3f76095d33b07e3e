"""Reranking a run: its first candidates in a reranker's order.

Knows the reranker's door, and that a run names passages whose texts stand elsewhere. Refuses to know where.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from vizsla.core.hits import rank
from vizsla.core.protocols import Reranker, Text
from vizsla.core.vectors import check_depth
from vizsla.data.problems import Problems
from vizsla.data.runs import Run

_PAIRS = 512
_Candidates = tuple[str, list[str]]


def rerank_run(
    reranker: Reranker,
    run: Run,
    queries: Mapping[str, str],
    passages: Mapping[str, Text],
    *,
    k: int,
    problems: Problems | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Run:
    """Score the first k passages of each query anew, and order them by that; what stood behind them is left out.

    Of equal scores the one that stood higher before stays higher.

    Args:
        reranker: scores a query and a passage.
        run: what a first stage returned.
        queries: query id to text.
        passages: passage id to text; only those of the first k are asked for.
        k: how many candidates a query.
        problems: where queries and passages without a text are counted.
        on_progress: called with the number of queries done since the last call.

    Returns:
        A run of the same name and queries, those without a text left out.

    Raises:
        DataError: a text is missing and problems are strict.
        ShapeError: a score that is NaN, or a depth that is none.
    """
    check_depth(k)
    problems = problems or Problems()
    rankings: dict[str, list[tuple[str, float]]] = {}
    for block in _blocks(_texted(run, queries, passages, k, problems)):
        pairs = [(queries[query], passages[id_]) for query, ids in block for id_ in ids]
        scores = np.asarray(reranker.score(pairs), np.float32)
        begin = 0
        for query, ids in block:
            rankings[query] = _ranked(ids, scores[begin : begin + len(ids)])
            begin += len(ids)
        if on_progress is not None:
            on_progress(len(block))
    return Run(run.name, rankings)


def _texted(
    run: Run, queries: Mapping[str, str], passages: Mapping[str, Text], k: int, problems: Problems
) -> Iterator[_Candidates]:
    """Each query's candidates that have a text."""
    for query, hits in run.rankings.items():
        if query not in queries:
            problems.note("unknown_text", f"run {run.name}", query)
            continue
        ids = [id_ for id_, _ in hits[:k]]
        for id_ in ids:
            if id_ not in passages:
                problems.note("unknown_text", f"run {run.name}, query {query}", id_)
        yield query, [id_ for id_ in ids if id_ in passages]


def _blocks(candidates: Iterator[_Candidates]) -> Iterator[list[_Candidates]]:
    """Queries of some hundred pairs together, so that pairs of like length can be run at once."""
    block: list[_Candidates] = []
    for one in candidates:
        block.append(one)
        if sum(len(ids) for _, ids in block) >= _PAIRS:
            yield block
            block = []
    if block:
        yield block


def _ranked(ids: list[str], scores: np.ndarray[tuple[int], np.dtype[np.float32]]) -> list[tuple[str, float]]:
    places, best = rank(np.arange(len(ids)), scores, max(1, len(ids)))
    return [(ids[place], score) for place, score in zip(places.tolist(), best.tolist(), strict=True)]
