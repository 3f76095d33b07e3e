"""Checkpoints that the original libraries wrote, and what those computed with them.

They stand in ../shared/fixtures; small copies of some stand in tests/unit/models/fixtures, so that the default run
checks these anywhere.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import vizsla
from vizsla.shims import modelscope, rocketqa

ROOT = Path(__file__).parents[2]
PLACES = (ROOT.parent / "shared/fixtures", ROOT / "tests/unit/models/fixtures")
ERNIE = "paddlenlp-ernie3"
PROBABILITY = 1e-6


def place(name: str) -> Path:
    for folder in PLACES:
        if (folder / name).exists():
            return folder / name
    pytest.skip(f"{name} is not in {PLACES[0]}, and no small copy stands in the tests")


def golden(name: str) -> dict[str, npt.NDArray[Any]]:
    with np.load(place(f"{name}/golden.npz")) as stored:
        return dict(stored)


def texts(language: str) -> dict[str, list[str]]:
    made: dict[str, list[str]] = json.loads(place(f"texts-{language}.json").read_text(encoding="utf-8"))
    return made


def same(found: Any, wanted: npt.NDArray[Any]) -> None:
    """1e-5, or that part of a larger number."""
    assert np.shape(found) == wanted.shape
    assert (np.abs(np.asarray(found, np.float64) - wanted) <= 1e-5 * np.maximum(1, np.abs(wanted))).all()


def ernie(layout: str, length: int) -> Any:
    folders = place(f"{ERNIE}/query"), place(f"{ERNIE}/para")
    return vizsla.load(queries=folders[0], passages=folders[1], layout=layout, max_length=length)


def test_ernie_queries_alone() -> None:
    encoder = vizsla.load(place(f"{ERNIE}/query"), layout="rocketqa", max_length=64)
    same(encoder.encode_queries(texts("zh")["queries"]), golden(ERNIE)["q_single"])


def test_ernie_queries_as_taskflow_feeds_them() -> None:
    encoder = vizsla.load(place(f"{ERNIE}/query"), layout="paddlenlp", max_length=64)
    same(encoder.encode_queries(texts("zh")["queries"]), golden(ERNIE)["q_taskflow"])


def test_ernie_passages_and_dot_products() -> None:
    encoder, zh, wanted = ernie("paddlenlp-early", 64), texts("zh"), golden(ERNIE)
    queries, passages = encoder.encode_queries(zh["queries"]), encoder.encode_passages(zh["passages"])
    same(passages, wanted["p_single"])
    same(encoder.similarity(queries, passages), wanted["dot"])
    assert (encoder.contract.score, encoder.dim) == ("dot", 52)


def test_ernie_passages_with_titles() -> None:
    zh = texts("zh")
    pairs = list(zip(zh["titles"], zh["passages"], strict=True))
    same(ernie("rocketqa", 48).encode_passages(pairs), golden(ERNIE)["p_pair"])


def test_the_rocketqa_names() -> None:
    zh, wanted = texts("zh"), golden(ERNIE)
    dual = rocketqa.load_model(place(f"{ERNIE}/query"), max_length=64)
    assert isinstance(dual, rocketqa.DualEncoder)
    same(list(dual.encode_query(query=zh["queries"])), wanted["q_single"])
    para = rocketqa.load_model(place(f"{ERNIE}/para"), max_length=48)
    assert isinstance(para, rocketqa.DualEncoder)
    same(list(para.encode_para(para=zh["passages"], title=zh["titles"])), wanted["p_pair"])


@pytest.mark.parametrize("length", [40, 41, 23])
def test_the_ernie_cross_encoder(length: int) -> None:
    zh = texts("zh")
    pairs = [(query, passage) for query in zh["queries"][:3] for passage in zh["passages"]]
    wanted = golden(ERNIE)[f"ce{length}"]
    reranker = vizsla.load(place(f"{ERNIE}/cross"), max_length=length)
    np.testing.assert_allclose(reranker.score(pairs), wanted, rtol=0, atol=PROBABILITY)
    assert reranker.contract.score == "probability"
    shim = rocketqa.load_model(place(f"{ERNIE}/cross"), max_length=length)
    found = list(shim.matching(query=[query for query, _ in pairs], para=[passage for _, passage in pairs]))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=PROBABILITY)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("nested_tuple.pdparams", {}),
        ("noprefix.pdparams", {}),
        ("plain_numpy_p4.pdparams", {}),
        ("dual_prefixed.pdparams", {}),
        ("resaved", {}),
    ],
)
def test_the_same_ernie_in_other_files(name: str, settings: dict[str, object]) -> None:
    path = place(f"{ERNIE}/{name}")
    bare = {} if path.is_dir() else {"heads": 2, "tokens": str(place(f"{ERNIE}/query/vocab.txt")), "head": "vector"}
    encoder = vizsla.load(path, layout="rocketqa", max_length=64, settings={**bare, **settings})
    same(encoder.encode_queries(texts("zh")["queries"]), golden(ERNIE)["q_single"])


def test_modelscope_sentence_embedding() -> None:
    name, zh = "modelscope-sentence-embedding", texts("zh")
    embed, wanted = modelscope.pipeline("sentence-embedding", place(name)), golden(name)
    query, passages = zh["queries"][:1], zh["passages"]
    both = embed({"source_sentence": query, "sentences_to_compare": passages})
    same(both["text_embedding"], wanted["emb"])
    same(both["scores"], wanted["scores"])
    long = embed({"source_sentence": query, "sentences_to_compare": [text * 6 for text in passages]})
    same(long["text_embedding"], wanted["emb_long"])
    same(long["scores"], wanted["scores_long"])
    alone = embed({"source_sentence": passages})
    same(alone["text_embedding"], wanted["emb2"])
    same(alone["scores"], wanted["emb2"][1:] @ wanted["emb2"][0])
    two = embed({"source_sentence": zh["queries"][:2], "sentences_to_compare": passages})
    same(two["text_embedding"], wanted["emb4"])
    same(two["scores"], wanted["scores4"])
    one = embed({"source_sentence": query})
    same(one["text_embedding"], wanted["emb5"])
    assert one["scores"] == []


def test_modelscope_passage_ranking() -> None:
    name, zh = "modelscope-passage-ranking", texts("zh")
    rank, wanted = modelscope.pipeline("text-ranking", place(name)), golden(name)
    for key, passages in (("scores", zh["passages"]), ("scores_long", [text * 6 for text in zh["passages"]])):
        found = rank({"source_sentence": zh["queries"][:1], "sentences_to_compare": passages})["scores"]
        np.testing.assert_allclose(found, wanted[key], rtol=0, atol=PROBABILITY)


def test_a_sentence_transformers_encoder() -> None:
    name, en, zh = "st5-bi-mean-norm", texts("en"), texts("zh")
    encoder, wanted = vizsla.load(place(name)), golden(name)
    queries = encoder.encode_queries(en["queries"])
    passages = encoder.encode_passages([*en["passages"], *zh["queries"], *zh["passages"]])
    same(queries, wanted["q"])
    same(passages, wanted["p"])
    same(encoder.similarity(queries, passages), wanted["sim"])
    same(queries @ passages.T, wanted["sim"])


def test_a_sentence_transformers_cross_encoder() -> None:
    name, en = "st5-cross-identity", texts("en")
    reranker = vizsla.load(place(name))
    same(reranker.score([(query, text) for query in en["queries"] for text in en["passages"]]), golden(name)["scores"])
    assert reranker.contract.score == "logit"
