"""Results: a search's hits as what the outside knows, ids, texts and metadata, with the places the stages gave them.

Refuses to know how hits are found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vizsla.collections.snapshot import Snapshot
from vizsla.core.protocols import Stage, Trace
from vizsla.retrievers.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Result:
    """One passage of an answer.

    Attributes:
        id: the passage's.
        score: in the pipeline's last step.
        text: the passage's.
        title: of the whole it comes from; empty where there is none.
        metadata: by field.
        parent: the id of the whole it is a part of; empty where it is one.
        stages: the passage's rank, from 1, and score in each stage and step that had it, by name.
    """

    id: str
    score: float
    text: str
    title: str
    metadata: Mapping[str, object]
    parent: str
    stages: Mapping[str, tuple[int, float]]


def search(
    snapshot: Snapshot,
    queries: Sequence[str],
    k: int = 10,
    *,
    where: str | None = None,
    pipeline: str | Pipeline | None = None,
) -> list[list[Result]]:
    """The k best passages of each query, the best first; fewer where there are no more.

    Args:
        snapshot: what is searched.
        queries: what is asked.
        k: how many passages a query at most.
        where: a condition on metadata, as SQL writes it; None for all passages.
        pipeline: by name or as an expression; None for the collection's own.

    Raises:
        SettingsError: a pipeline or a condition that cannot be.
    """
    allowed = None if where is None else snapshot.bitmap(where)
    return collect(snapshot, snapshot.retriever(pipeline).trace(queries, k, allowed))


def collect(snapshot: Snapshot, trace: Trace) -> list[list[Result]]:
    """The results of a traced search, a list a query."""
    rows = range(len(trace.hits))
    found = [trace.hits.row(row) for row in rows]
    passages = iter(snapshot.passages([position for positions, _ in found for position in positions.tolist()]))
    made = []
    for row, (positions, scores) in zip(rows, found, strict=True):
        places = {stage.name: _places(stage, row) for stage in trace.stages}
        results = []
        for position, score in zip(positions.tolist(), scores.tolist(), strict=True):
            one = next(passages)
            stages = {name: held[position] for name, held in places.items() if position in held}
            results.append(Result(one.id, score, one.text, one.title, one.metadata, one.parent, stages))
        made.append(results)
    return made


def _places(stage: Stage, row: int) -> dict[int, tuple[int, float]]:
    """The rank and score of every position in a stage's hits of a query."""
    positions, scores = (part.tolist() for part in stage.hits.row(row))
    return {position: (rank, score) for rank, (position, score) in enumerate(zip(positions, scores, strict=True), 1)}
