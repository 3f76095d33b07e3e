import re
from dataclasses import fields
from importlib.resources import files

import pytest

from vizsla.core.errors import SettingsError
from vizsla.models.description import Architecture, Description, Head, Layout, Score
from vizsla.models.parameters import shapes
from vizsla.models.registry import UNKNOWN, Entry, Figure, entries, find, parse

KNOWN = {field.name for kind in (Architecture, Head, Layout) for field in fields(kind)} | {"score"}
LICENCES = {"Apache-2.0", "CC-BY-NC-SA-4.0", UNKNOWN}
UNITS = {"%": 100.0, "s": 1000.0, "ms": 100.0, "per second": 20_000.0}
SIZES = ("base", "medium", "mini", "micro", "nano")
ALL = pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)


@ALL
def test_an_entry_is_whole(entry: Entry) -> None:
    assert bool(entry.id) != bool(entry.queries and entry.passages)
    assert bool(entry.queries) == bool(entry.passages)
    assert entry.licence in LICENCES
    assert set(entry.languages) <= {"zh", "en"}
    assert entry.languages
    assert re.match(r"https?://[\w.-]+/.+", entry.url)
    assert entry.layout in {"rocketqa", "paddlenlp", "sentence-transformers", "modelscope"}
    assert (entry.store == "hub") == (not entry.note or entry.system == "splade")
    assert entry.store != "hub" or all(each.count("/") == 1 for each in entry.ids)


@ALL
def test_settings_are_fields_of_the_description(entry: Entry) -> None:
    assert set(entry.settings) <= KNOWN, f"unknown: {set(entry.settings) - KNOWN}"
    kinds = {field.name: field.default for kind in (Architecture, Head, Layout) for field in fields(kind)}
    for key, value in entry.settings.items():
        if key != "score":
            assert type(value) is type(kinds[key]), f"{key} = {value!r}"


@ALL
def test_a_score_fits_its_kind(entry: Entry) -> None:
    scores = {"dense": {"dot", "cosine"}, "sparse": {"dot"}, "reranker": {"logit", "probability"}}
    assert entry.settings["score"] in scores[entry.kind]
    if entry.kind == "dense":
        # A model tuned for the dot product is never normalised.
        assert entry.settings["normalize"] == (entry.settings["score"] == "cosine")


@ALL
def test_figures_say_where_they_come_from(entry: Entry) -> None:
    seen = [(each.measure, each.data, each.conditions) for each in entry.figures]
    assert len(set(seen)) == len(seen)
    for figure in entry.figures:
        assert 0 < figure.value <= UNITS[figure.unit]
        assert figure.measure
        assert figure.data
        assert figure.source.title
        assert figure.source.url.startswith("https://")
        assert figure.source.conditions


def test_no_name_means_two_models() -> None:
    names = [name for entry in entries() for name in entry.names]
    assert len(set(names)) == len(names)


def test_every_source_is_used() -> None:
    text = files("vizsla.models").joinpath("registry.toml").read_text(encoding="utf-8")
    used = {figure.source.title for entry in entries() for figure in entry.figures}
    assert len(used) == len(re.findall(r"^\[sources\.", text, re.MULTILINE))


@pytest.mark.parametrize("size", SIZES)
def test_every_size_of_rocketqa_is_there(size: str) -> None:
    dual, cross = find(f"rocketqa-zh-{size}-query-encoder"), find(f"rocketqa-{size}-cross-encoder")
    assert find(f"rocketqa-zh-{size}-para-encoder") is dual
    assert dual.ids == (f"rocketqa-zh-{size}-query-encoder", f"rocketqa-zh-{size}-para-encoder")
    assert cross.ids == (f"rocketqa-{size}-cross-encoder",)


