"""Explaining: why a passage stands where it does in the answer to a query, or does not.

The whole pipeline is searched once, as deep as its last step looks; every stage that searches is asked for the
passage alone, and where it lies deeper than the pipeline takes, how deep. Knows pipelines and snapshots. Refuses to
know how stages score.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from vizsla.collections.explanation import Explanation, Move, Rival, StagePlace
from vizsla.collections.metadata import where as language
from vizsla.collections.model_stages import DenseStage
from vizsla.collections.snapshot import Snapshot
from vizsla.core import vectors
from vizsla.core.hits import Hits
from vizsla.core.protocols import Stage
from vizsla.core.vectors import Bitmap
from vizsla.data.problems import shown
from vizsla.retrievers.pipeline import Pipeline
from vizsla.retrievers.steps import MinScore, Parents, Rerank, Step, Top

DEEPEST = 10_000
"""How many hits of a stage are looked through for a passage's rank."""
_RIVALS = 10


@dataclass(frozen=True)
class Question:
    """What is to be explained.

    Attributes:
        query: as it is asked.
        id: the passage's.
        k: how many hits the answer has.
        where: a condition on metadata; None for none.
        pipeline: by name or as an expression; None for the collection's own.
    """

    query: str
    id: str
    k: int = 10
    where: str | None = None
    pipeline: str | Pipeline | None = None


def explain(snapshot: Snapshot, question: Question) -> Explanation:
    """Why a passage is in the answer to a query, or is not.

    Raises:
        SettingsError: a pipeline or a condition that cannot be.
        ShapeError: a k that cannot be.
    """
    vectors.check_depth(question.k)
    pipeline = snapshot.pipeline(question.pipeline)
    made = Explanation(question.query, question.id, str(pipeline), question.k)
    position = int(snapshot.positions([question.id])[0])
    allowed = None if question.where is None else snapshot.bitmap(question.where)
    if position < 0:
        return replace(made, reasons=(_absent(snapshot, question.id),))
    if allowed is not None and not allowed[position]:
        told = _Search(snapshot, question, pipeline, position, None).told(made)
        return replace(told, reasons=tuple(_filtered(snapshot, str(question.where), position)), rivals=())
    return _Search(snapshot, question, pipeline, position, allowed).told(made)


def _absent(snapshot: Snapshot, id_: str) -> str:
    held = any(one.segment.corpus.ids.positions([id_])[0] >= 0 for one in snapshot.placed.segments)
    return "it was deleted" if held else "no passage has this id, or it was deleted and its rows are gone"


def _filtered(snapshot: Snapshot, where: str, position: int) -> Iterator[str]:
    """Which parts of the condition a passage does not meet, and what it says instead."""
    (place,), (row,) = (part.tolist() for part in snapshot.placed.rows([position]))
    metadata = snapshot.placed.segments[place].segment.metadata
    said = metadata.row(row)
    for part in language.parse(where, snapshot.setup.schema).parts():
        if not part.evaluate(metadata)[row]:
            fields = [f"{name} = {_plain(value)}" for name, value in said.items() if name in part.fields]
            yield f"the filter leaves it out: {part.text}, and it has {', '.join(fields) or 'no value there'}"


def _plain(value: object) -> str:
    return str(value) if isinstance(value, int | float) else shown(value)


