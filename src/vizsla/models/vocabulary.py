"""Vocabulary files to the `tokenizers` library's JSON, and which ids are special.

Knows vocab.txt (word-piece), tokenizer.json, and vocab.json with merges.txt (byte-level BPE), and how the
published settings beside them change what they mean. Refuses to know lengths, prompts and segments: those
are a layout's.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vizsla.core.errors import ArtifactError
from vizsla.models import added, parsed, specials
from vizsla.models.description import Tokens

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MPNET = specials.ANGLE | {"unk": specials.SQUARE["unk"]}
_AS_PUBLISHED = ("PreTrainedTokenizerFast", "TokenizersBackend")
"""Tokenizer classes that take tokenizer.json as it stands; the others lay their settings over it."""
_SIGNS = "\u00ad\u00b2\u00ba\u3007\u00b5\u00d8\u014b\u01b1\U0002b820-\U0002b91f"
"""What ERNIE's tokenizer splits off besides Unicode's symbols, and a Chinese block that the library leaves out."""


def from_folder(folder: str | Path, config: Mapping[str, object], *, symbols: bool = False) -> Tokens:
    """The tokenizer of a folder: its tokenizer.json, else its vocab.txt, else its vocab.json and merges.txt.

    Args:
        folder: where the files stand.
        config: what the files beside it say, `added.settings`.
        symbols: split symbols off as ERNIE does; then vocab.txt comes first.

    Raises:
        ArtifactError: none of these files is there, or one cannot be read.
    """
    here = Path(folder)
    if (here / "tokenizer.json").is_file() and not (symbols and (here / "vocab.txt").is_file()):
        return from_json(here / "tokenizer.json", config)
    if (here / "vocab.txt").is_file():
        return from_vocabulary(here / "vocab.txt", config, symbols=symbols)
    if (here / "vocab.json").is_file() and (here / "merges.txt").is_file():
        return from_merges(here / "vocab.json", here / "merges.txt", config)
    models = sorted(path.name for path in here.glob("*.model"))
    found = f"only {models[0]}" if models else "no tokenizer"
    wanted = "wanted tokenizer.json, vocab.txt, or vocab.json with merges.txt"
    advice = "fetch tokenizer.json from where the model is published" if models else "add the model's own file"
    raise ArtifactError(f"{here}: found {found}; {wanted}; {advice}")


def from_vocabulary(path: str | Path, config: Mapping[str, object], *, symbols: bool = False) -> Tokens:
    """Read vocab.txt, one piece a line, as BERT's word-piece tokenizer.

    A line may name its id behind a tab. Of lines that stand twice, the last counts.

    Args:
        path: the file.
        config: what the files beside it say, `added.settings`.
        symbols: split every Unicode symbol off like punctuation, and cut the second text on ties: ERNIE.

    Raises:
        ArtifactError: the file cannot be read, lacks a special token, or gives an added token another id.
    """
    from tokenizers import Tokenizer, models

    vocabulary = _lines(Path(path))
    mpnet = str(config.get("tokenizer_class", "")).startswith("MPNet")
    names = specials.names(config, _MPNET if mpnet else specials.SQUARE)
    ids = specials.ids(names, _known(vocabulary, names, config), str(path))
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=names["unk"], max_input_chars_per_word=100))
    _split_words(tokenizer, _normalizer(config), symbols=symbols)
    added.add(tokenizer, config, names)
    added.check(tokenizer, config, path)
    frame = specials.frame(None, names, typed=specials.typed(config))
    return _tokens(tokenizer, frame, ids, ties="second" if symbols else "first")


def _split_words(tokenizer: "Tokenizer", settings: Mapping[str, Any], *, symbols: bool) -> None:
    """BERT's normalizer and splitter; with symbols, by today's Unicode tables (the library's own are older)."""
    from tokenizers import Regex, normalizers, pre_tokenizers

    normalizer, splitter = normalizers.BertNormalizer(**settings), pre_tokenizers.BertPreTokenizer()
    if not symbols:
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, splitter
        return
    steps = [normalizers.Replace(Regex(r"[\p{Cn}\p{Cf}]"), ""), normalizer]
    accents = settings["lowercase"] if settings["strip_accents"] is None else settings["strip_accents"]
    steps += [normalizers.Replace(Regex(r"\p{Mn}"), "")] if accents else []
    signs = pre_tokenizers.Split(Regex(rf"[\p{{S}}\p{{P}}{_SIGNS}]"), "isolated")
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([signs, splitter])


def from_merges(path: str | Path, merges: str | Path, config: Mapping[str, object]) -> Tokens:
    """Read vocab.json and merges.txt as RoBERTa's byte-level BPE tokenizer.

    Raises:
        ArtifactError: a file cannot be read, or the vocabulary lacks a special token or gives an added one another id.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = _object(Path(path))
    names = specials.names(config, specials.ANGLE)
    ids = specials.ids(names, _known(vocabulary, names, config), str(path))
    lines = [line for line in _text(Path(merges)).split("\n") if line and not line.startswith("#version")]
    with _Reading(merges):
        pairs = [(left, right) for left, right in (line.split(" ") for line in lines)]
        tokenizer = Tokenizer(models.BPE(vocabulary, pairs, continuing_subword_prefix="", end_of_word_suffix=""))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=config.get("add_prefix_space") is True)
    added.add(tokenizer, config, names)
    added.check(tokenizer, config, path)
    return _tokens(tokenizer, specials.frame(None, names, typed=specials.typed(config)), ids)


def from_json(path: str | Path, config: Mapping[str, object]) -> Tokens:
    """Read a published tokenizer.json; its truncation, padding and post-processor are set aside.

    Args:
        path: the file.
        config: what the files beside it say, `added.settings`.

    Raises:
        ArtifactError: the file cannot be read, or lacks a special token.
    """
    from tokenizers import Tokenizer

    published = _object(Path(path))
    with _Reading(path):
        _lay_over(published, config)
        named = published.pop("post_processor", None)
        tokenizer = Tokenizer.from_str(json.dumps(published | {"truncation": None, "padding": None}))
        tokenizer.encode("\ufdd0\u2603a")  # a model that lacks what it calls the unknown token says so here
        known = tokenizer.get_vocab(with_added_tokens=True)
        names = specials.names(config, specials.SQUARE if specials.SQUARE["cls"] in known else specials.ANGLE)
        frame = specials.frame(named, names, typed=specials.typed(config))
        names |= frame.names
    ids = specials.ids(names, known, str(path))
    added.add(tokenizer, config, names)
    return _tokens(tokenizer, frame, ids)


def _tokens(tokenizer: "Tokenizer", frame: specials.Frame, ids: Mapping[str, int], ties: str = "first") -> Tokens:
    size = 1 + max(tokenizer.get_vocab(with_added_tokens=True).values())
    made = parsed.keep(tokenizer)
    return Tokens(made, **ids, double_sep=frame.double_sep, second_type=frame.second_type, ties=ties, size=size)


def _known(vocabulary: Mapping[str, int], names: Mapping[str, str], config: Mapping[str, object]) -> dict[str, int]:
    """A vocabulary with its added tokens; a word's pieces fall back on the unknown token, which must be one of them."""
    return {**{token: place for token, place in added.ids(config).items() if token != names["unk"]}, **vocabulary}


def _normalizer(config: Mapping[str, object]) -> dict[str, Any]:
    return {
        "clean_text": True,
        "handle_chinese_chars": config.get("tokenize_chinese_chars", True) is not False,
        "strip_accents": config.get("strip_accents"),
        "lowercase": config.get("do_lower_case", True) is not False,
    }


def _lay_over(published: dict[str, Any], config: Mapping[str, object]) -> None:
    """A named tokenizer class takes its settings from the config, its own defaults where that is silent."""
    if config.get("split_special_tokens") is True:
        published["added_tokens"] = [t for t in published.get("added_tokens") or [] if not t["special"]]
    if config.get("tokenizer_class") in _AS_PUBLISHED:
        return
    normalizer, splitter = published.get("normalizer") or {}, published.get("pre_tokenizer") or {}
    if normalizer.get("type") == "BertNormalizer":
        normalizer |= _normalizer(config)
    if splitter.get("type") == "ByteLevel":
        splitter["add_prefix_space"] = config.get("add_prefix_space") is True


def _lines(path: Path) -> dict[str, int]:
    """Pieces to ids: the number of the line, or what stands behind a tab."""
    lines = _text(path).removesuffix("\n").split("\n")
    vocabulary: dict[str, int] = {}
    for number, line in enumerate(lines):
        piece, tab, given = line.partition("\t")
        named = tab and given.strip().isdecimal()
        vocabulary[piece if named else line] = int(given) if named else number
    return vocabulary


def _object(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise _broken(path, error) from error
    if not isinstance(found, dict):
        raise _broken(path, f"it holds a {type(found).__name__}")
    return found


def _text(path: Path) -> str:
    """A UTF-8 file with its line ends made plain."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _broken(path, error) from error
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror}); add the model's own file") from error


class _Reading:
    """What goes wrong while a published file is taken apart is that file's fault.

    The `tokenizers` library raises `Exception` itself, which no handler can name without catching everything.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if kind in (Exception, TypeError, ValueError, KeyError, IndexError, AttributeError, StopIteration):
            raise _broken(self._path, error) from error
        if kind is not None and kind.__name__ == "PanicException":
            raise _broken(self._path, error) from error


def _broken(path: str | Path, why: object) -> ArtifactError:
    return ArtifactError(f"{path}: not a tokenizer's file ({why}); fetch it again from where the model is published")