@pytest.mark.parametrize(
    "name",
    [
        "rocketqa-zh-dureader-query-encoder", "rocketqa-zh-dureader-cross-encoder", "rocketqa-v1-marco-para-encoder",
        "rocketqav2-en-marco-cross-encoder", "ernie-search-large-cross-encoder-marco-en", "v1_marco_de", "v2_marco_ce",
        "cross-encoder/ms-marco-TinyBERT-L-2", "cross-encoder/ms-marco-MiniLM-L-12-v2", "ms-marco-MiniLM-L-6-v2",
        "damo/nlp_corom_sentence-embedding_chinese-base", "iic/nlp_corom_sentence-embedding_chinese-tiny",
        "damo/nlp_corom_passage-ranking_english-base", "damo/nlp_rom_passage-ranking_chinese-base",
        "sentence-transformers/msmarco-distilbert-base-tas-b", "multi-qa-mpnet-base-dot-v1", "all-MiniLM-L6-v2",
        "naver/efficient-splade-V-large-doc", "naver/efficient-splade-VI-BT-large-query",
        "naver/splade-cocondenser-ensembledistil",
    ],
)  # fmt: skip
def test_the_published_names_are_known(name: str) -> None:
    assert name in find(name).names


def test_what_the_files_leave_out_is_there() -> None:
    assert find("msmarco-distilbert-dot-v5").settings["score"] == "dot"
    assert find("rocketqav2-en-marco-cross-encoder").settings["layer_norm_eps"] == 1e-5
    assert find("v1_marco_de").settings["layer_norm_eps"] == 1e-5
    assert "layer_norm_eps" not in find("rocketqa-zh-base").settings
    assert find("efficient-splade-V-large").restriction.startswith("not for commercial use")
    assert find("all-MiniLM-L6-v2").restriction == ""
    assert find("multi-qa-mpnet-base-dot-v1").restriction.startswith("no licence was found")


def test_parameters_are_counted_as_the_description_counts_them() -> None:
    nano = Architecture("ernie", 40000, 4, 312, 12, 1248, positions=2048, types=4, tasks=16)
    mpnet = Architecture("mpnet", 30527, 12, 768, 12, 3072, positions=514, buckets=32)
    for name, architecture in (("rocketqa-zh-nano", nano), ("multi-qa-mpnet-base-dot-v1", mpnet)):
        every = shapes(architecture, Head("vector")).values()
        assert find(name).parameters == sum(rows[0] * (rows[1] if len(rows) > 1 else 1) for rows in every)


def test_a_name_that_is_none_says_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'rocketqa-zh-base'"):
        find("rocketqa-zh-bas")
    with pytest.raises(SettingsError, match="did you mean 'all-MiniLM-L6-v2'"):
        find("ALL-minilm")
    with pytest.raises(SettingsError, match=r"it knows \d+ models, such as .*see: vizsla models"):
        find("")


def test_a_wrong_key_or_source_is_refused() -> None:
    model = '[[models]]\nname = "m"\nsystem = "corom"\nfamily = "bert"\nkind = "dense"\nlanguages = ["zh"]\n'
    whole = f'{model}licence = "Apache-2.0"\nstore = "hub"\nurl = "https://x/y"\nid = "a/b"\n'
    (entry,) = parse(f"sources = {{}}\n{whole}")
    assert entry.ids == ("a/b",)
    with pytest.raises(SettingsError, match="unknown setting 'licens'"):
        parse(f'sources = {{}}\n{whole}licens = ""\n')
    with pytest.raises(SettingsError, match="found the source 's' of a figure"):
        parse(f'sources = {{}}\n{whole}figures = [{{ measure = "MRR@10", source = "s" }}]\n')
    with pytest.raises(SettingsError, match="found kind = 'fast'"):
        parse(f"sources = {{}}\n{whole}".replace('"dense"', '"fast"'))


def test_scores_are_the_description_s() -> None:
    assert {field.name: field.type for field in fields(Description)}["score"] is Score
    assert {field.name for field in fields(Figure)} >= {"measure", "value", "unit", "data", "conditions", "source"}
