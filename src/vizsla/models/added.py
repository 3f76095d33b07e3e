"""Added tokens: what a tokenizer matches whole in a text before words are split, and under which ids.

Knows the settings beside a vocabulary: tokenizer_config.json, special_tokens_map.json, and added_tokens.json of older
tools. Refuses to know vocabularies.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from vizsla.core.errors import ArtifactError
from vizsla.models import specials
from vizsla.models.weights.places import read_optional_json

if TYPE_CHECKING:
    from tokenizers import AddedToken, Tokenizer

Config: TypeAlias = Mapping[str, Any]
_LONGEST_ID = 9  # digits
_LISTED = "added_tokens_decoder"
_EXTRA, _ADDITIONAL = "extra_special_tokens", "additional_special_tokens"
_NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


def settings(folder: Path) -> dict[str, Any]:
    """What the files beside a vocabulary say, as transformers 5 lays them over each other.

    Older tools' special_tokens_map.json and added_tokens.json count where tokenizer_config.json lists no added tokens.

    Raises:
        ArtifactError: a file that is no object, or added_tokens.json without an id of its own for every token.
    """
    config = read_optional_json(folder / "tokenizer_config.json")
    if _LISTED in config:
        return config
    named = read_optional_json(folder / "special_tokens_map.json")
    further = [*_further(config), *(token for token in _list(named.get(_EXTRA)) if token not in _further(config))]
    laid = {**config, **named}
    if _EXTRA in laid or _ADDITIONAL in config:
        laid |= {_EXTRA: further, _ADDITIONAL: None}
    special = {specials.content(token) for token in (*(laid.get(key) for key in _NAMED), *further)}
    return laid | _listed(folder / "added_tokens.json", special)


def _listed(path: Path, special: AbstractSet[str]) -> dict[str, Any]:
    """The tokens of added_tokens.json as tokenizer_config.json lists them: what is not special is normalized."""
    found = read_optional_json(path)
    for token, place in found.items():
        if not token or type(place) is not int or place < 0:
            raise ArtifactError(f"{path}: found {token[:80]!r}: {str(place)[:80]}; wanted tokens with whole numbers")
    if len(set(found.values())) < len(found):
        raise ArtifactError(f"{path}: found two tokens with one id; wanted an id each: fetch it again")
    listed = {str(place): _entry(token, special=token in special) for token, place in found.items()}
    return {_LISTED: listed} if listed else {}


def _entry(token: str, *, special: bool) -> dict[str, object]:
    return {"content": token, "special": special, "normalized": not special}


def ids(config: Config) -> dict[str, int]:
    """The listed tokens with the ids that the settings give them.

    Raises:
        ArtifactError: an id that is no whole number.
    """
    return {specials.content(token): place for place, token in _sorted(config)}


def add(tokenizer: "Tokenizer", config: Config, called: Mapping[str, str]) -> None:
    """Add the tokens that the settings name and the tokenizer does not yet know as added.

    Args:
        tokenizer: changed in place.
        config: `settings`.
        called: the special tokens, by role.

    Raises:
        ArtifactError: an id that is no whole number.
    """
    known = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    listed, repeated = [_token(token) for _, token in _sorted(config)], ids(config)
    others = map(_token, (*_named(config, called), *_further(config)))
    wanted = [*listed, *(token for token in others if token.content not in repeated)]  # of two the later counts
    split = config.get("split_special_tokens") is True
    for token in wanted:
        if token.content and token.content not in known and not (split and token.special):
            tokenizer.add_special_tokens([token]) if token.special else tokenizer.add_tokens([token])


def check(tokenizer: "Tokenizer", config: Config, path: str | Path) -> None:
    """Check that the listed tokens have got the ids that the settings give them.

    The library numbers what is new from the end of the vocabulary on.

    Raises:
        ArtifactError: one has another id; a row of the word embedding would be taken for another's.
    """
    for token, place in ids(config).items():
        found = tokenizer.token_to_id(token)
        if found not in (None, place):
            wanted = "wanted ids that go on where the vocabulary ends: add the model's tokenizer.json"
            raise ArtifactError(f"{path}: found the added token {token[:80]!r} of id {place} at {found}; {wanted}")


def _sorted(config: Config) -> list[tuple[int, object]]:
    listed = config.get(_LISTED)
    if not isinstance(listed, Mapping):
        return []
    for place in listed:
        if not str(place).isdecimal() or len(str(place)) > _LONGEST_ID:
            raise ArtifactError(f"found {str(place)[:80]!r} among {_LISTED} of tokenizer_config.json; wanted an id")
    return sorted(((int(place), token) for place, token in listed.items()), key=lambda item: item[0])


def _named(config: Config, called: Mapping[str, str]) -> Iterator[object]:
    """The special tokens with the flags that the settings give them."""
    for key in _NAMED:
        given = config.get(key)
        name = called.get(key.removesuffix("_token"), specials.content(given))
        yield {**given, "special": True} if isinstance(given, Mapping) and specials.content(given) == name else name


def _further(config: Config) -> list[object]:
    return _list(config.get(_EXTRA) or config.get(_ADDITIONAL))


def _list(given: object) -> list[object]:
    return given if isinstance(given, list) else []


def _token(given: object) -> "AddedToken":
    from tokenizers import AddedToken

    if not isinstance(given, Mapping):
        return AddedToken(specials.content(given), normalized=False, special=True)
    flags = {key: bool(given[key]) for key in ("single_word", "lstrip", "rstrip") if key in given}
    special = bool(given.get("special", True))
    normalized = bool(given.get("normalized", not special))
    return AddedToken(specials.content(given), normalized=normalized, special=special, **flags)
