"""Compiling tiny models: int8 that runs, the gate, products that go back, and what is written."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import vizsla
from vizsla.compiling import compilation
from vizsla.compiling.calibration import calibrate
from vizsla.compiling.compilation import Checking, compile_model, compile_towers
from vizsla.compiling.compiled import Way
from vizsla.compiling.judged_sample import JudgedSample, Sampling
from vizsla.compiling.observing import observe
from vizsla.core.errors import ArtifactError, DataError, SettingsError
from vizsla.data.judgements import Judgements
from vizsla.encoders.dense import DenseEncoder
from vizsla.encoders.sparse import SparseEncoder
from vizsla.models.description import Description, Head, Towers
from vizsla.models.finding import Use, Wanted
from vizsla.models.parameters import shapes
from vizsla.models.quantising import Rounding
from vizsla.models.reading import read
from vizsla.models.table import bag_of_words
from vizsla.rerankers.cross_encoder import CrossEncoder
from vizsla.runtimes.rows import TokenRows

TEXTS = ["what is a bridge?", "city of London", "x", "", "python file open", "a bridge is 18 km " * 9]
INT8 = Way("int8", "onnxruntime")


@pytest.fixture(scope="module")
def checking(judged: Path) -> Checking:
    return Checking(judged, Sampling(passages=180))


@pytest.fixture(scope="module")
def compiled(dense_folder: Path, checking: Checking, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "dense.int8"
    made = compile_model(Wanted(dense_folder), INT8, checking, folder)
    assert made.verdict.passed
    assert (made.restored, made.rounded) == ((), made.record["rounded"])
    return folder


def test_a_compiled_model_loads_by_itself_and_keeps_the_contract(compiled: Path, dense_folder: Path) -> None:
    encoder, full = vizsla.load(compiled), vizsla.load(dense_folder)
    assert isinstance(encoder, DenseEncoder)
    assert (encoder.precision, encoder.runtime) == ("int8", "OnnxRuntime")
    encoder.contract.check(full.contract)
    ours, theirs = encoder.encode_passages(TEXTS), full.encode_passages(TEXTS)
    cosines = (ours * theirs).sum(axis=1)
    assert cosines.min() > 0.99
    assert not np.array_equal(ours, theirs)


def test_the_same_bits_in_any_batch(compiled: Path) -> None:
    encoder = vizsla.load(compiled)
    whole = encoder.encode_passages(TEXTS * 3)
    for row, text in zip(whole, TEXTS * 3, strict=True):
        assert encoder.encode_passages([text])[0].tobytes() == row.tobytes()


def test_products_run_on_integers(compiled: Path, dense_folder: Path) -> None:
    model = onnx.load(compiled / "passages/model.onnx")
    arrays = {one.name: one for one in model.graph.initializer}
    sources = {node.output[0]: node for node in model.graph.node}
    inside = [
        sources[node.input[1]] for node in model.graph.node if node.op_type == "MatMul" and node.input[1] in sources
    ]
    weights = [arrays[node.input[0]] for node in inside if node.op_type == "DequantizeLinear"]
    assert len(weights) == 6 * read(dense_folder).passages.architecture.layers
    assert {one.data_type for one in weights} == {onnx.TensorProto.INT8}
    floats = [one for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT and len(one.dims) == 2]
    assert all("embeddings" in one.name for one in floats)


def test_the_manifest_holds_the_verdict(compiled: Path) -> None:
    settings = json.loads((compiled / "manifest.json").read_text())["settings"]
    assert settings["verdict"]["passed"] is True
    assert settings["verdict"]["low"] > -0.005
    assert settings["gate"]["queries"] == 130
    assert (settings["precision"], settings["runtime"], settings["restored"]) == ("int8", "onnxruntime", [])
    assert settings["contract"]["id"] == vizsla.load(compiled).contract.id


def test_it_is_what_it_is(compiled: Path) -> None:
    with pytest.raises(SettingsError, match="which vizsla wrote with its settings"):
        vizsla.load(compiled, precision="fp32")


@pytest.mark.parametrize("name", ["description.json", "tokenizer.json", "model.onnx", "weights.bin"])
def test_a_damaged_file_is_refused(compiled: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "copy"
    (folder / "passages").mkdir(parents=True)
    for path in compiled.rglob("*.*"):
        (folder / path.relative_to(compiled)).write_bytes(path.read_bytes())
    (folder / "passages" / name).write_bytes(b"{}")
    with pytest.raises(ArtifactError, match=name):
        vizsla.load(folder)


def spoilt(part: str) -> object:
    """Calibration of some inputs alone, which leaves them no room: all but a thousandth of the range is cut."""

    def calibrated(description: Description, rows: list[TokenRows]) -> dict[str, Rounding]:
        found = {value: one for value, one in calibrate(description, rows).items() if part in value}
        assert found
        return {value: replace(one, low=0.0, high=one.high / 1000) for value, one in found.items()}

    return calibrated


def own_first(folder: Path, sample: JudgedSample) -> JudgedSample:
    """Half of each query, its only right answer what the full model finds first: whatever changes that is a loss."""
    queries = {query: text[: len(text) // 2] for query, text in sample.judgements.queries.items()}
    asked = replace(sample, judgements=Judgements(queries, sample.judgements.grades))
    firsts = [sample.ids[top[0]] for top in observe(vizsla.load(folder), asked, None).top()]
    grades = {query: {first: 1} for query, first in zip(queries, firsts, strict=True)}
    return replace(asked, judgements=Judgements(queries, grades))


def test_what_hurts_goes_back_until_the_gate_holds(
    dense_folder: Path, sample: JudgedSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "calibrate", spoilt("Gelu"))
    made = compile_towers((read(dense_folder), Use()), INT8, own_first(dense_folder, sample), tmp_path / "m")
    assert made.verdict.passed
    assert made.verdict.reference == 1
    assert made.restored
    assert all(name.endswith(".down.weight") for name in made.restored)
    settings = json.loads((tmp_path / "m/manifest.json").read_text())["settings"]
    assert tuple(settings["restored"]) == made.restored
    assert settings["rounded"] == made.rounded
    assert len(vizsla.load(tmp_path / "m").encode_queries(TEXTS)) == len(TEXTS)


def test_where_nothing_helps_nothing_is_written(
    dense_folder: Path, sample: JudgedSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "calibrate", spoilt(""))
    monkeypatch.setattr(compilation, "_ROUNDS", 2)
    made = compile_towers((read(dense_folder), Use()), INT8, own_first(dense_folder, sample), tmp_path / "m")
    assert not made.verdict.passed
    assert made.verdict.high < -0.005
    assert len(made.restored) == 2
    assert not (tmp_path / "m").exists()


def test_what_moves_the_output_most_goes_back_first(
    dense_folder: Path, sample: JudgedSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def calibrated(description: Description, rows: list[TokenRows]) -> dict[str, Rounding]:
        found = calibrate(description, rows)
        first = next(iter(found))
        return found | {first: replace(found[first], low=0.0, high=found[first].high / 1000)}

    monkeypatch.setattr(compilation, "calibrate", calibrated)
    work = compilation._Work((read(dense_folder), Use()), INT8, sample, tmp_path)
    names = [name for _, _, name in work._by_drift()]
    assert names[0] == "layers.0.query.weight layers.0.key.weight layers.0.value.weight"
    assert len(names) == work.rounded


def test_too_few_queries(dense_folder: Path, judged: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found 50 judged queries"):
        compile_model(Wanted(dense_folder), INT8, Checking(judged, Sampling(queries=50)), tmp_path / "m")


@pytest.fixture(scope="module")
def open_to_all(sample: JudgedSample) -> JudgedSample:
    """Every passage is right for every query, so that any ranking is."""
    ids = sample.ids[:20]
    queries = dict(list(sample.judgements.queries.items())[:100])
    judgements = Judgements(queries, {query: dict.fromkeys(ids, 1) for query in queries})
    return replace(sample, ids=ids, texts=sample.texts[:20], judgements=judgements)


def test_a_reranker(reranker_folder: Path, open_to_all: JudgedSample, tmp_path: Path) -> None:
    made = compile_towers((read(reranker_folder), Use()), INT8, open_to_all, tmp_path / "m")
    assert made.verdict.passed
    assert made.verdict.reference == pytest.approx(1)
    assert made.verdict.parity.keys() == {"score_drift_mean", "score_drift_max", "top_10_agreement"}
    reranker, full = vizsla.load(tmp_path / "m"), vizsla.load(reranker_folder)
    assert isinstance(reranker, CrossEncoder)
    pairs = [("what is a bridge?", text) for text in TEXTS]
    ours, theirs = reranker.score(pairs), full.score(pairs)
    assert 0 < np.abs(ours - theirs).max() < 0.02
    assert reranker.contract.id == full.contract.id


def test_terms_by_two_models_one_of_them_a_table(dense_folder: Path, open_to_all: JudgedSample, tmp_path: Path) -> None:
    bare, draw = read(dense_folder).passages, np.random.default_rng(0)
    head = Head("terms", ("max",), activation="log1p_relu")
    random = {n: draw.normal(0, 0.2, s).astype(np.float32) for n, s in shapes(bare.architecture, head).items()}
    tied = {**random, **bare.weights, "terms.weight": bare.weights["embeddings.word"].T}
    right = replace(bare, head=head, score="dot", weights=tied)
    made = compile_towers((Towers(bag_of_words(right), right), Use()), INT8, open_to_all, tmp_path / "m")
    assert made.verdict.parity["queries_cosine_min"] == pytest.approx(1)
    assert 0.98 < made.verdict.parity["passages_cosine_min"] < 1
    assert made.rounded == 4 * bare.architecture.layers + 2
    encoder = vizsla.load(tmp_path / "m")
    assert isinstance(encoder, SparseEncoder)
    assert encoder.contract.id == made.record["contract"]["id"]
    assert encoder.encode_queries(["a bridge"]).nnz > 0


def test_bf16_keeps_the_graph(dense_folder: Path, checking: Checking, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    made = compile_model(Wanted(dense_folder), Way("bf16"), checking, tmp_path / "m")
    assert (made.rounded, made.restored) == (0, ())
    encoder = vizsla.load(tmp_path / "m")
    assert (encoder.precision, encoder.runtime) == ("bf16", "OpenVinoRuntime")
    assert made.verdict.parity["passages_cosine_min"] > 0.999


def test_int8_by_openvino(dense_folder: Path, checking: Checking, tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="needs the extra openvino")
    made = compile_model(Wanted(dense_folder), Way("int8"), checking, tmp_path / "m")
    assert made.verdict.passed
    encoder = vizsla.load(tmp_path / "m")
    assert (encoder.precision, encoder.runtime) == ("int8", "OpenVinoRuntime")
    whole = encoder.encode_passages(TEXTS * 2)
    assert encoder.encode_passages(TEXTS[:1])[0].tobytes() == whole[0].tobytes()


@pytest.mark.parametrize(("precision", "runtime"), [("fp16", "openvino"), ("int8", "torch"), ("bf16", "onnxruntime")])
def test_ways_that_do_not_exist(precision: str, runtime: str) -> None:
    with pytest.raises(SettingsError, match="wanted"):
        Way(precision, runtime)
