"""Whole directories as the installed sentence-transformers writes and runs them: options that few models use."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer as Library
from tokenizers import models, pre_tokenizers, processors, trainers

import vizsla

torch = pytest.importorskip("torch", reason="torch runs the directories that are read here")
transformers: Any = pytest.importorskip("transformers", reason="transformers writes the encoders read here")
theirs: Any = pytest.importorskip("sentence_transformers", reason="sentence-transformers writes the directories")
parts: Any = pytest.importorskip("sentence_transformers.models", reason="its parts make up the directories")

SPARSE = "sentence-transformers before 5 has no sparse encoders"
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

QUERIES = ["where is the bridge?", "  two  spaces around ", "x"]
PASSAGES = ["The bridge over the river Thames.", " leading space", "", "many words of a long passage " * 9, "桥梁 café"]
ANGLE = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
WIDE = 32


def bare(folder: Path, head: str = "Model", **changed: Any) -> str:
    """A tiny RoBERTa: its tokens tell whether whitespace around a text was kept."""
    made = Library(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        [*QUERIES, *PASSAGES], trainers.BpeTrainer(vocab_size=400, special_tokens=ANGLE, initial_alphabet=alphabet)
    )
    sizes = {"hidden_size": WIDE, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 40}
    options = (
        sizes | {"vocab_size": made.get_vocab_size(), "type_vocab_size": 1, "max_position_embeddings": 66} | changed
    )
    torch.manual_seed(0)
    model = getattr(transformers, f"Roberta{head}")(transformers.RobertaConfig(**options)).eval()
    for parameter in model.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "RobertaTokenizer", "model_max_length": 40}')
    return str(folder)


def close(found: Any, wanted: Any) -> None:
    assert found.shape == wanted.shape
    assert np.all(np.abs(found - wanted) <= 1e-5 * np.maximum(1, np.abs(wanted)))


def one_by_one(encode: Callable[..., Any], texts: list[str], **options: Any) -> Any:
    return np.concatenate([np.asarray(encode([text], show_progress_bar=False, **options)) for text in texts])


def same(modules: list[Any], folder: Path, **options: Any) -> Any:
    """The directory of these modules gives what its library does; returns our encoder."""
    theirs.SentenceTransformer(modules=modules, device="cpu", **options).save_pretrained(str(folder))
    model = theirs.SentenceTransformer(str(folder), device="cpu").eval()
    encoder = vizsla.load(folder)
    close(encoder.encode_queries(QUERIES), one_by_one(model.encode_query, QUERIES))
    close(encoder.encode_passages(PASSAGES), one_by_one(model.encode_document, PASSAGES))
    return encoder


POOLINGS = ["cls", "mean", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken", ("max", "cls", "mean")]


@pytest.mark.parametrize("pooling", POOLINGS)
def test_prompts_that_pooling_leaves_out(tmp_path: Path, pooling: Any) -> None:
    modules = [parts.Transformer(bare(tmp_path / "bare")), parts.Pooling(WIDE, pooling, include_prompt=False)]
    same(modules, tmp_path / "whole", prompts={"query": "ask: ", "document": "a longer prompt: "})


def test_layer_norms_and_dense_layers(tmp_path: Path) -> None:
    norm = parts.LayerNorm(12)
    norm.norm.weight.data.uniform_(0.5, 2)
    norm.norm.bias.data.uniform_(-1, 1)
    dense = parts.Dense(WIDE, 12, bias=False, activation_function=torch.nn.GELU())
    same([parts.Transformer(bare(tmp_path / "bare")), parts.Pooling(WIDE, "mean"), dense, norm], tmp_path / "whole")


def test_unit_length_before_dense_layers_and_twice(tmp_path: Path) -> None:
    start = [parts.Transformer(bare(tmp_path / "bare")), parts.Pooling(WIDE, ("mean", "max")), parts.Normalize()]
    norm = parts.LayerNorm(2 * WIDE)
    norm.norm.weight.data.uniform_(0.5, 2)
    same([*start, norm, parts.Normalize(), parts.Dense(2 * WIDE, 9)], tmp_path / "inside")
    same([*start, parts.Dense(2 * WIDE, 9), parts.Normalize(), parts.Normalize()], tmp_path / "twice")


@pytest.mark.parametrize("mapped", [False, True])
def test_routes_behind_a_shared_encoder(tmp_path: Path, *, mapped: bool) -> None:
    names = ("a", "b") if mapped else ("query", "document")
    mappings = {("query", "text"): "a", (None, "text"): "b"} if mapped else None
    router = parts.Router({name: [parts.Dense(WIDE, 9)] for name in names}, route_mappings=mappings)
    start = [parts.Transformer(bare(tmp_path / "bare")), parts.Pooling(WIDE, "mean")]
    same([*start, router, parts.Normalize()], tmp_path / "whole")


@pytest.mark.parametrize("normalize", [False, True])
def test_columns_that_a_directory_asks_for(tmp_path: Path, *, normalize: bool) -> None:
    start = [parts.Transformer(bare(tmp_path / "bare")), parts.Pooling(WIDE, "mean")]
    assert same([*start, *[parts.Normalize()] * normalize], tmp_path / "whole", truncate_dim=10).dim == 10


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("pooling", ["max", "sum"])
def test_the_largest_weights_that_a_sparse_encoder_keeps(tmp_path: Path, pooling: str, *, tied: bool) -> None:
    sparse = pytest.importorskip("sentence_transformers.sparse_encoder.models", reason=SPARSE)
    folder = bare(tmp_path / "bare", "ForMaskedLM", tie_word_embeddings=tied)
    modules = [sparse.MLMTransformer(folder), sparse.SpladePooling(pooling)]
    theirs.SparseEncoder(modules=modules, device="cpu", max_active_dims=9).save_pretrained(str(tmp_path / "whole"))
    model, encoder = theirs.SparseEncoder(str(tmp_path / "whole"), device="cpu"), vizsla.load(tmp_path / "whole")
    wanted = one_by_one(model.encode_document, PASSAGES, convert_to_sparse_tensor=False)
    close(encoder.encode_passages(PASSAGES).toarray(), wanted)
    assert encoder.encode_passages(PASSAGES).count_nonzero() <= 9 * len(PASSAGES)


@pytest.mark.parametrize("labels", [1, 3])
def test_pairs_with_whitespace_around(tmp_path: Path, labels: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    folder = bare(tmp_path / "bare", "ForSequenceClassification", num_labels=labels)
    theirs.CrossEncoder(folder, device="cpu").save_pretrained(str(tmp_path / "whole"))
    model = theirs.CrossEncoder(str(tmp_path / "whole"), device="cpu")
    pairs = [(query, passage) for query in QUERIES for passage in PASSAGES]
    wanted = one_by_one(model.predict, pairs).reshape(len(pairs), labels)  # type: ignore[arg-type]  # pairs are its texts
    for label in range(labels):
        close(vizsla.load(tmp_path / "whole", settings={"label": label}).score(pairs), wanted[:, label])
