"""The dense encoder: order, batches, truncation, Matryoshka, and the names that others use."""

import logging
from pathlib import Path

import numpy as np
import pytest

import vizsla
from vizsla.core.errors import DataError, MissingExtraError, SettingsError, ShapeError
from vizsla.encoders.dense import DenseEncoder
from vizsla.models import model

TEXTS = ["what is a bridge?", "city of London", "x", "", "python file open", "a bridge is 18 km " * 9, "桥"]


@pytest.fixture(scope="module")
def encoder(unit_folder: Path) -> DenseEncoder:
    made = vizsla.load(unit_folder)
    assert isinstance(made, DenseEncoder)
    return made


def test_rows_stand_in_the_texts_order(encoder: DenseEncoder) -> None:
    rows = encoder.encode_passages(TEXTS)
    assert rows.shape == (7, 32)
    assert rows.dtype == np.float32
    for text, row in zip(TEXTS, rows, strict=True):
        assert encoder.encode_passages([text])[0].tobytes() == row.tobytes()


def test_blocks_change_nothing(encoder: DenseEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encoder.encode_passages(TEXTS)
    monkeypatch.setattr(model, "_TEXTS", 2)
    assert encoder.encode_passages(TEXTS).tobytes() == whole.tobytes()
    monkeypatch.setattr(model, "_CHARACTERS", 10)
    assert encoder.encode_passages(TEXTS).tobytes() == whole.tobytes()
    pairs = [("title", text) for text in TEXTS]
    assert len(encoder.encode_passages(pairs)) == 7


def test_no_texts(encoder: DenseEncoder) -> None:
    assert encoder.encode_queries([]).shape == (0, 32)


def test_what_is_cut_is_counted_and_said_once(unit_folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    encoder = vizsla.load(unit_folder)
    with caplog.at_level(logging.WARNING, "vizsla"):
        encoder.encode_passages(["short", "a b " * 40])
        encoder.encode_passages(["a b " * 40])
    cut = encoder.truncated["passages"]
    assert (cut.texts, cut.cut, cut.tokens) == (3, 2, 2 * (80 + 2 - 24))
    assert encoder.truncated["queries"].texts == 0
    (said,) = caplog.messages
    assert said.endswith(
        "1 of 2 passages were longer than 24 tokens and were cut (by 58 tokens); further ones are only counted"
    )


def test_the_first_columns(unit_folder: Path, encoder: DenseEncoder) -> None:
    short = vizsla.load(unit_folder, settings={"dim": 8})
    rows = encoder.encode_queries(TEXTS)[:, :8]
    wanted = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(short.encode_queries(TEXTS), wanted, atol=1e-7)
    assert (short.dim, short.contract.parts["dim"]) == (8, "8 of 32")
    assert short.contract.id != encoder.contract.id


def test_the_first_columns_of_dot_products_keep_their_length(unit_folder: Path) -> None:
    settings = {"score": "dot", "normalize": False}
    whole = vizsla.load(unit_folder, settings=settings).encode_queries(TEXTS)
    short = vizsla.load(unit_folder, settings={**settings, "dim": 8}).encode_queries(TEXTS)
    assert short.tobytes() == np.ascontiguousarray(whole[:, :8]).tobytes()
    assert abs(np.linalg.norm(whole, axis=1) - 1).min() > 0.01


def test_more_columns_than_there_are(unit_folder: Path) -> None:
    with pytest.raises(SettingsError, match="dim=33; wanted at most 32"):
        vizsla.load(unit_folder, settings={"dim": 33})


def test_windows_need_more_than_one_vector(unit_folder: Path) -> None:
    with pytest.raises(SettingsError, match="one vector cannot stand for the best"):
        vizsla.load(unit_folder, settings={"windows": "max"})


def test_prompts(unit_folder: Path, encoder: DenseEncoder) -> None:
    prompted = vizsla.load(unit_folder, settings={"query_prompt": "what is "})
    assert prompted.encode_queries(["a bridge?"]).tobytes() == encoder.encode_queries(["what is a bridge?"]).tobytes()
    assert prompted.encode_passages(["a bridge?"]).tobytes() == encoder.encode_passages(["a bridge?"]).tobytes()
    assert prompted.contract.id != encoder.contract.id


def test_the_names_of_sentence_transformers(encoder: DenseEncoder) -> None:
    rows = encoder.encode(TEXTS)
    assert rows.tobytes() == encoder.encode_passages(TEXTS).tobytes()
    one = encoder.encode(TEXTS[0])
    assert one.tobytes() == rows[0].tobytes()
    np.testing.assert_allclose(encoder.similarity(one, rows), rows[:1] @ rows.T, atol=1e-6)
    np.testing.assert_allclose(encoder.similarity(3 * rows, rows), rows @ rows.T, atol=1e-6)  # cosines
    with pytest.raises(ShapeError, match="width 5"):
        encoder.similarity(rows[:, :5], rows)


def test_texts_that_are_none(encoder: DenseEncoder) -> None:
    with pytest.raises(DataError, match="one text"):
        encoder.encode_queries("what is a bridge?")
    with pytest.raises(DataError, match="query 1"):
        encoder.encode_queries(["a", 3])  # type: ignore[list-item]


@pytest.mark.parametrize(("precision", "advice"), [("int8", "vizsla compile"), ("fp8", "fp32, bf16")])
def test_precisions_that_are_none(unit_folder: Path, precision: str, advice: str) -> None:
    with pytest.raises(SettingsError, match=advice):
        vizsla.load(unit_folder, precision=precision)


def test_bfloat16_is_near_and_recorded(unit_folder: Path, encoder: DenseEncoder) -> None:
    pytest.importorskip("openvino", reason="bf16 needs the extra openvino")
    near = vizsla.load(unit_folder, precision="bf16")
    assert (near.precision, near.runtime) == ("bf16", "OpenVinoRuntime")
    assert (encoder.precision, encoder.runtime) == ("fp32", "OnnxRuntime")
    assert near.contract == encoder.contract
    assert (near.encode_queries(TEXTS) * encoder.encode_queries(TEXTS)).sum(1).min() > 0.99


def test_a_precision_that_is_not_installed(unit_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'vizsla\[openvino\]'"):
        vizsla.load(unit_folder, precision="bf16")
