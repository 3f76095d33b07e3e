"""Explanations: why a passage is in an answer, and at which place, or why it is not.

Plain values and their form as lines of text; refuses to know how they were found out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_TERMS = 12


@dataclass(frozen=True, slots=True)
class TermPart:
    """What one term of a query adds to a passage's score.

    Attributes:
        term: the analyzer's term, or the model's token.
        part: what it adds.
        weight: what it weighs in the query.
        value: how often the passage holds it, or its weight there; 0 where it does not.
        passages: how many live passages hold it; None where that does not count.
    """

    term: str
    part: float
    weight: float
    value: float
    passages: int | None = None


@dataclass(frozen=True, slots=True)
class StagePlace:
    """Where a passage stands in a stage that searches.

    Attributes:
        name: the stage's.
        depth: how many hits the pipeline takes from it.
        rank: the passage's, from 1; None where it is not among those looked at.
        score: None where the stage cannot find it: it shares no term with the query.
        looked: how many hits were looked at for the rank.
        terms: what the score is made of; empty for dense stages.
    """

    name: str
    depth: int
    rank: int | None
    score: float | None
    looked: int
    terms: tuple[TermPart, ...] = ()

    @property
    def reason(self) -> str:
        """Why the pipeline does not get the passage from this stage; empty where it does."""
        if self.score is None:
            return f"{self.name} does not find it: it shares no term with the query"
        if self.rank is None:
            return f"{self.name} takes the first {self.depth:,}, and it is not among the first {self.looked:,}"
        return f"{self.name} takes the first {self.depth:,}, and it has rank {self.rank:,}" * (self.rank > self.depth)


@dataclass(frozen=True, slots=True)
class Move:
    """What fusing or another step did to a passage's place.

    Attributes:
        name: the step, as the pipeline spells it.
        before: its rank, the best of all bases' where they are fused; None where it was gone.
        after: its rank; None where the step lost it.
        score: after the step.
        note: what the step says of itself.
        reason: why it was lost; empty where it was not.
    """

    name: str
    before: int | None
    after: int | None
    score: float | None
    note: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rival:
    """A passage that ranks before the one asked for.

    Attributes:
        id: its own.
        score: in the last step.
    """

    id: str
    score: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a passage is in the answer to a query, or is not.

    Attributes:
        query: as it was asked.
        id: the passage's.
        pipeline: what searched.
        k: how many hits were asked for.
        rank: in the last step, from 1; None where it is not there.
        score: in the last step.
        reasons: why it is not in the answer; none where it is.
        stages: its place in each stage that searches, as if no filter were set where the filter leaves it out.
        moves: what fusing and further steps did, in their order.
        rivals: the hits that rank before it, the first first.
    """

    query: str
    id: str
    pipeline: str
    k: int
    rank: int | None = None
    score: float | None = None
    reasons: tuple[str, ...] = ()
    stages: tuple[StagePlace, ...] = ()
    moves: tuple[Move, ...] = ()
    rivals: tuple[Rival, ...] = ()

    @property
    def found(self) -> bool:
        """Whether it is in the answer."""
        return not self.reasons

    def lines(self) -> list[str]:
        """The explanation for a person to read."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.found:
            yield f"'{self.id}' is hit {self.rank} of {self.k} for '{self.query}' by {self.pipeline}"
        else:
            yield f"'{self.id}' is not among the {self.k} hits for '{self.query}' by {self.pipeline}"
        yield from (f"  because {reason}" for reason in self.reasons)
        for stage in self.stages:
            yield f"{stage.name}: {_place(stage.rank, stage.score, stage.looked)}"
            for term in stage.terms[:_TERMS]:
                yield f"  {term.part:8.4f}  {_term(term)}"
            if len(stage.terms) > _TERMS:
                yield f"  and {len(stage.terms) - _TERMS} more terms"
        for move in self.moves:
            score = "" if move.score is None else f", score {move.score:.4f}"
            note = f" ({move.note})" if move.note else ""
            yield f"{move.name}: rank {_rank(move.before)} -> {_rank(move.after)}{score}{note}"
        if not self.found and self.rivals:
            yield f"before it: {', '.join(f'{one.id} ({one.score:.4f})' for one in self.rivals)}"


def _place(rank: int | None, score: float | None, looked: int) -> str:
    if score is None:
        return "not found"
    return f"rank {rank:,}, score {score:.4f}" if rank else f"beyond rank {looked:,}, score {score:.4f}"


def _rank(rank: int | None) -> str:
    return "none" if rank is None else f"{rank:,}"


def _term(term: TermPart) -> str:
    held = "" if term.passages is None else f", in {term.passages:,} passages"
    return f"{term.term}: weight {term.weight:.4f}, here {term.value:g}{held}"
