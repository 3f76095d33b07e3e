"""Contracts: a digest that changes with every number, and a message that says in what."""

from dataclasses import replace

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError, IncompatibleError
from vizsla.models.contract import Contract, contract, digest
from vizsla.models.description import Description, Head

from . import oracle

D = oracle.description("bert", Head("vector", ("mean",)))


def of(queries: Description, passages: Description | None = None, **use: str) -> Contract:
    passages = passages or queries
    return contract(queries, passages, {"queries": digest(queries), "passages": digest(passages)}, use=use)


def altered(name: str) -> Description:
    weights = {key: np.array(values) for key, values in D.weights.items()}
    weights[name].reshape(-1)[-1] += np.float32(1e-3)
    return replace(D, weights=weights)


OTHERS = {
    "weights": altered("layers.1.down.weight"),
    "the last bias": altered("layers.1.norm.bias"),
    "eps": replace(D, architecture=replace(D.architecture, layer_norm_eps=1e-5)),
    "pooling": replace(D, head=replace(D.head, pooling=("cls",))),
    "normalize": replace(D, head=replace(D.head, normalize=True)),
    "query prompt": replace(D, layout=replace(D.layout, query_prompt="query: ")),
    "passage prompt": replace(D, layout=replace(D.layout, passage_prompt="passage: ")),
    "length": replace(D, layout=replace(D.layout, query_length=9)),
    "titles": replace(D, layout=replace(D.layout, titles="segment")),
    "tokenizer": replace(D, tokens=replace(D.tokens, sep=4)),
    "score": replace(D, score="cosine"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_every_part_changes_the_id(what: str) -> None:
    assert of(OTHERS[what]).id != of(D).id


def test_use_changes_the_id() -> None:
    assert len({of(D).id, of(D, dim="8").id, of(D, dim="4").id}) == 3


def test_names_and_the_form_of_files_do_not() -> None:
    turned = {key: np.asfortranarray(values) for key, values in D.weights.items()}
    other = replace(D, name="elsewhere", weights=turned, layout=replace(D.layout, name="its name"))
    assert of(other).id == of(D).id


def test_either_tower_counts() -> None:
    other = OTHERS["weights"]
    assert len({one.id for one in (of(D), of(D, other), of(other, D), of(other))}) == 4


def test_a_reranker_has_one_side() -> None:
    reranker = replace(oracle.description("bert", Head("score")), score="logit")
    assert {name.partition(".")[0] for name in of(reranker).parts} == {"score", "pairs"}
    assert of(reranker).score == "logit"


def test_what_differs_is_said() -> None:
    of(D).check(of(D))
    with pytest.raises(
        IncompatibleError, match=r"the index .* differ in queries\.layout: '.*query_length=9.*' against"
    ):
        of(D).check(of(OTHERS["length"]), what="the index")


def test_a_contract_is_read_again() -> None:
    made = of(D)
    stored = {"id": made.id, "parts": dict(made.parts)}
    assert Contract.read(stored, where="here") == made
    assert made.words.startswith("passages.head: kind='vector', pooling=('mean',); ")


@pytest.mark.parametrize(
    "stored", [None, {}, {"id": "x", "parts": {"score": 1}}, {"id": "x", "parts": {"score": "dot"}}]
)
def test_what_is_no_contract_is_refused(stored: object) -> None:
    with pytest.raises(ArtifactError, match="here: found"):
        Contract.read(stored, where="here")
