"""Folders that the original libraries wrote, and what is made of them when they are bent."""

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vizsla.core.errors import ArtifactError, SettingsError
from vizsla.models.description import Head
from vizsla.models.reading import read
from vizsla.models.weights import pdparams, safetensors, torch_bin

FIXTURES = Path(__file__).parents[1] / "fixtures"
Copied = Callable[[str], Path]


@pytest.fixture
def copied(tmp_path: Path) -> Copied:
    def copy(name: str) -> Path:
        return Path(shutil.copytree(FIXTURES / name, tmp_path / Path(name).name))

    return copy


def changed(path: Path, **values: Any) -> None:
    config = json.loads(path.read_text(encoding="utf-8")) | values
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not ...}), encoding="utf-8")


def paddle_state() -> dict[str, Any]:
    return {
        key: np.array(array)
        for key, array in pdparams.read(FIXTURES / "paddlenlp-ernie3/query/model_state.pdparams").items()
    }


def save(path: Path, state: dict[str, Any]) -> Path:
    path.write_bytes(pickle.dumps(state, 4))
    return path


BARE = {"heads": 2, "tokens": str(FIXTURES / "paddlenlp-ernie3/query/vocab.txt")}


class TestPaddleNlp:
    def test_an_encoder(self) -> None:
        towers = read(FIXTURES / "paddlenlp-ernie3/query")
        made = towers.queries
        assert towers.passages is made
        a = made.architecture
        assert (a.family, a.vocabulary, a.layers, a.hidden, a.heads, a.feed_forward) == ("ernie", 319, 2, 52, 2, 208)
        assert (a.positions, a.types, a.tasks, a.layer_norm_eps, a.activation) == (96, 4, 3, 1e-12, "gelu")
        assert (made.head, made.score) == (Head("vector"), "dot")
        assert (made.layout.name, made.layout.empty_first, made.tokens.ties) == ("paddlenlp", True, "second")
        state, weights = paddle_state(), made.weights
        assert np.array_equal(weights["layers.1.query.weight"], state["ernie.encoder.layers.1.self_attn.q_proj.weight"])
        assert np.array_equal(weights["layers.0.down.weight"], state["ernie.encoder.layers.0.linear2.weight"])
        assert np.array_equal(weights["layers.0.attention_norm.bias"], state["ernie.encoder.layers.0.norm1.bias"])

    def test_a_reranker_by_setting_or_by_name(self, copied: Copied) -> None:
        folder = copied("paddlenlp-ernie3/query")
        by_setting = read(folder, settings={"head": "score"}).queries
        named = folder.rename(folder.with_name("my-cross-encoder"))
        made = read(named).queries
        assert made.head == by_setting.head == Head("score", dense=("tanh",), activation="softmax", labels=2, label=1)
        assert (made.score, made.layout.passage_length) == ("probability", 96)
        state = paddle_state()
        assert np.array_equal(made.weights["dense.0.weight"], state["ernie.pooler.dense.weight"])
        assert np.array_equal(made.weights["classifier.weight"], state["classifier.weight"])

    @pytest.mark.parametrize(("name", "dense"), [("v2", ()), ("ernie-search-large-cross", ("tanh",))])
    def test_one_label_is_a_raw_logit(self, copied: Copied, name: str, dense: tuple[str, ...]) -> None:
        folder = copied("paddlenlp-ernie3/query")
        state = paddle_state()
        state |= {
            "classifier.weight": state["classifier.weight"][:, :1],
            "classifier.bias": state["classifier.bias"][:1],
        }
        save(folder / "model_state.pdparams", state)
        made = read(folder.rename(folder.with_name(name))).queries
        assert made.head == Head("score", dense=dense)
        assert (made.score, made.architecture.layer_norm_eps) == ("logit", 1e-5 if dense else 1e-12)

    @pytest.mark.parametrize(
        ("prefix", "outer"),
        [
            ("", ""),
            ("ernie.ernie.", "ernie."),
            ("query_ernie.", "query_ernie."),
            ("query_ernie.ernie.", "query_ernie."),
        ],
    )
    def test_bare_files_under_every_prefix(self, tmp_path: Path, prefix: str, outer: str) -> None:
        state = {
            (prefix + key.removeprefix("ernie.") if key.startswith("ernie.") else outer + key): value
            for key, value in paddle_state().items()
        }
        made = read(save(tmp_path / "a.pdparams", state), settings=BARE).queries
        wanted = read(FIXTURES / "paddlenlp-ernie3/query").queries
        assert made.architecture == wanted.architecture
        assert made.weights.keys() == wanted.weights.keys()
        assert all(np.array_equal(made.weights[name], array) for name, array in wanted.weights.items())
        assert read(tmp_path / "a.pdparams", settings=BARE | {"head": "score"}).queries.head.labels == 2

    def test_one_file_of_two_towers(self, tmp_path: Path) -> None:
        state = paddle_state()
        both = {
            f"{side}_ernie.{key}": value + (side == "title")
            for side in ("query", "title")
            for key, value in state.items()
        }
        towers = read(save(tmp_path / "dual.pdparams", both), settings=BARE)
        word = state["ernie.embeddings.word_embeddings.weight"]
        assert np.array_equal(towers.queries.weights["embeddings.word"], word)
        assert np.array_equal(towers.passages.weights["embeddings.word"], word + 1)

    def test_narrower_vectors(self, tmp_path: Path) -> None:
        extra = {"emb_reduce_linear.weight": np.ones((52, 8), "f4"), "emb_reduce_linear.bias": np.zeros(8, "f4")}
        made = read(save(tmp_path / "a.pdparams", paddle_state() | extra), settings=BARE).queries
        assert made.head == Head("vector", dense=("identity",), widths=(8,))
        assert np.array_equal(made.weights["dense.0.weight"], extra["emb_reduce_linear.weight"])

    def test_another_layout_by_name(self, copied: Copied) -> None:
        folder = copied("paddlenlp-ernie3/query")
        (folder / "pytorch_model.bin").touch()  # another tool's weights beside Paddle's
        made = read(folder, layout="rocketqa").queries.layout
        assert (made.name, made.titles, made.query_length, made.empty_first) == ("rocketqa", "segment", 32, False)
        by_setting = read(folder, settings={"layout": "paddlenlp-early", "titles": "joined"}).queries.layout
        assert (by_setting.name, by_setting.titles) == ("paddlenlp-early", "joined")

    def test_an_old_config(self, copied: Copied) -> None:
        folder = copied("paddlenlp-ernie3/query")
        config = json.loads((folder / "config.json").read_text())
        kept = {
            key: config[key]
            for key in ("hidden_size", "vocab_size", "num_attention_heads", "num_hidden_layers", "use_task_id")
        }
        old = {"init_args": [kept | {"hidden_act": "relu", "init_class": "ErnieModel"}], "init_class": "ErnieEncoder"}
        (folder / "config.json").unlink()
        (folder / "model_config.json").write_text(json.dumps(old))
        assert read(folder).queries.architecture == replace(
            read(FIXTURES / "paddlenlp-ernie3/query").queries.architecture, activation="relu"
        )

    def test_what_nothing_says_is_asked_for(self, tmp_path: Path) -> None:
        file = save(tmp_path / "a.pdparams", paddle_state())
        with pytest.raises(SettingsError, match=r"a\.pdparams: found no 'num_attention_heads'.*'heads'"):
            read(file)
        with pytest.raises(ArtifactError, match="found no tokenizer"):
            read(file, settings={"heads": 2})
        made = read(file, settings=BARE | {"activation": "relu", "layer_norm_eps": 1e-5}).queries.architecture
        assert (made.activation, made.layer_norm_eps) == ("relu", 1e-5)

    def test_a_registry_entry_says_what_the_file_leaves_out(self, tmp_path: Path) -> None:
        file = save(tmp_path / "a.pdparams", paddle_state())
        like = read(file, settings=BARE | {"like": "rocketqa-base-cross-encoder"}).queries
        assert (like.head.kind, like.head.activation) == ("score", "softmax")
        over = read(file, settings=BARE | {"like": "rocketqa-base-cross-encoder", "head": "vector"}).queries
        assert over.head.kind == "vector"


