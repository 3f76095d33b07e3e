"""Special tokens: what a model calls them, where they stand, and which ids they have.

Knows how published settings and post-processors name them. Refuses to know texts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from vizsla.core.errors import ArtifactError

Template: TypeAlias = Sequence[Mapping[str, Any]]
ROLES = ("cls", "sep", "pad", "unk", "mask")
SQUARE = {role: f"[{role.upper()}]" for role in ROLES}
_UNTYPED = ("DistilBert", "MPNet", "Roberta", "XLMRoberta", "Camembert", "TokenizersBackend")
"""Tokenizer classes that give no token types unless they are told to."""
ANGLE = {"cls": "<s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around one text and between two.

    Attributes:
        names: the tokens before and after, by role, where they are known.
        double_sep: two separators between the segments of a pair.
        second_type: token type of the second segment.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    double_sep: bool = False
    second_type: int = 1


def typed(config: Mapping[str, object]) -> bool:
    """Whether the tokenizer gives token types: it says what it gives, or its class does.

    Without them the model takes every token for one of the first text.
    """
    given = config.get("model_input_names")
    if isinstance(given, list):
        return "token_type_ids" in given
    return not str(config.get("tokenizer_class", "")).startswith(_UNTYPED)


def frame(post_processor: Mapping[str, Any] | None, names: Mapping[str, str], *, typed: bool = True) -> Frame:
    """Read a frame off a tokenizer.json's post-processor; without one, off the separator's name.

    Args:
        post_processor: what the file says, None without one.
        names: of the special tokens, by role.
        typed: whether the tokenizer gives token types.

    Raises:
        ArtifactError: a post-processor that puts other tokens around a text than one before and one after.
    """
    made = _frame(post_processor, names)
    return made if typed else replace(made, second_type=0)


def _frame(post_processor: Mapping[str, Any] | None, names: Mapping[str, str]) -> Frame:
    for found in _processors(post_processor):
        kind = found.get("type")
        if kind in ("BertProcessing", "RobertaProcessing"):
            double = kind == "RobertaProcessing"
            around = {"cls": str(found["cls"][0]), "sep": str(found["sep"][0])}
            return Frame(around, double_sep=double, second_type=0 if double else 1)
        if kind == "TemplateProcessing":
            return _template(found["single"], found["pair"], names)
    return _by_name(names)


def _by_name(names: Mapping[str, str]) -> Frame:
    double = names["sep"] == ANGLE["sep"]
    return Frame({}, double_sep=double, second_type=0 if double else 1)


def _processors(found: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    if found is None:
        return
    if found.get("type") == "Sequence":
        for inner in found["processors"]:
            yield from _processors(inner)
    else:
        yield found


def _template(
    single: Sequence[Mapping[str, Any]], pair: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> Frame:
    around, between = _pieces(single), _pieces(pair)
    if around == ["A"]:
        return _by_name(names)
    if len(around) != 3 or around[1] != "A" or len(between) not in (5, 6) or "B" not in between:
        wanted = "wanted one token before and one after the text"
        raise ArtifactError(f"found the template {around} in a tokenizer.json; {wanted}; this model is not supported")
    second = next(piece["Sequence"]["type_id"] for piece in pair if piece.get("Sequence", {}).get("id") == "B")
    before, after = around[0][1:], around[2][1:]
    return Frame({"cls": before, "sep": after}, double_sep=len(between) == 6, second_type=int(second))


def _pieces(template: Template) -> list[str]:
    """A and B for the texts, = and its name for a special token."""
    return [p["Sequence"]["id"] if "Sequence" in p else "=" + p["SpecialToken"]["id"] for p in template]


def names(config: Mapping[str, object], defaults: Mapping[str, str]) -> dict[str, str]:
    """What the settings call the special tokens, else the defaults."""
    return {role: content(config.get(f"{role}_token")) or defaults[role] for role in ROLES}


def ids(called: Mapping[str, str], vocabulary: Mapping[str, int], file: str) -> dict[str, int]:
    """The ids of the special tokens; -1 for a mask that there is not.

    Raises:
        ArtifactError: one that every row needs is not in the vocabulary.
    """
    found = {role: vocabulary.get(called[role], -1) for role in ROLES}
    for role in ROLES[:-1]:
        if found[role] < 0:
            advice = f'name it in tokenizer_config.json: "{role}_token"'
            raise ArtifactError(f"{file}: holds no {called[role]!r:.80}; wanted the model's {role} token; {advice}")
    return found


def content(given: object) -> str:
    """What a token is: a string, or an object with its content; "" for all else."""
    if isinstance(given, Mapping):
        return str(given.get("content", ""))
    return given if isinstance(given, str) else ""
