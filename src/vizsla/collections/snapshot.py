"""A snapshot: one state of a collection, frozen, with everything that searches it.

Positions are rows of its segments, one segment after another, dead ones included; what is dead is never found. Making
the next snapshot of a collection keeps what both have in common. Knows segments, bitmaps and stages. Refuses to know
how segments come to be, and which commit left them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from vizsla.collections.lexical_stage import LexicalStage
from vizsla.collections.live import LiveSegment, locate
from vizsla.collections.metadata import column
from vizsla.collections.metadata import where as language
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.metadata.stored_values import Texts
from vizsla.collections.model_stages import DenseStage, SparseStage
from vizsla.collections.placed import Placed
from vizsla.collections.recent import Recent
from vizsla.collections.segment import PARENT, Segment
from vizsla.collections.settings import CollectionSettings
from vizsla.core.hits import Positions
from vizsla.core.protocols import Passage, Reranker, Text
from vizsla.core.vectors import Bitmap
from vizsla.retrievers.pipeline import Pipeline, parse
from vizsla.retrievers.steps import WeightedScores
from vizsla.retrievers.tracing import Tracer
from vizsla.text.analyzer import Analyzer

DEFAULT = "default"
"""The pipeline that is searched where none is named, if the collection has one of this name."""

SearchStage: TypeAlias = LexicalStage | SparseStage | DenseStage
_BITMAPS, _PIPELINES = 16, 64
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """What searching needs besides segments.

    Attributes:
        settings: the collection's.
        schema: of its metadata.
        analyzer: of its settings.
        encoder: the model of a name, loaded when it is first asked for.
        reranker: the same for rerankers.
        pipelines: by name.
    """

    settings: CollectionSettings
    schema: Schema
    analyzer: Analyzer
    encoder: Callable[[str], Any]
    reranker: Callable[[str], Reranker]
    pipelines: Mapping[str, Pipeline] = field(default_factory=dict)


class Snapshot:
    """Passages as one commit left them; threads may share it.

    Args:
        segments: in order of positions.
        dead: of each, which rows are dead; None where none is.
        setup: what searching needs besides.
        before: an earlier snapshot of the same collection, whose counts and open segments are used again.

    Attributes:
        placed: the segments and where they stand, `placed.live` and `placed.size` among it.
        setup: as given.
    """

    def __init__(
        self,
        segments: Sequence[Segment],
        dead: Sequence[Bitmap | None],
        setup: Setup,
        before: "Snapshot | None" = None,
    ) -> None:
        known = {} if before is None else {one.segment.name: one for one in before.placed.segments}
        each = zip(segments, dead, strict=True)
        self.placed: Placed = Placed(tuple(LiveSegment.after(known, segment, rows) for segment, rows in each))
        self.setup = setup
        self._bitmaps = Recent[str, Bitmap](_BITMAPS)
        self._stages = Recent[str, SearchStage](len(setup.settings.encoders))
        self._asked = Recent[str | None, Tracer](_PIPELINES)
        self._retrievers = Recent[str, Tracer](_PIPELINES)

    def __len__(self) -> int:
        """How many passages are alive."""
        return sum(one.live for one in self.placed.segments)

    def texts(self, positions: Sequence[int] | Positions) -> list[Text]:
        """What is written at these positions: a text, or (title, text) where there is a title.

        Raises:
            ShapeError: a position that is not there.
        """
        return self._gather(positions, lambda segment, rows: segment.corpus.texts(rows))

    def ids(self, positions: Sequence[int] | Positions) -> list[str]:
        """The ids of these positions.

        Raises:
            ShapeError: a position that is not there.
        """
        return self._gather(positions, lambda segment, rows: segment.corpus.ids.many(rows))

    def passages(self, positions: Sequence[int] | Positions) -> list[Passage]:
        """The passages at these positions, as they were added.

        Raises:
            ShapeError: a position that is not there.
        """
        return self._gather(positions, lambda segment, rows: segment.passages(rows))

    def positions(self, ids: Sequence[str]) -> Positions:
        """Where ids live, -1 where none does: (m,) int64."""
        segments = self.placed.segments
        places, rows = locate([one.segment for one in segments], [one.dead for one in segments], ids)
        return np.where(places < 0, -1, self.placed.bases[places] + rows)

    def bitmap(self, where: str | None = None) -> Bitmap:
        """Which positions are alive and meet a condition on their metadata: (size,); remembered by the condition.

        Raises:
            SettingsError: a condition that cannot be read, or of a field that is not there.
        """
        return self.placed.live if where is None else self._bitmaps.get(where, lambda: self._met(where))

    def stage(self, name: str) -> SearchStage:
        """The search by one of the collection's encoders.

        Raises:
            SettingsError: the collection has none of this name.
        """
        return self._stages.get(name, lambda: self._made(name))

    def pipeline(self, wanted: str | Pipeline | None = None) -> Pipeline:
        """A pipeline by its name or its expression; else the collection's default.

        Where none is kept as that, it is all stages fused by the sum of their scores, each from 0 to 1 over its hits.

        Raises:
            SettingsError: an expression that cannot be read.
        """
        if isinstance(wanted, Pipeline):
            return wanted
        named = self.setup.pipelines.get(wanted or DEFAULT)
        if named is not None or wanted:
            return named or parse(str(wanted))
        first, *others = (Pipeline(one.name) for one in self.setup.settings.encoders)
        return Pipeline(WeightedScores((first, *others))) if others else first

    def retriever(self, pipeline: str | Pipeline | None = None) -> Tracer:
        """What searches by a pipeline, and can trace; its rerankers are loaded.

        Raises:
            SettingsError: a stage or a reranker that is not there, or an expression that cannot be read.
        """
        if isinstance(pipeline, Pipeline):
            return self._retrievers.get(str(pipeline), lambda: self._searching(pipeline))
        # Reading an expression takes longer than some searches.
        asked = None if pipeline is None else str(pipeline)
        return self._asked.get(asked, lambda: self.retriever(self.pipeline(asked)))

    def _searching(self, pipeline: Pipeline) -> Tracer:
        known = {one.name for one in self.setup.settings.encoders}
        stages = {name: self.stage(name) for name in known.intersection(pipeline.stages()) or known}
        rerankers = {name: self.setup.reranker(name) for name in pipeline.rerankers()}
        return pipeline.make(stages, rerankers, self, self._parents)

    def _met(self, where: str) -> Bitmap:
        """Which positions are alive and meet a condition: (size,)."""
        expression = language.parse(where, self.setup.schema)
        parts = [expression.evaluate(one.segment.metadata) for one in self.placed.segments]
        found: Bitmap = np.concatenate([np.zeros(0, np.bool_), *parts]) & self.placed.live
        found.flags.writeable = False
        return found

    def _made(self, name: str) -> SearchStage:
        setup = self.setup
        encoder = setup.settings.encoder(name)
        if encoder.kind == "lexical":
            return LexicalStage(name, self.placed, setup.analyzer, setup.settings.bm25)
        kind = SparseStage if encoder.kind == "sparse" else DenseStage
        return kind.over(name, self.placed, encoder.dim, lambda: setup.encoder(name))

    @cached_property
    def _parents(self) -> npt.NDArray[np.int64] | None:
        """The number of each position's parent: (size,), -1 where it has none; None where no passage has one."""
        if PARENT not in self.setup.schema.fields or not self.placed.segments:
            return None
        columns = [one.segment.metadata.columns.get(PARENT) for one in self.placed.segments]
        all_rows = [np.ones(len(one), np.bool_) for one in self.placed.segments]
        joined = column.joined(columns, all_rows)
        if joined is None or not isinstance(joined.values, Texts):
            return None
        parents = np.full(self.placed.size, -1, np.int64)
        parents[slice(None) if joined.rows is None else joined.rows] = joined.values.codes
        return parents

    def _gather(
        self, positions: Sequence[int] | Positions, read: Callable[[Segment, npt.NDArray[np.int64]], list[T]]
    ) -> list[T]:
        """What segments say of positions, in the order of these."""
        places, rows = self.placed.rows(positions)
        found: list[Any] = [None] * len(places)
        for place in sorted(set(places.tolist())):
            here = np.flatnonzero(places == place)
            for at, one in zip(here.tolist(), read(self.placed.segments[place].segment, rows[here]), strict=True):
                found[at] = one
        return found
