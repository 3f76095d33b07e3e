"""Results: a search's hits as what the outside knows, ids, texts and metadata, with the places the stages gave them.

Refuses to know how hits are found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vizsla.collections.snapshot import Snapshot
from vizsla.core import vectors
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
        ShapeError: a k that cannot be.
    """
    allowed = None if where is None else snapshot.bitmap(where)
    depth = min(vectors.check_depth(k), max(len(snapshot), 1))  # hits take room for as many as are asked for
    return collect(snapshot, snapshot.retriever(pipeline).trace(queries, depth, allowed))


def collect(snapshot: Snapshot, trace: Trace) -> list[list[Result]]:
    """The results of a traced search, a list a query."""
    hits = trace.hits
    passages = iter(snapshot.passages(hits.positions[hits.positions >= 0]))
    made = []
    for row in range(len(hits)):
        positions, scores = (part.tolist() for part in hits.row(row))
        places = _places(trace.stages, row, positions)
        told = zip(positions, scores, passages)  # noqa: B905 - there are more passages, those of further rows
        made.append(
            [
                Result(one.id, score, one.text, one.title, one.metadata, one.parent, places[at])
                for at, score, one in told
            ]
        )
    return made


def _places(stages: Sequence[Stage], row: int, wanted: Sequence[int]) -> dict[int, dict[str, tuple[int, float]]]:
    """Of the wanted positions, the rank and score in a query's hits of each stage; of one name, the last stage's."""
    places: dict[int, dict[str, tuple[int, float]]] = {position: {} for position in wanted}
    for name, hits in {stage.name: stage.hits for stage in stages}.items():
        positions, scores = (part.tolist() for part in hits.row(row))
        for rank, (position, score) in enumerate(zip(positions, scores, strict=True), 1):
            if position in places:
                places[position][name] = (rank, score)
    return places
