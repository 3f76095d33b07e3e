"""A collection in memory that changes, its segments in a folder: what snapshots are held against."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from vizsla.collections import merging, segment
from vizsla.collections.metadata.schema import Schema
from vizsla.collections.segment import Making, Rows, Segment
from vizsla.collections.settings import CollectionSettings, EncoderSettings, mixed
from vizsla.collections.snapshot import Setup, Snapshot
from vizsla.core.protocols import Passage, Text
from vizsla.core.vectors import Bitmap, Dense, Scores, Sparse, sparse_from_rows
from vizsla.encoders.lexical import joined
from vizsla.retrievers.pipeline import Pipeline, parse
from vizsla.text.analyzer import Analyzer
from vizsla.text.settings import AnalyzerSettings

DIM = 16
SETTINGS = CollectionSettings(
    (
        EncoderSettings("bm25", "lexical"),
        EncoderSettings("splade", "sparse", "made", DIM),
        EncoderSettings("mini", "dense", "made", DIM),
    ),
    mixed(AnalyzerSettings(stop_words=())),
)


def tokens(text: str) -> list[int]:
    return [sum(word.encode()) % DIM for word in re.findall(r"\w+", text.lower())]


class Sparser:
    """A token weighs the root of how often it occurs."""

    dim = DIM

    def encode_passages(self, passages: Sequence[Text]) -> Sparse:
        counted = [tokens(joined(passage)) for passage in passages]
        return sparse_from_rows([{one: row.count(one) ** 0.5 for one in row} for row in counted], dim=DIM)

    def encode_queries(self, texts: Sequence[str]) -> Sparse:
        return self.encode_passages(texts)

    def top_terms(self, rows: Sparse, k: int = 10) -> list[list[tuple[str, float]]]:
        found = []
        for row in csr_array(rows).toarray().tolist():
            order = sorted(range(DIM), key=lambda column: (-row[column], column))
            found.append([(f"t{column}", row[column]) for column in order if row[column]][:k])
        return found


class Denser:
    """A text's counts of tokens less their mean."""

    dim = DIM

    def encode_passages(self, passages: Sequence[Text]) -> Dense:
        counts = [np.bincount(tokens(joined(passage)), minlength=DIM) for passage in passages]
        rows = np.array(counts, np.float32).reshape(-1, DIM)
        return np.ascontiguousarray(rows - rows.mean(axis=1, keepdims=True))

    def encode_queries(self, texts: Sequence[str]) -> Dense:
        return self.encode_passages(texts)


class Lengths:
    """A reranker: shorter passages are better."""

    def score(self, pairs: Sequence[tuple[str, Text]]) -> Scores:
        return np.array([-len(joined(text)) for _, text in pairs], np.float32)


MODELS: dict[str, Any] = {"splade": Sparser(), "mini": Denser()}


@dataclass
class Changing:
    """Passages as a plain list, and segments that were made of them, changed together.

    Attributes:
        folder: of the segments.
        passages: what is alive, in order of positions.
        segments: each with its dead rows.
        schema: of the metadata so far.
        pipelines: named ones.
        settings: the collection's.
    """

    folder: Path
    passages: list[Passage] = field(default_factory=list)
    segments: list[tuple[Segment, Bitmap]] = field(default_factory=list)
    schema: Schema = field(default_factory=Schema)
    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    settings: CollectionSettings = SETTINGS
    made: int = 0

    @property
    def making(self) -> Making:
        """What segments are made with."""
        return Making(self.settings, self.schema, Analyzer(self.settings.analyzer))

    def put(self, passages: Sequence[Passage]) -> None:
        """Add passages, or replace those of the same ids."""
        last = {one.id: one for one in passages}
        self.delete(list(last))
        self.schema, rows = segment.read_metadata(list(last.values()), self.schema)
        texts: list[Text] = [(one.title, one.text) if one.title else one.text for one in last.values()]
        vectors: Mapping[str, Any] = {name: model.encode_passages(texts) for name, model in MODELS.items()}
        place = self._place()
        segment.write(place, Rows(list(last.values()), rows, vectors), self.making)
        self.segments.append((Segment.load(place, self.settings, self.schema), np.zeros(len(last), np.bool_)))
        self.passages += last.values()

    def delete(self, ids: Sequence[str]) -> None:
        """Passages of these ids are no more."""
        self.passages = [one for one in self.passages if one.id not in ids]
        changed = []
        for one, dead in self.segments:
            rows = one.corpus.ids.positions(ids)
            now = dead.copy()
            now[rows[rows >= 0]] = True
            changed.append((one, now))
        self.segments = changed

    def merge(self, first: int, last: int) -> None:
        """Make one of the segments `first` to `last`."""
        some = self.segments[first:last]
        place, kept = self._place(), [~dead for _, dead in some]
        if any(mask.any() for mask in kept):
            rows = merging.merge([one for one, _ in some], kept, place, self.making)
            one = Segment.load(place, self.settings, self.schema)
            self.segments[first:last] = [(one, np.zeros(rows, np.bool_))]
        else:
            self.segments[first:last] = []

    def snapshot(self, before: Snapshot | None = None) -> Snapshot:
        """What is alive now."""
        made = self.making
        setup = Setup(
            made.settings, made.schema, made.analyzer, MODELS.__getitem__, lambda _: Lengths(), self.pipelines
        )
        return Snapshot([one for one, _ in self.segments], [_or_none(dead) for _, dead in self.segments], setup, before)

    def fresh(self, folder: Path) -> Snapshot:
        """A snapshot of the same passages in one new segment."""
        other = Changing(folder, schema=self.schema, pipelines=self.pipelines, settings=self.settings)
        if self.passages:
            other.put(self.passages)
        return other.snapshot()

    def _place(self) -> Path:
        self.made += 1
        return self.folder / f"s{self.made}"


def _or_none(dead: Bitmap) -> Bitmap | None:
    return dead if dead.any() else None


def changing(folder: Path, texts: Sequence[str], *, batch: int = 4, pipeline: str = "") -> Changing:
    """Passages p0, p1, ... in segments of so many."""
    made = Changing(folder, pipelines={"default": parse(pipeline)} if pipeline else {})
    passages = [Passage(f"p{i}", text) for i, text in enumerate(texts)]
    for begin in range(0, len(texts), batch):
        made.put(passages[begin : begin + batch])
    return made
