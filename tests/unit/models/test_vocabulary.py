import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from vizsla.core.errors import ArtifactError
from vizsla.models.description import Tokens
from vizsla.models.vocabulary import from_folder, from_json, from_merges, from_vocabulary

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cafe", "CAFE", "café", "##s", "a", "b", "桥", "$", "1", "##$"]
GOLDEN = json.loads((Path(__file__).parent / "fixtures" / "tokens" / "golden.json").read_text("utf-8"))


def pieces(tokens: Tokens, text: str) -> list[str]:
    made: list[str] = Tokenizer.from_str(tokens.json).encode(text, add_special_tokens=False).tokens
    return made


def vocabulary(folder: Path, lines: list[str] = PIECES, end: str = "\n") -> Path:
    path = folder / "vocab.txt"
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def published(folder: Path, **changes: Any) -> Path:
    tokenizer = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=7)
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(tokenizer.to_str()) | changes), "utf-8")
    return path


def test_a_word_piece_vocabulary(tmp_path: Path) -> None:
    tokens = from_vocabulary(vocabulary(tmp_path), {})
    assert (tokens.pad, tokens.unk, tokens.cls, tokens.sep, tokens.mask) == (0, 1, 2, 3, 4)
    assert (tokens.size, tokens.double_sep, tokens.second_type, tokens.ties) == (15, False, 1, "first")
    assert pieces(tokens, "Cafés 桥a xyz") == ["cafe", "##s", "桥", "a", "[UNK]"]


@pytest.mark.parametrize(
    ("config", "second_type"),
    [
        ({"tokenizer_class": "BertTokenizerFast"}, 1),
        ({"tokenizer_class": "DistilBertTokenizer"}, 0),
        ({"tokenizer_class": "TokenizersBackend"}, 0),
        ({"tokenizer_class": "PreTrainedTokenizerFast"}, 1),
        ({"model_input_names": ["input_ids", "attention_mask"]}, 0),
        ({"tokenizer_class": "DistilBertTokenizer", "model_input_names": ["input_ids", "token_type_ids"]}, 1),
    ],
)
def test_a_tokenizer_that_gives_no_token_types(tmp_path: Path, config: Mapping[str, object], second_type: int) -> None:
    assert from_vocabulary(vocabulary(tmp_path), config).second_type == second_type
    assert from_json(published(tmp_path), config).second_type == second_type


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, "cafe"),
        ({"do_lower_case": True}, "cafe"),
        ({"do_lower_case": True, "strip_accents": False}, "café"),
        ({"do_lower_case": False}, "[UNK]"),
        ({"do_lower_case": False, "strip_accents": True}, "CAFE"),
    ],
)
def test_case_and_accents(tmp_path: Path, config: Mapping[str, object], wanted: str) -> None:
    assert pieces(from_vocabulary(vocabulary(tmp_path), config), "CAFÉ") == [wanted]


def test_chinese_may_stay_in_words(tmp_path: Path) -> None:
    assert pieces(from_vocabulary(vocabulary(tmp_path), {"tokenize_chinese_chars": False}), "a桥") == ["[UNK]"]


def test_symbols_are_split_off_where_asked(tmp_path: Path) -> None:
    path = vocabulary(tmp_path)
    assert pieces(from_vocabulary(path, {}), "a€") == ["[UNK]"]
    tokens = from_vocabulary(path, {}, symbols=True)
    assert tokens.ties == "second"
    for sign in "€℃\u00d7\uff0b°²":
        assert pieces(tokens, f"a{sign}b") == ["a", "[UNK]", "b"], sign


@pytest.mark.parametrize(("text", "wanted"), GOLDEN["tokens"].items())
def test_ernies_own_tokens(text: str, wanted: list[str]) -> None:
    tokens = from_vocabulary(Path(__file__).parent / "fixtures" / "tokens" / "vocab.txt", {}, symbols=True)
    assert pieces(tokens, text) == wanted


def test_control_signs_vanish_and_long_words_are_unknown(tmp_path: Path) -> None:
    tokens = from_vocabulary(vocabulary(tmp_path), {})
    assert pieces(tokens, "ca\u00adf\x00e\ufffds \u200b\r\n") == ["cafe", "##s"]
    assert pieces(tokens, "a" + "s" * 99) == ["a", *["##s"] * 99]
    assert pieces(tokens, "a" + "s" * 100) == ["[UNK]"]