class _Search:
    """One traced search, gone through step by step for one passage."""

    def __init__(
        self, snapshot: Snapshot, question: Question, pipeline: Pipeline, position: int, allowed: Bitmap | None
    ) -> None:
        self._snapshot, self._question, self._pipeline = snapshot, question, pipeline
        self._position, self._allowed = position, allowed
        self._stages: list[StagePlace] = []
        self._moves: list[Move] = []

    def told(self, made: Explanation) -> Explanation:
        """The explanation with what the search shows."""
        trace = self._snapshot.retriever(self._pipeline).trace([self._question.query], self._wide, self._allowed)
        self._walk(self._pipeline, iter(trace.stages))
        rank, score = _find(trace.hits, self._position)
        reasons = () if rank is not None and rank <= made.k else tuple(self._reasons(rank))
        first = trace.hits.top(min(made.k if rank is None else rank - 1, made.k, _RIVALS))
        positions, scores = first.row(0)
        rivals = [Rival(*one) for one in zip(self._snapshot.ids(positions), scores.tolist(), strict=True)]
        return replace(
            made,
            rank=rank,
            score=score,
            reasons=reasons,
            stages=tuple(self._stages),
            moves=tuple(self._moves),
            rivals=tuple(rivals),
        )

    @cached_property
    def _wide(self) -> int:
        """How deep the pipeline can be searched without a hit of the answer being another for it."""
        k = min(self._question.k, max(len(self._snapshot), 1))
        for step in reversed(self._pipeline.steps):
            if isinstance(step, Rerank | Parents):
                return max(k, step.depth)
            if isinstance(step, Top):
                return k
        source = self._pipeline.source
        return k if isinstance(source, str) else max(k, source.depth)

    def _walk(self, pipeline: Pipeline, stages: Iterator[Stage]) -> int | None:
        """Go through a pipeline's stages in the order of its trace; returns the passage's rank at its end."""
        if isinstance(pipeline.source, str):
            rank = self._searched(next(stages))
        else:
            ranks = [self._walk(base, stages) for base in pipeline.source.bases]
            each = zip(ranks, pipeline.source.weights, strict=True)
            before = min((one for one, weight in each if one is not None and weight > 0), default=None)
            rank = self._moved(Pipeline(pipeline.source), next(stages), before)
        for step in pipeline.steps:
            stage, before = next(stages), rank
            rank, score = _find(stage.hits, self._position)
            reason = "" if rank is not None or before is None else _lost(step, before, stage.hits)
            self._moves.append(Move(str(step), before, rank, score, stage.note, reason))
        return rank

    def _searched(self, stage: Stage) -> int | None:
        """Note a stage that searches; returns the passage's rank among the hits that the pipeline takes."""
        name, depth = stage.name, stage.hits.positions.shape[1]
        rank, score = _find(stage.hits, self._position)
        looked, search = depth, self._snapshot.stage(name)
        if rank is None:
            alone = np.zeros(self._snapshot.placed.size, np.bool_)
            alone[self._position] = True
            score = _find(search.search([self._question.query], 1, alone), self._position)[1]
        if rank is None and score is not None:
            looked = max(depth, min(DEEPEST, self._snapshot.placed.size))
            rank = _find(search.search([self._question.query], looked, self._allowed), self._position)[0]
        terms = () if isinstance(search, DenseStage) else search.contributions(self._question.query, self._position)
        self._stages.append(StagePlace(name, depth, rank, score, looked, terms))
        return rank if rank is not None and rank <= depth else None

    def _moved(self, fusing: Pipeline, stage: Stage, before: int | None) -> int | None:
        """Note a fusion; where it was asked for fewer hits than it has, the rank among all that it has."""
        rank, score = _find(stage.hits, self._position)
        depth = stage.hits.positions.shape[1]
        most = depth if isinstance(fusing.source, str) else max(depth, fusing.source.depth)
        if rank is None and before is not None and not fusing.rerankers():
            deeper = self._snapshot.retriever(fusing).search([self._question.query], most, self._allowed)
            rank, score = _find(deeper, self._position)
        lost, reason = before is not None and (rank is None or rank > depth), ""
        if lost:
            place = f"rank {rank:,}" if rank is not None else f"a rank beyond {most:,}"
            reason = f"{fusing} gave it {place}, and the first {depth:,} were taken"
        self._moves.append(Move(str(fusing), before, rank, score, stage.note, reason))
        return None if lost else rank

    def _reasons(self, rank: int | None) -> Iterator[str]:
        """Why the passage is not in the answer."""
        if rank is not None:
            yield f"{rank - 1:,} passages rank before it, and the answer has {self._question.k:,}"
            return
        lost = [move.reason for move in self._moves if move.reason]
        if lost:
            yield lost[-1]
            return
        yield from (stage.reason for stage in self._stages if stage.reason)


def _find(hits: Hits, position: int) -> tuple[int | None, float | None]:
    """The rank and score of a position among the hits of one query."""
    positions, scores = hits.row(0)
    at = np.flatnonzero(positions == position)
    return (int(at[0]) + 1, float(scores[at[0]])) if len(at) else (None, None)


def _lost(step: Step, before: int, after: Hits) -> str:
    """Why a step lost a passage that stood before it at this rank."""
    count = int(after.counts()[0])
    if isinstance(step, Rerank):
        return f"{step} reads the first {step.depth:,}, and it had rank {before:,}"
    if isinstance(step, MinScore):
        return f"{step} drops it: it scored less at rank {before:,}"
    if isinstance(step, Parents):
        return f"{step} gives each parent's best passage, and it is not its parent's, or its parent is not in reach"
    return f"{step} keeps the first {count:,}, and it had rank {before:,}"
