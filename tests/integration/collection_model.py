"""What a collection should hold, as a plain dict; changes drawn at random; and a toy model for its vectors."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from vizsla.collections.collection import Collection
from vizsla.collections.parts import DensePart, LexicalPart, SparsePart
from vizsla.core.protocols import Passage, Text
from vizsla.core.vectors import Dense, Sparse
from vizsla.encoders.dense import DenseEncoder
from vizsla.models.contract import Contract

DIM = 4
ENCODERS = ("bm25", "toy=dense-toy", "terms=sparse-toy")
WORDS = ("vizsla", "points", "at", "birds", "dogs", "run", "维兹拉犬", "指示猎物", "über", "field")
Model = dict[str, Passage]
Change = tuple[str, list[Any]]
"""What is done, and to which passages or ids."""


class DenseToy(DenseEncoder):
    """Vectors that a text's digest says."""

    def __init__(self, meaning: str = "toy") -> None:
        self.dim = DIM
        self.meaning = meaning
        self.encoded = 0

    @property
    def contract(self) -> Contract:
        return Contract.of({"score": "dot", "toy": self.meaning})

    def encode_passages(self, passages: Sequence[Text]) -> Dense:
        self.encoded += len(passages)
        made = [
            np.frombuffer(hashlib.blake2b(repr(one).encode(), digest_size=DIM).digest(), np.uint8) for one in passages
        ]
        return np.array(made, np.float32).reshape(-1, DIM)

    def encode_queries(self, texts: Sequence[str]) -> Dense:
        return self.encode_passages(texts)


class SparseToy:
    """Two weights that a text's digest says."""

    dim = 50
    contract = Contract.of({"score": "dot", "toy": "sparse"})

    def encode_passages(self, passages: Sequence[Text]) -> Sparse:
        rows = np.zeros((len(passages), self.dim), np.float32)
        for row, one in enumerate(passages):
            first, second, weight = hashlib.blake2b(repr(one).encode(), digest_size=3).digest()
            rows[row, [first % 50, second % 50]] = (weight + 1) / 7
        return csr_array(rows)

    def encode_queries(self, texts: Sequence[str]) -> Sparse:
        return self.encode_passages(texts)


def toy(model: str) -> Any:
    """In place of `vizsla.assembly.load`."""
    return DenseToy() if model == "dense-toy" else SparseToy()


def applied(model: Mapping[str, Passage], change: Change) -> Model:
    """The model after a change: an update of another content moves to the end."""
    after = dict(model)
    what, given = change
    if what == "delete":
        for id_ in given:
            after.pop(id_, None)
    if what in ("add", "update"):
        last = {one.id: place for place, one in enumerate(given)}
        for place, one in enumerate(given):
            if last[one.id] == place and after.get(one.id) != one:
                after.pop(one.id, None)
                after[one.id] = one
    return after


def drawn(draw: random.Random, model: Mapping[str, Passage]) -> Change:
    """A change of a few passages, some of them known."""
    what = draw.choices(["add", "update", "delete", "compact"], [5, 4, 2, 1])[0]
    known = list(model)
    if what == "delete":
        return what, [draw.choice([*known, "absent"]) for _ in range(draw.randint(1, 4))]
    if what == "compact":
        return what, []
    given = []
    for _ in range(draw.randint(1, 5)):
        old = model[draw.choice(known)] if known and draw.random() < 0.5 else None
        if old and what == "add":
            given.append(old)
        elif old and draw.random() < 0.5:
            given.append(Passage(old.id, old.text, old.title, metadata(draw), old.parent))
        else:
            given.append(passage(draw, old.id if old else f"p{draw.randrange(1 << 30)}"))
    return what, given


def passage(draw: random.Random, id_: str) -> Passage:
    text = " ".join(draw.choices(WORDS, k=draw.randint(0, 12)))
    return Passage(id_, text, draw.choice(["", "a title"]), metadata(draw), draw.choice(["", "book"]))


def metadata(draw: random.Random) -> dict[str, object]:
    choices: dict[str, object] = {"year": draw.randrange(3), "lang": draw.choice(["zh", "en"]), "tags": ["a", "b"]}
    return {name: value for name, value in choices.items() if draw.random() < 0.5}


def change(collection: Collection, what: Change) -> None:
    name, given = what
    if name == "compact":
        collection.compact()
    else:
        getattr(collection, name)(given)


def check(collection: Collection, *possible: Model) -> Model:
    """That a collection is whole and holds one of the models, its vectors too; returns which."""
    collection.verify()
    held = list(collection.export())
    found = [model for model in possible if list(model.values()) == held]
    assert found, f"found {held}\nwanted one of {possible}"
    view = collection.views.latest()
    for segment, dead in zip(view.segments, view.dead, strict=True):
        alive = np.arange(len(segment)) if dead is None else np.flatnonzero(~dead)
        texts = segment.corpus.texts(alive)
        for name, part in segment.parts.items():
            if isinstance(part, DensePart):
                assert (part.index.vectors[alive] == DenseToy().encode_passages(texts)).all()
            elif isinstance(part, SparsePart):
                rows = SparseToy().encode_passages(texts)
                for place, row in enumerate(alive.tolist()):
                    assert dict(part.index.contents.vector(row)) == dict(
                        zip(rows[[place]].indices, rows[[place]].data, strict=True)
                    )
            else:
                assert isinstance(part, LexicalPart), name
    assert len(collection) == len(held)
    return found[0]


def to_plain(what: Change) -> list[Any]:
    """As JSON can hold it."""
    name, given = what
    return [
        name,
        [one if isinstance(one, str) else [one.id, one.text, one.title, one.metadata, one.parent] for one in given],
    ]


def from_plain(values: Any) -> Change:
    name, given = values
    return name, [one if isinstance(one, str) else Passage(*one) for one in given]
