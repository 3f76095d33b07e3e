"""sentence-transformers' directories, versions 2 to 6: bi-encoders, sparse encoders, routers, cross-encoders.

Knows modules.json and what stands beside it; the encoder inside is a Hugging Face directory.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vizsla.core.errors import ArtifactError
from vizsla.models.description import Architecture, Description, Head, Layout, Towers, Weights
from vizsla.models.formats import huggingface, routes
from vizsla.models.formats.checkpoint import checked
from vizsla.models.formats.draft import Draft
from vizsla.models.formats.modules import Chain, Module, bare, followed, kind
from vizsla.models.formats.place import Place
from vizsla.models.formats.said import Said, major
from vizsla.models.formats.wishes import Wishes
from vizsla.models.tokenizer import Tokenizer
from vizsla.models.weights.places import read_json_list

MODULES = "modules.json"
_OWN = "config_sentence_transformers.json"
_STATES = "last_hidden_state"
_PROMPTS = {"query": ("query",), "passage": ("document", "passage", "corpus"), "pair": ()}
_UNSTRIPPED = 6  # the first version that takes texts as they are
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
        """The prompt of one side: its own name's, else the default's; of a pair's first text the default's alone."""
        prompts = self.own.get("prompts")
        prompts = prompts if isinstance(prompts, dict) else {}
        names = (*_PROMPTS[side], self.own.get("default_prompt_name"))
        found = next((prompts[name] for name in names if isinstance(name, str) and name in prompts), "")
        return found if isinstance(found, str) else ""

    def score(self, kind: str) -> str:
        """How vectors are compared: without a word, by cosine, and by dot product where they are terms."""
        said = Said(self.own, self.place.folder / _OWN, self.wishes)
        return str(said.get("score", "similarity_fn_name", default="dot" if kind == "terms" else "cosine"))

    def strips(self) -> bool:
        """Whether whitespace around texts goes, as it did until version 6."""
        versions = self.own.get("__version__")
        said = versions.get("sentence_transformers") if isinstance(versions, dict) else None
        return major(said) < _UNSTRIPPED

    def most(self, kind: str) -> int:
        """Of terms, how many of the largest weights stay; of vectors, how many of the first columns; 0 for all."""
        name = "max_active_dims" if kind == "terms" else "truncate_dim"
        count = self.own.get(name) or 0
        if type(count) is not int or count < 0:
            raise ArtifactError(f"{self.place.folder / _OWN}: found {name} {str(count)[:50]!r}; wanted a whole number")
        return count


def read(place: Place, wishes: Wishes) -> Towers:
    """The model of a directory with modules.json.

    Raises:
        ArtifactError: a file or a module that is not read.
        SettingsError: a value that cannot be.
    """
    whole = _Whole(place, place.json(_OWN, optional=True), wishes)
    modules = _listed(place)
    one, other = (routes.along(modules, side) for side in ("query", "passage"))
    queries = _tower(whole, one)
    passages = queries if one == other else _tower(whole, other)
    if one == other and not bare(one):
        return Towers(queries, passages)
    return Towers(_unprompted(whole, queries, one, "query"), _unprompted(whole, passages, other, "passage"))


def _listed(place: Place) -> list[Module]:
    path = place.folder / MODULES
    listed = read_json_list(path)
    modules = [
        Module(kind(each.get("type")), place.part(each.get("path", ""), said_by=MODULES))
        for each in listed
        if isinstance(each, dict)
    ]
    if not modules or len(modules) != len(listed):
        raise ArtifactError(f"{path}: found {str(listed)[:100]}; wanted modules with type and path")
    return modules


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
    _check_states(place, config, terms=terms)
    start = Head("terms", ("max",), transform=huggingface.transform(encoder)) if terms else Head("vector", ("mean",))
    prompts = whole.prompt("query"), whole.prompt("passage")
    chain = followed(rest, encoder, start)
    layout = _layout(encoder, config, chain.head, strip=whole.strips())
    layout = replace(layout, query_prompt=prompts[0], passage_prompt=prompts[1])
    most = whole.most(chain.head.kind)
    if chain.head.kind == "terms":
        chain = replace(chain, head=replace(chain.head, most=most))
        return _draft(whole, encoder, chain, layout).finish(whole.wishes)
    return replace(_draft(whole, encoder, chain, layout).finish(whole.wishes), dim=most)


def _check_states(place: Place, config: dict[str, Any], *, terms: bool) -> None:
    """Since version 6 an encoder may give another output of its model than the last hidden states."""
    found: object = config.get("modality_config")
    for key in ("text", "method_output_name"):
        found = found.get(key) if isinstance(found, dict) else None
    if not terms and found not in (None, _STATES):
        raise ArtifactError(f"{place.folder}: found the output {str(found)[:50]!r} of text; wanted '{_STATES}'")


def _unprompted(whole: _Whole, tower: Description, modules: list[Module], side: str) -> Description:
    """A tower whose pooling leaves its side's prompt out, where the directory wants it so.

    Until version 6 the first token's pooling took the first token of all.
    """
    layout, head = tower.layout, tower.head
    prompt = layout.query_prompt if side == "query" else layout.passage_prompt
    if not prompt or not bare(modules) or "skip" in whole.wishes.settings:
        return tower
    if whole.strips() and "cls" in head.pooling:
        if head.pooling != ("cls",):
            found = f"a pooling of {', '.join(head.pooling)} without the prompt"
            raise ArtifactError(f"{tower.name}: found {found} before version 6; wanted the first token's alone")
        return tower
    rows = Tokenizer(tower.tokens, replace(layout, query_prompt="", passage_prompt="")).queries([prompt])
    return replace(tower, head=replace(head, skip=int(rows.lengths()[0]) - layout.specials))


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


def _layout(encoder: huggingface.Encoder, config: dict[str, Any], head: Head, *, strip: bool) -> Layout:
    length = _length(config, "max_seq_length", encoder)
    layout = encoder.layout("sentence-transformers", head.kind, length)
    both = _asked(config, encoder)
    query, passage = (both or _length(config, key, encoder) for key in ("query_length", "document_length"))
    return replace(
        layout,
        strip=strip,
        lower=config.get("do_lower_case") is True,
        query_length=query or layout.query_length,
        passage_length=passage or layout.passage_length,
    )


def _length(config: dict[str, Any], key: str, encoder: huggingface.Encoder) -> int | None:
    length = config.get(key)
    if length is not None and (type(length) is not int or length < 1):
        raise ArtifactError(f"{encoder.place.folder}: found {key} = {str(length)[:50]!r}; wanted a whole number")
    return length


def _asked(config: dict[str, Any], encoder: huggingface.Encoder) -> int | None:
    """The length that version 6 gives the tokenizer itself; whatever else it may be given is refused.

    Raises:
        ArtifactError: something else that changes the tokens.
    """
    given = config.get("processing_kwargs") or {}
    text = given.get("text", {}) if isinstance(given, dict) and given.keys() <= {"text"} else None
    if not isinstance(text, dict) or text.keys() - {"max_length", "padding"} or config.get("query_expansion"):
        found = str({key: config.get(key) for key in ("processing_kwargs", "query_expansion")})
        raise ArtifactError(f"{encoder.place.folder}: found {found[:200]}; wanted text's max_length alone")
    return _length(text, "max_length", encoder)


def _reranker(whole: _Whole, encoder: huggingface.Encoder, config: dict[str, Any], rest: list[Module]) -> Description:
    if rest:
        found = f"the module '{rest[0].kind[:100]}'"
        raise ArtifactError(
            f"{whole.place.folder}: found {found} of a CrossEncoder; wanted a sequence classifier alone"
        )
    named = whole.own.get("activation_fn")
    length = _asked(config, encoder) or _length(config, "max_seq_length", encoder)
    made = huggingface.reranker(encoder, whole.wishes, named=named, length=length, strip=whole.strips())
    if "query_prompt" in whole.wishes.settings:
        return made
    return replace(made, layout=replace(made.layout, query_prompt=whole.prompt("pair")))


def _static(whole: _Whole, module: Module, rest: list[Module]) -> Description:
    """A weight a token, once for every token that a text has."""
    if rest or whole.most("terms"):
        found = f"{rest[0].kind[:100]} behind" if rest else "max_active_dims for a"
        raise ArtifactError(f"{module.place.folder}: found {found} SparseStaticEmbedding; wanted it alone on its route")
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
        layout=Layout("sentence-transformers", length, length, specials=False, query_prompt=whole.prompt("query")),
        tokens=lambda architecture: place.tokens(architecture, whole.wishes),
        score=whole.score("terms"),
        weights=lambda _architecture, _head: {"table": np.ascontiguousarray(table)},
    ).finish(Wishes(settings={}, like=whole.wishes.like, lengths=whole.wishes.lengths))
