"""The cross-encoder: order, windows, and the names that others use."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import vizsla
from vizsla.core.errors import DataError, SettingsError
from vizsla.models.description import Towers
from vizsla.models.finding import Use
from vizsla.models.reading import read
from vizsla.rerankers.cross_encoder import CrossEncoder

FOLDER = Path(__file__).parents[1] / "models/fixtures/st5-cross-identity"
QUERY = "what is a bridge?"
PASSAGES = ["a bridge is 18 km", "x", "city of London", "a bridge is 18 km", ""]
WORDS = ["city", "has", "and", "open", "the", "file", "of", "what", "a", "bridge", "is", "18"]


@pytest.fixture(scope="module")
def reranker() -> CrossEncoder:
    made = vizsla.load(FOLDER)
    assert isinstance(made, CrossEncoder)
    return made


def test_scores_stand_in_the_pairs_order(reranker: CrossEncoder) -> None:
    pairs = [(QUERY, passage) for passage in PASSAGES]
    scores = reranker.score(pairs)
    assert scores.shape == (5,)
    assert scores.dtype == np.float32
    assert [reranker.score([pair])[0] for pair in pairs] == scores.tolist()
    assert scores[0] == scores[3] != scores[1]
    assert reranker.predict(pairs).tolist() == scores.tolist()
    assert reranker.score([]).shape == (0,)


def test_a_title_stands_before_its_text(reranker: CrossEncoder) -> None:
    assert reranker.score([(QUERY, ("city", "of London"))]) == reranker.score([(QUERY, "city of London")])


def test_ranking(reranker: CrossEncoder) -> None:
    ranked = reranker.rank(QUERY, PASSAGES)
    scores = reranker.score([(QUERY, passage) for passage in PASSAGES])
    assert [one["score"] for one in ranked] == sorted(scores.tolist(), reverse=True)
    assert [scores[int(one["corpus_id"])] for one in ranked] == [one["score"] for one in ranked]
    places = [one["corpus_id"] for one in ranked]
    assert places.index(0) < places.index(3)
    assert reranker.rank(QUERY, PASSAGES, top_k=2) == ranked[:2]


def test_the_best_window_scores_a_long_passage(reranker: CrossEncoder) -> None:
    windowed = vizsla.load(FOLDER, settings={"windows": "max"}, max_length=48)
    words = (WORDS * 9)[:100]
    room = 48 - 3 - 5  # the query has five tokens
    starts = [0, 30, 60]
    wanted = reranker.score([(QUERY, " ".join(words[start : start + room])) for start in starts]).max()
    found = windowed.score([(QUERY, "x"), (QUERY, " ".join(words)), (QUERY, "city of London")])
    assert found[1] == wanted
    assert found[[0, 2]].tolist() == reranker.score([(QUERY, "x"), (QUERY, "city of London")]).tolist()
    assert windowed.truncated.cut == 0
    assert windowed.contract.id != reranker.contract.id


def test_windows_of_tokens_with_no_separator_between() -> None:
    own = read(FOLDER, max_length=48).passages
    own = replace(own, layout=replace(own.layout, titles="tokens"))
    plain, windowed = (CrossEncoder.of(Towers(own, own), Use(windows=name)) for name in ("first", "max"))
    words, room = (WORDS * 9)[:80], 48 - 3 - 5
    wanted = plain.score([(QUERY, " ".join(words[start : start + room])) for start in (0, 20, 40)]).max()
    assert windowed.score([(QUERY, " ".join(words))])[0] == wanted
    assert windowed.score([(QUERY, "")]) == plain.score([(QUERY, "")])


def test_what_is_cut_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    reranker = vizsla.load(FOLDER, max_length=48)
    with caplog.at_level(logging.WARNING, "vizsla"):
        reranker.score([(QUERY, "a " * 50), (QUERY, "a")])
    assert (reranker.truncated.texts, reranker.truncated.cut, reranker.truncated.tokens) == (2, 1, 50 + 5 + 3 - 48)
    assert "1 of 2 pairs were longer than 48 tokens" in caplog.text


def test_logits_and_probabilities(reranker: CrossEncoder) -> None:
    assert reranker.contract.score == "logit"
    sigmoid = vizsla.load(FOLDER, settings={"head.activation": "sigmoid", "score": "probability"})
    logits = reranker.score([(QUERY, passage) for passage in PASSAGES])
    np.testing.assert_allclose(
        sigmoid.score([(QUERY, passage) for passage in PASSAGES]), 1 / (1 + np.exp(-logits)), atol=1e-6
    )
    assert sigmoid.contract.score == "probability"
    assert (reranker.precision, reranker.runtime) == ("fp32", "OnnxRuntime")


def test_what_a_reranker_has_not(reranker: CrossEncoder) -> None:
    with pytest.raises(SettingsError, match="dim=8"):
        vizsla.load(FOLDER, settings={"dim": 8})
    with pytest.raises(SettingsError, match="reads query and passage together"):
        vizsla.load(queries=FOLDER, passages=FOLDER / "model.safetensors")
    with pytest.raises(DataError, match="pair 0"):
        reranker.score([QUERY])  # type: ignore[list-item]
    with pytest.raises(DataError, match="pair 1"):
        vizsla.load(FOLDER, settings={"windows": "max"}).score([(QUERY, "x"), (QUERY, "x", "y")])


@pytest.mark.parametrize("settings", [{"score": "probability"}, {"activation": "sigmoid", "score": "logit"}])
def test_a_score_is_called_what_its_activation_makes_it(settings: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="set the activation, it says the score"):
        vizsla.load(FOLDER, settings=settings)
    assert vizsla.load(FOLDER).contract.score == "logit"
    for activation, score in (("sigmoid", "probability"), ("softmax", "probability"), ("identity", "logit")):
        assert vizsla.load(FOLDER, settings={"activation": activation}).contract.score == score
    both = vizsla.load(FOLDER, settings={"activation": "sigmoid", "score": "probability"})
    assert both.contract.id == vizsla.load(FOLDER, settings={"activation": "sigmoid"}).contract.id
