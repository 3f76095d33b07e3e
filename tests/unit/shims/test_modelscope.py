"""ModelScope's pipelines: the shapes of what comes back, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

import vizsla
from vizsla.core.errors import DataError, SettingsError
from vizsla.shims import modelscope

FIXTURES = Path(__file__).parents[1] / "models/fixtures"
EMBEDDING, RANKING = FIXTURES / "st5-bi-mean-norm", FIXTURES / "modelscope-passage-ranking"
TEXTS = ["what is a bridge?", "city of London", "a bridge is 18 km"]


def test_both_lists() -> None:
    made = modelscope.pipeline("sentence-embedding", EMBEDDING)(
        {"source_sentence": TEXTS[:1], "sentences_to_compare": TEXTS[1:]}
    )
    rows = vizsla.load(EMBEDDING).encode_passages(TEXTS)
    assert list(made) == ["text_embedding", "scores"]
    np.testing.assert_array_equal(made["text_embedding"], rows)
    assert isinstance(made["scores"], list)
    np.testing.assert_allclose(made["scores"], rows[1:] @ rows[0], atol=1e-6)


def test_sources_alone() -> None:
    embed = modelscope.pipeline("sentence-embedding", EMBEDDING)
    made = embed({"source_sentence": TEXTS})
    assert (made["text_embedding"].shape, len(made["scores"])) == ((3, 32), 2)
    one = embed({"source_sentence": TEXTS[0]})
    assert (one["text_embedding"].shape, one["scores"]) == ((1, 32), [])


def test_ranking() -> None:
    made = modelscope.pipeline("text-ranking", str(RANKING))(
        {"source_sentence": TEXTS[:1], "sentences_to_compare": TEXTS}
    )
    assert made == {"scores": vizsla.load(RANKING).score([(TEXTS[0], text) for text in TEXTS]).tolist()}


def test_a_length() -> None:
    short = modelscope.pipeline("sentence-embedding", EMBEDDING, sequence_length=4)
    assert len({row.tobytes() for row in short({"source_sentence": ["a b c", "a b d"]})["text_embedding"]}) == 1


@pytest.mark.parametrize(
    ("task", "model", "message"),
    [
        ("sentence_embedding", EMBEDDING, "did you mean 'sentence-embedding'"),
        ("text-ranking", EMBEDDING, "DenseEncoder for the task text-ranking"),
        ("sentence-embedding", RANKING, "CrossEncoder for the task sentence-embedding"),
    ],
)
def test_tasks_that_do_not_fit(task: str, model: Path, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        modelscope.pipeline(task, model)


def test_the_input_by_its_name() -> None:
    for task, folder in (("sentence-embedding", EMBEDDING), ("text-ranking", RANKING)):
        run = modelscope.pipeline(task=task, model=folder)
        given = {"source_sentence": TEXTS[:1], "sentences_to_compare": TEXTS[1:]}
        assert run(input=given)["scores"] == run(given)["scores"]


def test_no_source() -> None:
    with pytest.raises(DataError, match="no text under 'source_sentence'"):
        modelscope.pipeline("text-ranking", RANKING)({"sentences_to_compare": TEXTS})
