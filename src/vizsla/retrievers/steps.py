"""Steps: what a pipeline is made of, as values that can be compared, written, stored and made.

Knows each step's settings, its canonical spelling and its wrapper. Refuses to know how pipelines are
read (`vizsla.retrievers.syntax`) and stored (`vizsla.retrievers.pipeline`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import SettingsError
from vizsla.core.protocols import Passages, Reranker, Retriever
from vizsla.core.settings import nearest
from vizsla.retrievers import aggregated, fused, fusion, reranked
from vizsla.retrievers.aggregated import Aggregated, check_aggregation
from vizsla.retrievers.fused import Fused
from vizsla.retrievers.reranked import Reranked, check_reranking
from vizsla.retrievers.shortened import Shortened
from vizsla.retrievers.spelling import check_name, spell_call, spell_name, spell_number, spell_options
from vizsla.retrievers.thresholded import Thresholded
from vizsla.retrievers.tracing import Named, Tracer

MOST_STEPS = 32
MOST_NESTED = 8
MOST_BASES = 64
DEEPEST = 100_000
"""As deep as a pipeline may search: it may come from a request."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kit:
    """What pipelines are made from.

    Attributes:
        stages: retrievers by name.
        rerankers: by name.
        passages: positions to texts, for rerankers.
        parents: (n,) int64, each position's parent; None where passages have none.
    """

    stages: Mapping[str, Retriever]
    rerankers: Mapping[str, Reranker]
    passages: Passages
    parents: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class Rerank:
    """`rerank(minilm, depth=30)`: the first candidates in a reranker's order (see `Reranked`)."""

    word: ClassVar[str] = "rerank"
    reranker: str
    depth: int = reranked.DEPTH
    budget_ms: float | None = None
    tail: reranked.Tail = "keep"

    def __post_init__(self) -> None:
        check_name(self.reranker, "reranker")
        check_reranking(self.depth, self.budget_ms, self.tail)
        _check_depth(self.depth)

    def __str__(self) -> str:
        options = spell_options(self, "depth", "budget_ms", "tail")
        return spell_call(self.word, [spell_name(self.reranker, RESERVED)], options)

    def wrap(self, base: Tracer, kit: Kit) -> Tracer:
        """The step over what stands before it."""
        reranker = _among(kit.rerankers, self.reranker, "reranker")
        return Reranked(base, reranker, kit.passages, self.depth, self.budget_ms, self.tail, str(self))


@dataclass(frozen=True, slots=True)
class Top:
    """`top(10)`: never more than so many hits."""

    word: ClassVar[str] = "top"
    k: int

    def __post_init__(self) -> None:
        _check_depth(self.k)

    def __str__(self) -> str:
        return spell_call(self.word, [spell_number(self.k)])

    def wrap(self, base: Tracer, kit: Kit) -> Tracer:  # noqa: ARG002  # every step is wrapped alike
        """The step over what stands before it."""
        return Shortened(base, self.k, str(self))


@dataclass(frozen=True, slots=True)
class MinScore:
    """`min_score(0.5)`: only hits that score at least so much, on the scale of the step before."""

    word: ClassVar[str] = "min_score"
    score: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.score):
            raise SettingsError(f"found the least score {self.score}; wanted a finite number")

    def __str__(self) -> str:
        return spell_call(self.word, [spell_number(self.score)])

    def wrap(self, base: Tracer, kit: Kit) -> Tracer:  # noqa: ARG002  # every step is wrapped alike
        """The step over what stands before it."""
        return Thresholded(base, self.score, str(self))


@dataclass(frozen=True, slots=True)
class Parents:
    """`parents(max)`: one hit a parent, its best passage (see `Aggregated`)."""

    word: ClassVar[str] = "parents"
    how: aggregated.How = "max"
    depth: int = aggregated.DEPTH

    def __post_init__(self) -> None:
        check_aggregation(self.how, self.depth)
        _check_depth(self.depth)

    def __str__(self) -> str:
        return spell_call(self.word, [self.how], spell_options(self, "depth"))

    def wrap(self, base: Tracer, kit: Kit) -> Tracer:
        """The step over what stands before it."""
        if kit.parents is None:
            raise SettingsError(f"found the step {self}; wanted passages with parents, and these have none")
        return Aggregated(base, kit.parents, self.how, self.depth, str(self))


@dataclass(frozen=True, slots=True)
class ReciprocalRanks:
    """`rrf(bm25, dense)`: what any base finds, by the reciprocals of its ranks (see `ReciprocalRank`)."""

    word: ClassVar[str] = "rrf"
    bases: "tuple[Pipeline, ...]"
    weights: tuple[float, ...] = ()
    k: int = 60
    depth: int = fused.DEPTH

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", _weights(self))

    def __str__(self) -> str:
        return spell_call(self.word, _weighed(self), spell_options(self, "k", "depth"))

    @property
    def rule(self) -> fusion.ReciprocalRank:
        """How hits are fused."""
        return fusion.ReciprocalRank(self.weights, self.k)


@dataclass(frozen=True, slots=True)
class WeightedScores:
    """`weighted(bm25=0.3, dense=0.7, norm=minmax)`: by the sum of its normalised scores (see `WeightedSum`)."""

    word: ClassVar[str] = "weighted"
    bases: "tuple[Pipeline, ...]"
    weights: tuple[float, ...] = ()
    norm: fusion.Norm = "minmax"
    depth: int = fused.DEPTH

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", _weights(self))

    def __str__(self) -> str:
        return spell_call(self.word, _weighed(self), spell_options(self, "norm", "depth"))

    @property
    def rule(self) -> fusion.WeightedSum:
        """How hits are fused."""
        return fusion.WeightedSum(self.weights, self.norm)


