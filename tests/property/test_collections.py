"""A collection against a plain dict, over all its operations: ids, order, texts, and what is found."""

import random
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule
from tests.integration import collection_model as model

from vizsla.collections.collection import Collection
from vizsla.core.protocols import Passage

QUERIES = ["vizsla points", "维兹拉犬 dogs", "birds birds run", "nothing here"]
PIPELINES = ["bm25", "terms", "toy", "rrf(bm25, toy, terms)"]
CLOSE = 1e-6

ids = st.sampled_from("abcdefgh")
texts = st.lists(st.sampled_from(model.WORDS), max_size=6).map(" ".join)
metadata = st.fixed_dictionaries(
    {}, optional={"year": st.integers(0, 3), "lang": st.sampled_from(["zh", "en"]), "tags": st.lists(st.just("x"))}
)
passages = st.builds(Passage, ids, texts, st.sampled_from(["", "title"]), metadata, st.sampled_from(["", "book"]))


class Changing(RuleBasedStateMachine):
    """Every operation, on the collection and on the dict."""

    old = Bundle("old")

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("vizsla.assembly.load", model.toy)
        self.home = Path(tempfile.mkdtemp())
        self.collection = Collection.create(self.home / "c", model.ENCODERS)
        self.reader = Collection.open(self.home / "c")
        self.held: model.Model = {}
        self.fresh = 0

    def teardown(self) -> None:
        self.compare()
        self.patch.undo()
        shutil.rmtree(self.home)

    def change(self, what: model.Change) -> None:
        model.change(self.collection, what)
        self.held = model.applied(self.held, what)

    @rule(given=st.lists(passages, max_size=4, unique_by=lambda one: one.id))
    def add(self, given: list[Passage]) -> None:
        self.change(("add", [self.held.get(one.id, one) for one in given]))

    @rule(given=st.lists(passages, max_size=5))
    def update(self, given: list[Passage]) -> None:
        self.change(("update", given))

    @precondition(lambda self: self.held)
    @rule(said=metadata, draw=st.randoms(use_true_random=False))
    def update_metadata(self, said: dict[str, object], draw: random.Random) -> None:
        one = self.held[draw.choice(sorted(self.held))]
        self.change(("update", [Passage(one.id, one.text, one.title, said, one.parent)]))

    @rule(given=st.lists(ids, max_size=4))
    def delete(self, given: list[str]) -> None:
        there = len(set(given) & self.held.keys())
        counts = self.collection.delete(given)
        assert (counts.deleted, counts.absent) == (there, len(set(given)) - there)
        self.held = model.applied(self.held, ("delete", given))

    @rule()
    def compact(self) -> None:
        self.change(("compact", []))
        assert len(self.collection.info().segments) == bool(self.held)
        assert not self.collection.info().dead

    @rule()
    def reopen(self) -> None:
        self.collection = Collection.open(self.home / "c")

    @rule()
    def compare(self) -> None:
        """All hits, as ids, are those of a collection that was made of the same passages at once."""
        self.fresh += 1
        other = Collection.create(self.home / f"f{self.fresh}", model.ENCODERS)
        other.add(self.held.values())
        for pipeline in PIPELINES:
            for k in (1, 3, 20):
                found, wanted = (one.search(QUERIES, k, pipeline=pipeline) for one in (self.collection, other))
                for row, others in zip(found, wanted, strict=True):
                    assert [one.id for one in row] == [one.id for one in others], pipeline
                    scores, expected = ([one.score for one in each] for each in (row, others))
                    assert np.allclose(scores, expected, rtol=0, atol=CLOSE), pipeline
        if self.collection.info().fields.get("year"):
            found = self.collection.search(QUERIES, 20, where="year >= 2", pipeline="bm25")
            assert all(self.held[one.id].metadata["year"] >= 2 for row in found for one in row)  # type: ignore[operator]

    @rule(target=old)
    def keep_a_snapshot(self) -> tuple[object, list[object], model.Model]:
        snapshot = self.reader.snapshot()
        return snapshot, self.found(snapshot), self.held

    @rule(kept=old)
    def an_old_snapshot_is_as_it_was(self, kept: tuple[object, list[object], model.Model]) -> None:
        snapshot, found, held = kept
        assert self.found(snapshot) == found
        positions = snapshot.positions(list("abcdefgh"))  # type: ignore[attr-defined]
        assert {id_ for id_, place in zip("abcdefgh", positions, strict=True) if place >= 0} == held.keys()

    @staticmethod
    def found(snapshot: object) -> list[object]:
        hits = snapshot.retriever("rrf(bm25, toy)").search(QUERIES, 5)  # type: ignore[attr-defined]
        return [hits.positions.tolist(), hits.scores.tolist()]

    @invariant()
    def both_hold_the_same(self) -> None:
        for one in (self.collection, self.reader):
            assert list(one.export()) == list(self.held.values())
            assert [one.get(id_) for id_ in "abcdefgh"] == [self.held.get(id_) for id_ in "abcdefgh"]
            assert len(one) == len(self.held)

    @rule()
    def verify(self) -> None:
        model.check(self.collection, self.held)


class ChangingLong(Changing):
    """The same, for longer."""


STEPS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
TestChanging = Changing.TestCase
TestChanging.settings = settings(max_examples=8, stateful_step_count=12, **STEPS)  # type: ignore[arg-type]
TestChangingLong = pytest.mark.slow(ChangingLong.TestCase)
TestChangingLong.settings = settings(max_examples=150, stateful_step_count=30, **STEPS)  # type: ignore[arg-type]
