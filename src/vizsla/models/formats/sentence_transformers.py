"""sentence-transformers' directories, versions 2 to 6: bi-encoders, sparse encoders, routers, cross-encoders.

Knows modules.json and what stands beside it; the encoder inside is a Hugging Face directory.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vizsla.core.errors import ArtifactError
from vizsla.models.description import Architecture, Description, Head, Layout, Towers, Weights
from vizsla.models.formats import huggingface
from vizsla.models.formats.checkpoint import checked
from vizsla.models.formats.draft import Draft
from vizsla.models.formats.modules import Chain, Module, followed
from vizsla.models.formats.place import Place
from vizsla.models.formats.said import Said
from vizsla.models.formats.wishes import Wishes
from vizsla.models.weights.places import read_json_list

MODULES = "modules.json"
_OWN = "config_sentence_transformers.json"
_ROUTES = {"query": ("query",), "passage": ("document", "passage", "corpus")}
_CONFIGS = [
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
]


@dataclass(frozen=True, slots=True)
class _Whole:
    """What stands at the top of a directory: its own config, and what settings wish."""

    place: Place
    own: dict[str, Any]
    wishes: Wishes

    def prompt(self, side: str) -> str:
        """The prompt of one side: its own name's, else the default's."""
        prompts = self.own.get("prompts")
        prompts = prompts if isinstance(prompts, dict) else {}
        names = (*_ROUTES[side], self.own.get("default_prompt_name"))
        found = next((prompts[name] for name in names if isinstance(name, str) and name in prompts), "")
        return found if isinstance(found, str) else ""

    def score(self, kind: str) -> str:
        """How vectors are compared: without a word, by cosine, and by dot product where they are terms."""
        said = Said(self.own, self.place.folder / _OWN, self.wishes)
        return str(said.get("score", "similarity_fn_name", default="dot" if kind == "terms" else "cosine"))


def read(place: Place, wishes: Wishes) -> Towers:
    """The model of a directory with modules.json.

    Raises:
        ArtifactError: a file or a module that is not read.
        SettingsError: a value that cannot be.
    """
    whole = _Whole(place, place.json(_OWN, optional=True), wishes)
    first, *rest = _listed(place)
    if first.kind != "Router":
        description = _tower(whole, [first, *rest])
        return Towers(description, description)
    config = first.place.json("router_config.json")
    queries = [*_route(first.place, config, "query"), *rest]
    passages = [*_route(first.place, config, "passage"), *rest]
    return Towers(_tower(whole, queries), _tower(whole, passages))


def _listed(place: Place) -> list[Module]:
    path = place.folder / MODULES
    listed = read_json_list(path)
    modules = [
        Module(_kind(each.get("type")), place.part(each.get("path", ""), said_by=MODULES))
        for each in listed
        if isinstance(each, dict)
    ]
    if not modules or len(modules) != len(listed):
        raise ArtifactError(f"{path}: found {str(listed)[:100]}; wanted modules with type and path")
    return modules


def _kind(name: object) -> str:
    return str(name).rpartition(".")[2]


def _route(place: Place, config: dict[str, Any], side: str) -> list[Module]:
    structure, types = config.get("structure"), config.get("types")
    parameters = config.get("parameters") or {}
    if not isinstance(structure, dict) or not isinstance(types, dict) or not isinstance(parameters, dict):
        raise ArtifactError(f"{place.folder}: found a router without structure and types; wanted both: fetch it again")
    names = (*_ROUTES[side], parameters.get("default_route"))
    route = next((structure[name] for name in names if isinstance(name, str) and name in structure), None)
    if not isinstance(route, list) or not route or not all(isinstance(each, str) and each in types for each in route):
        found = f"no route for a {side} among {', '.join(map(str, structure))[:200]}"
        raise ArtifactError(f"{place.folder}: found {found}; wanted query and document, or a default_route")
    return [Module(_kind(types[each]), place.part(each, said_by="router_config.json")) for each in route]


def _tower(whole: _Whole, modules: list[Module]) -> Description:
    first, *rest = modules
    if first.kind == "SparseStaticEmbedding":
        return _static(whole, first, rest)
    if first.kind not in ("Transformer", "MLMTransformer"):
        found = f"the module '{first.kind[:100]}' first"
        raise ArtifactError(f"{first.place.folder}: found {found}; wanted Transformer, MLMTransformer or Router")
    place = replace(first.place, weights=whole.place.weights) if first.place == whole.place else first.place
    encoder = huggingface.opened(place, whole.wishes)
    config = next((place.json(name) for name in _CONFIGS if place.has(name)), {})
    task = config.get("transformer_task")
    if task == "sequence-classification" or whole.own.get("model_type") == "CrossEncoder":
        return _reranker(whole, encoder, config, rest)
    terms = first.kind == "MLMTransformer" or task == "fill-mask"
    start = Head("terms", ("max",), transform=huggingface.transform(encoder)) if terms else Head("vector", ("mean",))
    prompts = whole.prompt("query"), whole.prompt("passage")
    chain = followed(rest, encoder, start, prompted=any(prompts))
    layout = replace(_layout(encoder, config, chain.head), query_prompt=prompts[0], passage_prompt=prompts[1])
    return _draft(whole, encoder, chain, layout).finish(whole.wishes)


def _draft(whole: _Whole, encoder: huggingface.Encoder, chain: Chain, layout: Layout) -> Draft:
    draft = encoder.draft(chain.head, layout, whole.score(chain.head.kind), whole.wishes)
    checkpoint = encoder.checkpoint
    if checkpoint is None:
        if chain.weights:
            raise ArtifactError(f"{whole.place.folder}: found Dense modules behind a published graph; wanted weights")
        return draft

    def weights(architecture: Architecture, head: Head) -> Weights:
        bare = checkpoint.take(architecture, replace(head, dense=()))
        return chain.over(bare, head) if head.kind == "vector" else checkpoint.take(architecture, head)

    return replace(draft, weights=weights)


def _layout(encoder: huggingface.Encoder, config: dict[str, Any], head: Head) -> Layout:
    length = _length(config, "max_seq_length", encoder)
    layout = encoder.layout("sentence-transformers", head.kind, length)
    query, passage = _length(config, "query_length", encoder), _length(config, "document_length", encoder)
    return replace(
        layout,
        lower=config.get("do_lower_case") is True,
        query_length=query or layout.query_length,
        passage_length=passage or layout.passage_length,
    )


def _length(config: dict[str, Any], key: str, encoder: huggingface.Encoder) -> int | None:
    length = config.get(key)
    if length is not None and (type(length) is not int or length < 1):
        raise ArtifactError(f"{encoder.place.folder}: found {key} = {str(length)[:50]!r}; wanted a whole number")
    return length


def _reranker(whole: _Whole, encoder: huggingface.Encoder, config: dict[str, Any], rest: list[Module]) -> Description:
    if rest or whole.own.get("default_prompt_name"):
        found = f"the module '{rest[0].kind[:100]}'" if rest else "a default prompt"
        raise ArtifactError(
            f"{whole.place.folder}: found {found} of a CrossEncoder; wanted a sequence classifier alone"
        )
    named, length = whole.own.get("activation_fn"), _length(config, "max_seq_length", encoder)
    return huggingface.reranker(encoder, whole.wishes, named=named, length=length)


def _static(whole: _Whole, module: Module, rest: list[Module]) -> Description:
    """A weight a token, once for every token that a text has."""
    if rest:
        found = f"{rest[0].kind[:100]} behind SparseStaticEmbedding"
        raise ArtifactError(f"{module.place.folder}: found {found}; wanted it alone on its route")
    place, path = module.place, module.config().get("path")
    if path is not None:
        raise ArtifactError(
            f"{place.folder}: found weights in {str(path)[:100]!r}; wanted model.safetensors: save it again"
        )
    arrays = place.arrays()
    if "weight" not in arrays or arrays["weight"].ndim != 1:
        raise ArtifactError(
            f"{place.folder}: found no row of weights; wanted 'weight', a number a token: fetch it again"
        )
    table = arrays["weight"]
    table = checked(table, table.shape, f"{place.folder}: 'weight'")
    length = huggingface.limit(place.json("tokenizer_config.json", optional=True))
    return Draft(
        name=place.name,
        architecture=Architecture("static", len(table)),
        head=Head("terms", ("max",)),
        layout=Layout(
            "sentence-transformers", length, length, specials=False, strip=True, query_prompt=whole.prompt("query")
        ),
        tokens=lambda architecture: place.tokens(architecture, whole.wishes),
        score=whole.score("terms"),
        weights=lambda _architecture, _head: {"table": np.ascontiguousarray(table)},
    ).finish(Wishes(settings={}, like=whole.wishes.like, lengths=whole.wishes.lengths))
