"""One door for everything: published models, and folders written here."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import vizsla
from vizsla.core.errors import ArtifactError, IncompatibleError, SettingsError
from vizsla.data.corpus import Corpus
from vizsla.encoders.dense import DenseEncoder
from vizsla.indexes.flat import FlatIndex
from vizsla.indexes.quantised import QuantisedIndex
from vizsla.rerankers.cross_encoder import CrossEncoder

FIXTURES = Path(__file__).parent / "models/fixtures"
BI, CROSS = FIXTURES / "st5-bi-mean-norm", FIXTURES / "st5-cross-identity"


def test_the_signature() -> None:
    names = list(inspect.signature(vizsla.load).parameters)
    assert names == ["model", "queries", "passages", "max_length", "layout", "precision", "settings"]


def test_published_models() -> None:
    assert isinstance(vizsla.load(BI), DenseEncoder)
    assert isinstance(vizsla.load(str(BI / "model.safetensors")), DenseEncoder)
    assert isinstance(vizsla.load(CROSS), CrossEncoder)
    assert isinstance(vizsla.load(queries=BI, passages=BI), DenseEncoder)


def test_folders_written_here(tmp_path: Path) -> None:
    Corpus.build([vizsla.Passage("a", "b")]).save(tmp_path / "corpus")
    assert isinstance(vizsla.load(tmp_path / "corpus"), Corpus)
    for index in (FlatIndex, QuantisedIndex):
        index.build(np.eye(3, dtype=np.float32)).save(tmp_path / index.__name__)
        assert isinstance(vizsla.load(tmp_path / index.__name__), index)
    with pytest.raises(SettingsError, match="found precision for"):
        vizsla.load(tmp_path / "corpus", precision="bf16")


def test_kinds_of_a_newer_release(tmp_path: Path) -> None:
    Corpus.build([]).save(tmp_path / "corpus")
    path = tmp_path / "corpus/manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), "kind": "tomorrow"}), encoding="utf-8")
    with pytest.raises(IncompatibleError, match="found the kind 'tomorrow'"):
        vizsla.load(tmp_path / "corpus")


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"holds no manifest\.json"):
        vizsla.load(tmp_path)
    with pytest.raises(ArtifactError, match="is not there"):
        vizsla.load(tmp_path / "model")
    with pytest.raises(SettingsError, match="no model for one side"):
        vizsla.load()


def test_a_model_runs_without_the_libraries_that_wrote_it() -> None:
    program = (
        "import sys, vizsla\n"
        f"assert vizsla.load({str(BI)!r}).encode_queries(['a']).shape == (1, 32)\n"
        f"assert vizsla.load({str(CROSS)!r}).score([('a', 'b')]).shape == (1,)\n"
        "found = {'torch', 'transformers', 'sentence_transformers', 'huggingface_hub', 'numba'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