class TestModelScope:
    def test_ranking(self) -> None:
        folder = FIXTURES / "modelscope-passage-ranking"
        made = read(folder).queries
        assert made.head == Head("score", dense=("tanh",), activation="sigmoid")
        assert (made.score, made.layout.name, made.layout.passage_length) == ("probability", "modelscope", 128)
        state = torch_bin.read(folder / "pytorch_model.bin")
        assert np.array_equal(
            made.weights["layers.0.up.weight"], state["bert.encoder.layer.0.intermediate.dense.weight"].T
        )
        assert np.array_equal(made.weights["classifier.weight"], state["classifier.weight"].T)

    @pytest.mark.parametrize(
        ("said", "head"),
        [
            ({}, Head("vector")),
            ({"emb_pooler_type": "mean", "normalize": True}, Head("vector", ("mean",), normalize=True)),
        ],
    )
    def test_embedding(self, copied: Copied, said: dict[str, Any], head: Head) -> None:
        folder = copied("modelscope-passage-ranking")
        task = {"model": {"type": "bert"} | said, "preprocessor": {"type": "sentence-embedding", "max_length": 50}}
        (folder / "configuration.json").write_text(json.dumps({"task": "sentence-embedding"} | task))
        made = read(folder).queries
        assert (made.head, made.score, made.layout.query_length) == (head, "dot", 50)

    def test_an_unknown_pooler(self, copied: Copied) -> None:
        folder = copied("modelscope-passage-ranking")
        changed(folder / "configuration.json", task="sentence-embedding", model={"emb_pooler_type": "odd"})
        with pytest.raises(ArtifactError, match="emb_pooler_type 'odd'"):
            read(folder)


