"""sentence-transformers' modules and routes that the fixtures do not show, bent out of them."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vizsla
from vizsla.core.errors import ArtifactError
from vizsla.models.formats import architectures
from vizsla.models.formats.said import Said
from vizsla.models.formats.wishes import Wishes
from vizsla.models.reading import read
from vizsla.models.weights import safetensors

FIXTURE = Path(__file__).parents[1] / "fixtures/st5-bi-mean-norm"
WIDTH = 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "model"))


def said(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def changed(path: Path, **values: Any) -> None:
    said(path, json.loads(path.read_text(encoding="utf-8")) | values)


def modules(folder: Path, *kinds: str) -> None:
    """The encoder and its pooling, and behind them these."""
    listed = [
        ("", "Transformer"),
        ("1_Pooling", "Pooling"),
        *((f"{n}_{kind}", kind) for n, kind in enumerate(kinds, 2)),
    ]
    said(
        folder / "modules.json",
        [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in listed],
    )


def weights(folder: Path, **arrays: Any) -> None:
    """An index that names one file; any format may stand behind it."""
    folder.mkdir(exist_ok=True)
    named = {key.replace("__", "."): np.asarray(array, np.float32) for key, array in arrays.items()}
    (folder / "a.pdparams").write_bytes(pickle.dumps(named, 4))
    said(folder / "model.safetensors.index.json", {"weight_map": dict.fromkeys(named, "a.pdparams")})


def dense(folder: Path, matrix: Any) -> None:
    outputs, inputs = np.shape(matrix)
    identity = {"activation_function": "torch.nn.modules.linear.Identity", "bias": False}
    weights(folder, linear__weight=matrix)
    said(folder / "config.json", {"in_features": inputs, "out_features": outputs} | identity)


TEXTS = ["what is a bridge?", "the old bridge over the river", ""]


class TestLayerNorm:
    def test_it_stands_where_a_dense_layer_could(self, folder: Path) -> None:
        modules(folder)
        plain = vizsla.load(folder).encode_queries(TEXTS).astype(np.float64)
        modules(folder, "LayerNorm")
        draw = np.random.default_rng(0)
        scale, shift = draw.normal(size=WIDTH), draw.normal(size=WIDTH)
        weights(folder / "2_LayerNorm", norm__weight=scale, norm__bias=shift)
        said(folder / "2_LayerNorm/config.json", {"dimension": WIDTH})
        centred = plain - plain.mean(1, keepdims=True)
        wanted = centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5) * scale + shift
        np.testing.assert_allclose(vizsla.load(folder).encode_queries(TEXTS), wanted, atol=1e-5)

    def test_one_of_another_width_is_refused(self, folder: Path) -> None:
        modules(folder, "LayerNorm")
        weights(folder / "2_LayerNorm", norm__weight=np.ones(8), norm__bias=np.ones(8))
        for dimension, words in ((8, "wanted"), (WIDTH, "found shape"), ("x", "dimension 'x'")):
            said(folder / "2_LayerNorm/config.json", {"dimension": dimension})
            with pytest.raises(ArtifactError, match=words):
                read(folder)
        said(folder / "2_LayerNorm/config.json", {"dimension": 8})
        weights(folder / "2_LayerNorm", norm__weight=np.ones(8))
        with pytest.raises(ArtifactError, match=r"found no 'norm\.bias'"):
            read(folder)


class TestNormalize:
    def test_it_may_stand_before_a_dense_layer(self, folder: Path) -> None:
        modules(folder)
        plain = vizsla.load(folder).encode_queries(TEXTS).astype(np.float64)
        modules(folder, "Normalize", "Dense")
        matrix = np.random.default_rng(0).normal(size=(4, WIDTH))
        dense(folder / "3_Dense", matrix)
        wanted = plain / np.linalg.norm(plain, axis=1, keepdims=True) @ matrix.T
        encoder = vizsla.load(folder)
        np.testing.assert_allclose(encoder.encode_queries(TEXTS), wanted, atol=1e-5)
        assert "unit" in encoder.contract.parts["queries.head"]

    def test_twice_is_once(self, folder: Path) -> None:
        modules(folder, "Normalize")
        once = vizsla.load(folder)
        modules(folder, "Normalize", "Normalize")
        twice = vizsla.load(folder)
        assert twice.contract.id == once.contract.id
        assert twice.encode_queries(TEXTS).tobytes() == once.encode_queries(TEXTS).tobytes()

    def test_no_pooling_stands_behind_it(self, folder: Path) -> None:
        modules(folder, "Normalize", "Pooling")
        with pytest.raises(ArtifactError, match="found Pooling behind Normalize; wanted it before"):
            read(folder)


class TestRoutes:
    def router(self, folder: Path, kind: str, structure: dict[str, str], **parameters: Any) -> dict[str, Any]:
        modules(folder, kind)
        made = {}
        for number, (route, part) in enumerate(structure.items()):
            made[route] = np.eye(4, WIDTH) * (number + 2)
            dense(folder / f"2_{kind}/{part}", made[route])
        config: dict[str, Any] = {"types": dict.fromkeys(structure.values(), "sentence_transformers.models.Dense")}
        config |= {"structure": {route: [part] for route, part in structure.items()}, "parameters": parameters}
        said(folder / f"2_{kind}" / ("router_config.json" if kind == "Router" else "config.json"), config)
        return made

    @pytest.fixture
    def folder(self, folder: Path) -> Path:
        (folder / "2_Router").mkdir()
        (folder / "2_Asym").mkdir()
        return folder

    @pytest.mark.parametrize(("kind", "passages"), [("Router", "document"), ("Asym", "doc"), ("Asym", "passage")])
    def test_a_route_behind_a_shared_encoder(self, folder: Path, kind: str, passages: str) -> None:
        made = self.router(folder, kind, {"query": "q_Dense", passages: "d_Dense"})
        towers = read(folder)
        for tower, route in ((towers.queries, "query"), (towers.passages, passages)):
            assert np.array_equal(tower.weights["dense.0.weight"], made[route].T)
            assert tower.head.widths == (4,)

    def test_mappings_come_before_names_and_these_before_the_default(self, folder: Path) -> None:
        mappings = {"('query', 'text')": "b", "(None, None)": "c"}
        made = self.router(
            folder, "Router", {"query": "1", "document": "2", "b": "3", "c": "4"}, route_mappings=mappings
        )
        towers = read(folder)
        assert np.array_equal(towers.queries.weights["dense.0.weight"], made["b"].T)
        assert np.array_equal(towers.passages.weights["dense.0.weight"], made["c"].T)
        made = self.router(folder, "Router", {"query": "1", "x": "2"}, default_route="x")
        assert np.array_equal(read(folder).passages.weights["dense.0.weight"], made["x"].T)
        made = self.router(folder, "Router", {"image": "1", "text": "2"})
        assert np.array_equal(read(folder).queries.weights["dense.0.weight"], made["text"].T)

    def test_no_route(self, folder: Path) -> None:
        self.router(folder, "Router", {"query": "1", "x": "2"})
        with pytest.raises(ArtifactError, match="no route for a passage among query, x"):
            read(folder)
        said(folder / "2_Router/router_config.json", {"types": []})
        with pytest.raises(ArtifactError, match="without structure and types"):
            read(folder)

    def test_a_route_stays_in_its_folder(self, folder: Path) -> None:
        self.router(folder, "Router", {"query": "1", "document": "2"})
        config = json.loads((folder / "2_Router/router_config.json").read_text(encoding="utf-8"))
        config |= {"types": {"../../1": "Dense"}, "structure": {"query": ["../../1"], "document": ["../../1"]}}
        said(folder / "2_Router/router_config.json", config)
        with pytest.raises(ArtifactError, match=r"router_config\.json: found the path"):
            read(folder)


class TestPrompts:
    @pytest.fixture
    def prompted(self, folder: Path) -> Path:
        changed(folder / "1_Pooling/config.json", include_prompt=False)
        changed(folder / "config_sentence_transformers.json", prompts={"query": "a bridge: ", "document": "river "})
        return folder

    def test_each_side_leaves_its_own_prompt_out(self, prompted: Path) -> None:
        towers = read(prompted)
        bare = vizsla.load(FIXTURE)._queries._tokenizer
        lengths = bare.queries(["a bridge:", "river"]).lengths() - 1  # without the separator
        assert [towers.queries.head.skip, towers.passages.head.skip] == lengths.tolist()
        encoder = vizsla.load(prompted)
        assert np.abs(encoder.encode_queries(["old"]) - encoder.encode_passages(["old"])).max() > 1e-3

    def test_names_that_passages_prompts_have(self, folder: Path) -> None:
        own = folder / "config_sentence_transformers.json"
        for name, wanted in (("corpus", "a: "), ("passage", "a: "), ("doc", "")):
            changed(own, prompts={name: "a: "})
            assert read(folder).passages.layout.passage_prompt == wanted

    def test_a_setting_and_no_prompt_come_before_it(self, prompted: Path) -> None:
        assert read(prompted, settings={"skip": 1}).queries.head.skip == 1
        towers = read(prompted, settings={"query_prompt": "", "passage_prompt": ""})
        assert towers.queries is towers.passages or towers.queries.head.skip == towers.passages.head.skip == 0

    def test_the_first_token_is_the_first_of_all_until_version_6(self, prompted: Path) -> None:
        flags = {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
        changed(prompted / "1_Pooling/config.json", **flags)
        assert read(prompted).queries.head.skip == 0
        changed(prompted / "config_sentence_transformers.json", __version__={"sentence_transformers": "6.2.0"})
        assert read(prompted).queries.head.skip > 1
        changed(prompted / "config_sentence_transformers.json", __version__={"sentence_transformers": "5.1.0"})
        changed(prompted / "1_Pooling/config.json", pooling_mode_mean_tokens=True)
        with pytest.raises(ArtifactError, match="before version 6"):
            read(prompted)


def test_a_default_prompt_of_pairs_stands_before_the_first_text(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FIXTURE.with_name("st5-cross-identity"), tmp_path / "model"))
    said(folder / "modules.json", [{"path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"}])
    own = folder / "config_sentence_transformers.json"
    said(own, {"model_type": "CrossEncoder", "prompts": {"query": "q: ", "document": "d: ", "x": "find: "}})
    assert (read(folder).queries.layout.query_prompt, read(folder).queries.layout.passage_prompt) == ("", "")
    changed(own, default_prompt_name="x")
    made = read(folder).queries.layout
    assert (made.query_prompt, made.passage_prompt) == ("find: ", "")
    assert read(folder, settings={"query_prompt": "mine: "}).queries.layout.query_prompt == "mine: "


@pytest.mark.parametrize(
    ("version", "strips"),
    [("5.1.0", True), ("6.0.0", False), ("10.1", False), (None, True), ("x", True), ("9" * 5000, True)],
)
def test_texts_are_taken_as_they_are_since_version_6(folder: Path, version: str | None, *, strips: bool) -> None:
    changed(folder / "config_sentence_transformers.json", __version__={"sentence_transformers": version})
    assert read(folder).queries.layout.strip is strips


@pytest.mark.parametrize(
    ("said", "strips"), [({"version": "5.1.0"}, False), ({"version": "3.9"}, True), ({}, False), (None, False)]
)
def test_pairs_are_taken_as_they_are_since_version_4(tmp_path: Path, said: object, *, strips: bool) -> None:
    folder = Path(shutil.copytree(FIXTURE.with_name("st5-cross-identity"), tmp_path / "model"))
    changed(folder / "config.json", sentence_transformers=said)
    assert read(folder).queries.layout.strip is strips


def test_pairs_were_stripped_while_the_activation_stood_under_its_first_name(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FIXTURE.with_name("st5-cross-identity"), tmp_path / "model"))
    old = "torch.nn.modules.linear.Identity"
    changed(folder / "config.json", sentence_transformers=None, sbert_ce_default_activation_function=old)
    assert read(folder).queries.layout.strip


def test_columns_that_a_directory_asks_for(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = vizsla.load(folder).encode_queries(TEXTS)
    changed(folder / "config_sentence_transformers.json", truncate_dim=10)
    cut = whole[:, :10]
    encoder = vizsla.load(folder)
    assert encoder.encode_queries(TEXTS).tobytes() == np.ascontiguousarray(cut).tobytes()  # as their library cuts them
    assert encoder.contract.parts["dim"] == "10 of 32, of unit length before"
    assert "does not normalise" in caplog.text
    unit = vizsla.load(folder, settings={"normalize": True})
    np.testing.assert_allclose(unit.encode_queries(TEXTS), cut / np.linalg.norm(cut, axis=1, keepdims=True), atol=1e-6)
    same = vizsla.load(folder, settings={"dim": 10})  # a wish of ours, not of the files
    assert same.encode_queries(TEXTS).tobytes() == unit.encode_queries(TEXTS).tobytes()
    assert same.contract.id == unit.contract.id != encoder.contract.id
    changed(folder / "config_sentence_transformers.json", truncate_dim=10_000)
    assert vizsla.load(folder).dim == WIDTH
    changed(folder / "config_sentence_transformers.json", truncate_dim="ten")
    with pytest.raises(ArtifactError, match="truncate_dim 'ten'"):
        read(folder)


def test_the_masked_lm_bias_that_counts_is_the_decoders(folder: Path) -> None:
    state = dict(safetensors.read(folder / "model.safetensors"))
    draw, rows = np.random.default_rng(0), len(state["embeddings.word_embeddings.weight"])
    state |= {
        f"cls.predictions.{name}": draw.normal(size=shape).astype(np.float32)
        for name, shape in {
            "transform.dense.weight": (WIDTH, WIDTH),
            "transform.dense.bias": (WIDTH,),
            "transform.LayerNorm.weight": (WIDTH,),
            "transform.LayerNorm.bias": (WIDTH,),
            "bias": (rows,),
            "decoder.bias": (rows,),
        }.items()
    }
    (folder / "modules.json").unlink()
    (folder / "model.safetensors").unlink()
    weights(folder, **state)
    made = read(folder, settings={"head": "terms"}).queries
    assert np.array_equal(made.weights["terms.bias"], state["cls.predictions.decoder.bias"])


@pytest.mark.parametrize(
    ("module", "values", "said"),
    [
        ("Dense", {"module_input_name": []}, "from '\\[\\]'"),
        ("Dense", {"use_residual": True}, "no residual"),
        ("SpladePooling", {"activation_function": {"a": 1}}, "wanted max or sum"),
        ("SpladePooling", {"pooling_strategy": "x" * 5000}, "wanted max or sum"),
    ],
)
def test_options_that_are_not_read(folder: Path, module: str, values: dict[str, Any], said: str) -> None:
    modules(folder, module)
    dense(folder / f"2_{module}", np.eye(4, WIDTH))
    changed(folder / f"2_{module}/config.json", **values)
    with pytest.raises(ArtifactError, match=said) as found:
        read(folder)
    assert len(str(found.value)) < 500


def test_what_the_tokenizer_itself_is_given(folder: Path) -> None:
    path = folder / "sentence_bert_config.json"
    changed(path, processing_kwargs={"text": {"max_length": 12}}, query_length=8)
    layout = read(folder).queries.layout
    assert (layout.query_length, layout.passage_length) == (12, 12)
    for given in ({"text": {"add_special_tokens": False}}, {"common": {"x": 1}}, {"text": 3}, [1]):
        changed(path, processing_kwargs=given)
        with pytest.raises(ArtifactError, match=r"found \{'processing_kwargs'"):
            read(folder)
    changed(path, processing_kwargs={}, query_expansion={"strategy": "fixed", "length": 32})
    with pytest.raises(ArtifactError, match="query_expansion"):
        read(folder)


def test_another_output_of_the_model_is_refused(folder: Path) -> None:
    path = folder / "sentence_bert_config.json"
    changed(path, modality_config={"text": {"method_output_name": "last_hidden_state"}})
    assert read(folder).queries.head.kind == "vector"
    changed(path, modality_config={"text": {"method_output_name": "pooler_output"}})
    with pytest.raises(ArtifactError, match="the output 'pooler_output' of text"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "family"),
    [("BertModel", "bert"), ("XLMRobertaForMaskedLM", "roberta"), ("RobertaModel", "roberta"), (None, "bert"),
     ("DistilBertModel", "distilbert"), ("MPNetForMaskedLM", "mpnet"), ("ElectraModel", "electra"), ("Odd", "bert")],
)  # fmt: skip
def test_a_config_older_than_its_model_type(name: str | None, family: str) -> None:
    config = {"architectures": [name] if name else None, "layer_norm_eps": 0.5}
    config |= {"vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2}
    config |= {"intermediate_size": 8, "max_position_embeddings": 9, "type_vocab_size": 2}
    said = Said(config, Path("config.json"), Wishes())
    assert architectures.family(said) == family
    eps = architectures.described(said, architectures.family(said)).layer_norm_eps
    assert eps == (1e-12 if family == "distilbert" else 0.5)


def test_a_model_type_that_is_none_of_these() -> None:
    with pytest.raises(ArtifactError, match="the model type 'albert'; wanted one of bert, ernie"):
        architectures.family(Said({"model_type": "albert"}, Path("config.json"), Wishes()))