def test_specials_in_a_text_stay_specials_unless_the_settings_split_them(tmp_path: Path) -> None:
    path = vocabulary(tmp_path)
    assert pieces(from_vocabulary(path, {}), "a[SEP]b [mask]") == ["a", "[SEP]", "b", "[UNK]", "[UNK]", "[UNK]"]
    assert "[SEP]" not in pieces(from_vocabulary(path, {"split_special_tokens": True}), "a[SEP]b")
    assert "[SEP]" not in pieces(from_json(published(tmp_path), {"split_special_tokens": True}), "a[SEP]b")


def test_line_ends_marks_and_numbers_make_no_difference(tmp_path: Path) -> None:
    plain = from_vocabulary(vocabulary(tmp_path), {})
    assert from_vocabulary(vocabulary(tmp_path, end="\r\n"), {}) == plain
    assert from_vocabulary(vocabulary(tmp_path, ["\ufeff[PAD]", *PIECES[1:]]), {}) == plain
    numbered = [f"{piece}\t{i}" for i, piece in enumerate(PIECES)]
    assert from_vocabulary(vocabulary(tmp_path, numbered[::-1]), {}) == plain


def test_of_a_piece_that_stands_twice_the_last_counts(tmp_path: Path) -> None:
    tokens = from_vocabulary(vocabulary(tmp_path, [*PIECES, "a"]), {})
    assert Tokenizer.from_str(tokens.json).encode("a", add_special_tokens=False).ids == [len(PIECES)]
    assert tokens.size == len(PIECES) + 1


def test_specials_under_other_names(tmp_path: Path) -> None:
    lines = ["<pad>", "<unk>", "<s>", "</s>", "a", "<x>"]
    config = {
        "cls_token": "<s>",
        "sep_token": {"content": "</s>", "lstrip": False},
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "additional_special_tokens": ["<x>"],
        "added_tokens_decoder": {"6": {"content": "new word", "special": False, "normalized": True}},
    }
    tokens = from_vocabulary(vocabulary(tmp_path, lines), config)
    assert (tokens.pad, tokens.unk, tokens.cls, tokens.sep, tokens.mask) == (0, 1, 2, 3, -1)
    assert pieces(tokens, "a<x>a New Word") == ["a", "<x>", "a", "new word"]
    assert tokens.size == 8  # the added word, and the mask that the settings name by default


def test_mpnet(tmp_path: Path) -> None:
    lines = ["<s>", "<pad>", "</s>", "<unk>", "a", "[UNK]", "<mask>", "[CLS]", "[SEP]", "[PAD]"]
    tokens = from_vocabulary(vocabulary(tmp_path, lines), {"tokenizer_class": "MPNetTokenizer"})
    assert (tokens.cls, tokens.pad, tokens.sep, tokens.unk, tokens.mask) == (0, 1, 2, 5, 6)
    assert (tokens.double_sep, tokens.second_type) == (True, 0)


def test_a_missing_special_is_an_error_that_says_where_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"vocab\.txt: holds no '\[SEP\]'; .*\"sep_token\""):
        from_vocabulary(vocabulary(tmp_path, ["[PAD]", "[UNK]", "[CLS]", "a"]), {})


def test_a_published_json_loses_its_lengths_and_its_specials_around(tmp_path: Path) -> None:
    tokens = from_json(published(tmp_path), {})
    assert pieces(tokens, "a b a b a") == ["a", "b", "a", "b", "a"]
    assert (tokens.cls, tokens.sep, tokens.double_sep, tokens.second_type, tokens.size) == (2, 3, False, 1, 15)


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, ["cafe"]),
        ({"do_lower_case": False}, ["CAFE"]),
        ({"tokenizer_class": "BertTokenizer", "do_lower_case": False}, ["CAFE"]),
        ({"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": False}, ["cafe"]),
    ],
)
def test_a_named_class_lays_its_settings_over_the_json(
    tmp_path: Path, config: Mapping[str, object], wanted: list[str]
) -> None:
    assert pieces(from_json(published(tmp_path), config), "CAFE") == wanted


def piece(**kind: Any) -> dict[str, Any]:
    return {name: {"id": token, "type_id": number} for name, (token, number) in kind.items()}


def template(*pair: dict[str, Any]) -> dict[str, Any]:
    single = [piece(SpecialToken=("[CLS]", 0)), piece(Sequence=("A", 0)), piece(SpecialToken=("[SEP]", 0))]
    tokens = {name: {"id": name, "ids": [i], "tokens": [name]} for i, name in ((2, "[CLS]"), (3, "[SEP]"))}
    return {"type": "TemplateProcessing", "single": single, "pair": list(pair), "special_tokens": tokens}