Step: TypeAlias = Rerank | Top | MinScore | Parents
Fusing: TypeAlias = ReciprocalRanks | WeightedScores
STEPS: tuple[type[Step], ...] = (Rerank, Top, MinScore, Parents)
FUSINGS: tuple[type[Fusing], ...] = (ReciprocalRanks, WeightedScores)
RESERVED = tuple(
    dict.fromkeys(
        [
            *(kind.word for kind in (*FUSINGS, *STEPS)),
            *(each.name for kind in (*FUSINGS, *STEPS) for each in fields(kind)),
        ]
    )
)
"""Words and options: a stage or a reranker of such a name stands in quotes."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A stage or a fusion of pipelines, and what is done to its hits step by step.

    `str` of it is its canonical expression, which reads back as the same pipeline.

    >>> str(Pipeline(ReciprocalRanks((Pipeline("bm25"), Pipeline("dense"))), (Rerank("minilm", depth=20), Top(10))))
    'rrf(bm25, dense) >> rerank(minilm, depth=20) >> top(10)'

    Attributes:
        source: the name of a stage, or a fusion.
        steps: in the order they are done.

    Raises:
        SettingsError: more than 32 steps, fusions more than 8 deep, a name that cannot be, or a least score
            after a reranker that keeps what it did not read.
    """

    source: str | Fusing
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.source, str):
            check_name(self.source, "stage")
        if len(self.steps) > MOST_STEPS or self.nested > MOST_NESTED:
            found = f"{len(self.steps)} steps and fusions {self.nested} deep"
            raise SettingsError(f"found a pipeline of {found}; wanted at most {MOST_STEPS} and {MOST_NESTED}")
        keeping: Rerank | None = None
        for step in self.steps:
            if isinstance(step, MinScore) and keeping is not None:
                why = "the scores of passages that a reranker kept without reading them say nothing"
                raise SettingsError(f"found {step} after {keeping}: {why}; wanted tail=cut in {keeping.word}")
            if isinstance(step, Rerank):
                keeping = step if step.tail == "keep" else None

    def __str__(self) -> str:
        first = spell_name(self.source, RESERVED) if isinstance(self.source, str) else str(self.source)
        return " >> ".join([first, *map(str, self.steps)])

    @property
    def nested(self) -> int:
        """How deep fusions stand in each other: 0 for a stage."""
        return 0 if isinstance(self.source, str) else 1 + max(base.nested for base in self.source.bases)

    def stages(self) -> tuple[str, ...]:
        """The names of the stages it searches, each once, in order."""
        if isinstance(self.source, str):
            return (self.source,)
        return tuple(dict.fromkeys(name for base in self.source.bases for name in base.stages()))

    def rerankers(self) -> tuple[str, ...]:
        """The names of the rerankers it asks, each once, in order."""
        inner = () if isinstance(self.source, str) else self.source.bases
        own = [step.reranker for step in self.steps if isinstance(step, Rerank)]
        return tuple(dict.fromkeys([*(name for base in inner for name in base.rerankers()), *own]))

    def make(
        self,
        stages: Mapping[str, Retriever],
        rerankers: Mapping[str, Reranker],
        passages: Passages,
        parents: npt.NDArray[np.int64] | None = None,
    ) -> Tracer:
        """The retriever it describes, which can also trace: its stages bear their steps' spellings.

        Args:
            stages: retrievers by name.
            rerankers: by name.
            passages: positions to texts, for rerankers.
            parents: (n,) int64, the number of each position's parent, for `parents`.

        Raises:
            SettingsError: a stage or a reranker that is not there (the nearest is named), or parents that are not.
        """
        return self._made(Kit(stages, rerankers, passages, parents))

    def _made(self, kit: Kit) -> Tracer:
        made: Tracer
        if isinstance(self.source, str):
            made = Named(_among(kit.stages, self.source, "stage"), self.source)
        else:
            bases = tuple(base._made(kit) for base in self.source.bases)  # noqa: SLF001  # its own kind
            made = Fused(bases, self.source.rule, self.source.depth, str(self.source))
        for step in self.steps:
            made = step.wrap(made, kit)
        return made


def _weights(fusing: Fusing) -> tuple[float, ...]:
    """One weight a base, and a look at the rest.

    Raises:
        SettingsError: no bases or more than 64, another number of weights, or settings that cannot be.
    """
    count = len(fusing.bases)
    if not 1 <= count <= MOST_BASES:
        raise SettingsError(f"found {count} pipelines to fuse by {fusing.word}; wanted 1 to {MOST_BASES}")
    _check_depth(fusing.depth)
    return tuple(map(float, fusion.weights_of(fusing.rule, count)))


def _weighed(fusing: Fusing) -> list[str]:
    """The bases as they are written, with their weights where these are not 1."""
    bases = []
    for base, weight in zip(fusing.bases, fusing.weights, strict=True):
        plain = str(base)
        heavy = f"({plain})" if base.steps else plain
        bases.append(plain if weight == 1 else f"{heavy}={spell_number(weight)}")
    return bases


def _check_depth(depth: int) -> None:
    if not 1 <= depth <= DEEPEST:
        raise SettingsError(f"found a depth of {depth} in a pipeline; wanted 1 to {DEEPEST:,}")


def _among(known: Mapping[str, T], name: str, what: str) -> T:
    if name not in known:
        hint = nearest(name, known) if known else f"there are no {what}s here"
        raise SettingsError(f"found the unknown {what} '{name}' in a pipeline; {hint}")
    return known[name]