class TestSentenceTransformers:
    def test_a_bi_encoder(self) -> None:
        folder = FIXTURES / "st5-bi-mean-norm"
        made = read(folder).queries
        assert (made.head, made.score) == (Head("vector", ("mean",), normalize=True), "cosine")
        assert (made.layout.name, made.layout.query_length, made.layout.strip) == ("sentence-transformers", 24, True)
        other = read(folder, layout="modelscope").queries.layout
        assert (other.name, other.query_length, other.strip) == ("modelscope", 24, False)  # the file said the length
        state = safetensors.read(folder / "model.safetensors")
        assert np.array_equal(made.weights["layers.1.key.weight"], state["encoder.layer.1.attention.self.key.weight"].T)
        assert np.array_equal(made.weights["embeddings.type"], state["embeddings.token_type_embeddings.weight"])

    def test_prompts_and_the_score_of_the_config(self, copied: Copied) -> None:
        folder = copied("st5-bi-mean-norm")
        own = folder / "config_sentence_transformers.json"
        changed(own, prompts={"query": "q: ", "x": "all: "}, default_prompt_name="x", similarity_fn_name="dot")
        made = read(folder).queries
        assert (made.layout.query_prompt, made.layout.passage_prompt, made.score) == ("q: ", "all: ", "dot")
        changed(own, similarity_fn_name="euclidean")
        with pytest.raises(SettingsError, match="score = 'euclidean'"):
            read(folder)
        changed(own, similarity_fn_name=...)
        assert read(folder).queries.score == "cosine"
        assert read(folder, settings={"score": "dot"}).queries.score == "dot"

    @pytest.mark.parametrize(
        ("said", "pooling"),
        [
            ({"pooling_mode": "lasttoken"}, ("last",)),
            ({"pooling_mode": ["cls", "weightedmean"]}, ("cls", "weighted")),
            (
                {
                    "pooling_mode_mean_tokens": False,
                    "pooling_mode_max_tokens": True,
                    "pooling_mode_mean_sqrt_len_tokens": True,
                },
                ("max", "sqrt"),
            ),
        ],
    )
    def test_poolings_of_every_version(self, copied: Copied, said: dict[str, Any], pooling: tuple[str, ...]) -> None:
        folder = copied("st5-bi-mean-norm")
        changed(folder / "1_Pooling/config.json", **said)
        assert read(folder).queries.head.pooling == pooling

    def test_a_cross_encoder(self, copied: Copied) -> None:
        folder = copied("st5-cross-identity")
        made = read(folder, max_length=48).queries
        assert made.head == Head("score", dense=("tanh",))
        assert (made.score, made.layout.passage_length) == ("logit", 48)
        changed(folder / "config.json", sentence_transformers=..., num_labels=...)
        assert read(folder).queries.head.activation == "sigmoid"
        changed(folder / "config.json", sbert_ce_default_activation_function="os.system")
        with pytest.raises(ArtifactError, match=r"the activation 'os\.system'"):
            read(folder)

    @pytest.mark.parametrize("path", ["../st5-bi-mean-norm/1_Pooling", "/etc", "..\\x"])
    def test_modules_stay_in_their_folder(self, copied: Copied, path: str) -> None:
        folder = copied("st5-bi-mean-norm")
        listed = json.loads((folder / "modules.json").read_text())
        listed[1]["path"] = path
        (folder / "modules.json").write_text(json.dumps(listed))
        with pytest.raises(ArtifactError, match=r"modules\.json: found the path"):
            read(folder)

    @pytest.mark.parametrize("kind", ["models.CNN", "models.LSTM", "x.Odd", "custom_st.Pooling", None])
    def test_other_modules_are_refused(self, copied: Copied, kind: str | None) -> None:
        folder = copied("st5-bi-mean-norm")
        listed = json.loads((folder / "modules.json").read_text())
        listed[1]["type"] = kind
        (folder / "modules.json").write_text(json.dumps(listed))
        with pytest.raises(ArtifactError, match="the module"):
            read(folder)