CLS, SEP = piece(SpecialToken=("[CLS]", 0)), piece(SpecialToken=("[SEP]", 0))
A, B, B1 = piece(Sequence=("A", 0)), piece(Sequence=("B", 0)), piece(Sequence=("B", 1))
ROBERTA = {"type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2], "trim_offsets": True}


@pytest.mark.parametrize(
    ("processor", "between"),
    [
        (template(CLS, A, SEP, B1, SEP), (False, 1)),
        (template(CLS, A, SEP, SEP, B, SEP), (True, 0)),
        ({"type": "Sequence", "processors": [{"type": "ByteLevel"}, template(CLS, A, SEP, B, SEP)]}, (False, 0)),
        (ROBERTA, (True, 0)),
        (None, (False, 1)),
    ],
)
def test_what_stands_between_two_texts(tmp_path: Path, processor: object, between: tuple[bool, int]) -> None:
    tokens = from_json(published(tmp_path, post_processor=processor), {})
    assert (tokens.cls, tokens.sep, (tokens.double_sep, tokens.second_type)) == (2, 3, between)


def test_another_frame_than_one_before_and_one_after_is_refused(tmp_path: Path) -> None:
    odd = template(CLS, A, SEP, B, SEP)
    odd["single"] = [CLS, SEP, A, SEP]
    with pytest.raises(ArtifactError, match="wanted one token before and one after"):
        from_json(published(tmp_path, post_processor=odd), {})


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"type": "WordPiece"}},
        {"model": None},
        {"model": {"type": "WordPiece", "vocab": {"a": 0}, "unk_token": "gone", "continuing_subword_prefix": "##"}},
        {"added_tokens": 3},
        {"normalizer": [1]},
        {"pre_tokenizer": {"type": "Nothing"}},
        {"post_processor": {"type": "TemplateProcessing"}},
        {"post_processor": {"type": "BertProcessing", "cls": [], "sep": []}},
    ],
)
def test_a_broken_json_is_named(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(ArtifactError, match=r"tokenizer\.json: not a tokenizer's file"):
        from_json(published(tmp_path, **changes), {})


def test_files_that_are_no_text_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ArtifactError, match="not a tokenizer's file"):
        from_json(tmp_path / "tokenizer.json", {})
    (tmp_path / "tokenizer.json").write_text("[" * 100_000)
    with pytest.raises(ArtifactError, match="not a tokenizer's file"):
        from_json(tmp_path / "tokenizer.json", {})
    (tmp_path / "tokenizer.json").write_text("[]")
    with pytest.raises(ArtifactError, match="it holds a list"):
        from_json(tmp_path / "tokenizer.json", {})
    with pytest.raises(ArtifactError, match=r"vocab\.txt: cannot be read"):
        from_vocabulary(tmp_path / "vocab.txt", {})


def merges(folder: Path, lines: str = "#version: 0.2\nĠ a\na b\n") -> tuple[Path, Path]:
    names = ["<s>", "<pad>", "</s>", "<unk>", "a", "b", "Ġ", "Ġa", "ab", "<mask>"]
    (folder / "vocab.json").write_text(json.dumps({name: i for i, name in enumerate(names)}), "utf-8")
    (folder / "merges.txt").write_text(lines, "utf-8")
    return folder / "vocab.json", folder / "merges.txt"


def test_byte_level_merges(tmp_path: Path) -> None:
    tokens = from_merges(*merges(tmp_path), {})
    assert (tokens.cls, tokens.pad, tokens.sep, tokens.unk, tokens.mask) == (0, 1, 2, 3, 9)
    assert (tokens.double_sep, tokens.second_type, tokens.size) == (True, 0, 10)
    assert pieces(tokens, "ab ab") == ["ab", "Ġa", "b"]
    assert pieces(from_merges(*merges(tmp_path), {"add_prefix_space": True}), "ab") == ["Ġa", "b"]


def test_merges_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"merges\.txt: not a tokenizer's file"):
        from_merges(*merges(tmp_path, "a b c\n"), {})
    with pytest.raises(ArtifactError, match=r"merges\.txt: not a tokenizer's file"):
        from_merges(*merges(tmp_path, "x y\n"), {})


def test_a_folders_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"found no tokenizer; wanted tokenizer\.json"):
        from_folder(tmp_path, {})
    (tmp_path / "sentencepiece.bpe.model").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"found only sentencepiece\.bpe\.model; wanted tokenizer\.json"):
        from_folder(tmp_path, {})
    merges(tmp_path)
    assert from_folder(tmp_path, {}).size == 10
    vocabulary(tmp_path, [*PIECES, "more"])
    assert from_folder(tmp_path, {}).size == 16
    published(tmp_path)
    assert from_folder(tmp_path, {}).size == 15
    assert from_folder(tmp_path, {}, symbols=True).size == 16