class TestHuggingFace:
    @pytest.fixture
    def plain(self, copied: Copied) -> Path:
        folder = copied("st5-bi-mean-norm")
        (folder / "modules.json").unlink()
        return folder

    def test_a_plain_encoder_and_its_settings(self, plain: Path, caplog: pytest.LogCaptureFixture) -> None:
        made = read(plain).queries
        assert (made.head, made.score, made.layout.name) == (Head("vector", ("mean",)), "cosine", "huggingface")
        assert "settings={'pooling': ...}" in caplog.text
        said = {"pooling": "cls", "normalize": True, "score": "dot", "layer_norm_eps": 1e-5, "query_prompt": "q"}
        made = read(plain, settings=said, layout="sentence-transformers", max_length=(9, 20)).queries
        assert (made.head, made.score) == (Head("vector", ("cls",), normalize=True), "dot")
        assert (made.architecture.layer_norm_eps, made.layout.query_prompt) == (1e-5, "q")
        assert (made.layout.name, made.layout.query_length, made.layout.passage_length) == (
            "sentence-transformers",
            9,
            20,
        )

    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"poling": "cls"}, "did you mean 'pooling'"),
            ({"pooling": "clss"}, "did you mean 'cls'"),
            ({"score": "dott"}, "did you mean 'dot'"),
            ({"head": "vectr"}, "wanted 'vector' or 'score'"),
            ({"titles": "segmnt"}, "did you mean 'segment'"),
            ({"layer_norm_eps": "small"}, "layer_norm_eps"),
            ({"normalize": "yes"}, "normalize"),
            ({"heads": 5}, "5 heads for a width of 32"),
            ({"heads": 0}, "0 heads"),
            ({"layout": "rocketqua"}, "did you mean 'rocketqa'"),
            ({"like": "no such model"}, "no such model"),
            ({"tokens": "/no/such"}, "tokens="),
            ({"query_length": 500}, "at most 96"),
        ],
    )
    def test_settings_that_cannot_be(self, plain: Path, settings: dict[str, object], said: str) -> None:
        with pytest.raises((SettingsError, ArtifactError), match=said):
            read(plain, settings=settings)

    @pytest.mark.parametrize("length", [0, -1, 2, 1.5, True, "9", (1, 2, 3), 97])
    def test_lengths_that_cannot_be(self, plain: Path, length: Any) -> None:
        with pytest.raises(SettingsError):
            read(plain, max_length=length)

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({"model_type": "gpt2"}, "model type 'gpt2'"),
            ({"hidden_act": "swish"}, "activation 'swish'"),
            ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
            (
                {"hidden_size": 64},
                r"model\.safetensors: 'embeddings\.word_embeddings\.weight': found shape \(300, 32\)",
            ),
            ({"num_hidden_layers": 3}, r"found no 'encoder\.layer\.2\."),
            ({"num_hidden_layers": 1}, r"the weight 'encoder\.layer\.1\..*nothing uses"),
            ({"num_hidden_layers": 10**9}, "layers; wanted at most"),
            ({"num_hidden_layers": "two"}, "layers = 'two'"),
            ({"vocab_size": 200}, "ids for 200 rows"),
            ({"layer_norm_eps": 0}, "layer_norm_eps"),
            ({"architectures": ["BertForMaskedLM"]}, r"found no 'cls\.predictions\.transform"),
            ({"architectures": ["BertForSequenceClassification"]}, r"found no 'classifier\.weight"),
        ],
    )
    def test_configs_of_another_model(self, plain: Path, values: dict[str, Any], said: str) -> None:
        changed(plain / "config.json", **values)
        with pytest.raises((ArtifactError, SettingsError), match=said):
            read(plain)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_numbers_that_are_not_finite(self, plain: Path, value: float) -> None:
        state = {key: np.array(array) for key, array in safetensors.read(plain / "model.safetensors").items()}
        state["encoder.layer.1.output.dense.weight"][3, 4] = value
        (plain / "model.safetensors").unlink()
        file = save(plain / "model_state.pdparams.pdparams", state).rename(plain / "a.pdparams")
        index = {"weight_map": dict.fromkeys(state, file.name)}
        (plain / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(
            ArtifactError, match=r"'encoder\.layer\.1\.output\.dense\.weight': found numbers that are not finite"
        ):
            read(plain)

    def test_a_second_classifier_is_refused(self, copied: Copied) -> None:
        folder = copied("st5-cross-identity")
        state = dict(safetensors.read(folder / "model.safetensors"))
        (folder / "model.safetensors").unlink()
        old = {
            key.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): np.array(a)
            for key, a in state.items()
        }
        save(folder / "a.pdparams", old)
        index = {"weight_map": dict.fromkeys(old, "a.pdparams")}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
        assert read(folder).queries.head.labels == 1  # norms under their old names
        for extra, said in (("other_classifier.weight", "nothing uses"), ("head.classifier.weight", "for one weight")):
            save(folder / "a.pdparams", old | {extra: old["classifier.weight"] + 1})
            more = {"weight_map": index["weight_map"] | {extra: "a.pdparams"}}
            (folder / "pytorch_model.bin.index.json").write_text(json.dumps(more))
            with pytest.raises(ArtifactError, match=said):
                read(folder)

    def test_a_published_graph_takes_the_place_of_weights(self, plain: Path) -> None:
        (plain / "model.safetensors").unlink()
        with pytest.raises(ArtifactError, match="found no weights"):
            read(plain)
        (plain / "onnx").mkdir()
        for name in ("model_int8.onnx", "model_bf16.onnx"):
            (plain / "onnx" / name).write_bytes(b"x")
        with pytest.raises(SettingsError, match=r"wanted one model\.onnx"):
            read(plain)
        assert read(plain / "onnx/model_int8.onnx").queries.graph.endswith("model_int8.onnx")
        (plain / "onnx/model.onnx").write_bytes(b"x")
        made = read(plain).queries
        assert (made.graph, made.weights) == (str(plain / "onnx/model.onnx"), {})
        assert made.architecture.hidden == 32

    @pytest.mark.parametrize("name", ["", "README.md", "no"])
    def test_what_is_no_model(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "README.md").touch()
        with pytest.raises(ArtifactError, match=r"wanted a.*model"):
            read(tmp_path / name)
