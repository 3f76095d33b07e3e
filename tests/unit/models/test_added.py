import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from vizsla.core.errors import ArtifactError
from vizsla.models import added
from vizsla.models.vocabulary import from_folder

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "word", "old"]
AFTER = len(PIECES)


def folder(path: Path, **files: Any) -> Path:
    (path / "vocab.txt").write_text("\n".join(PIECES) + "\n")
    for name, value in files.items():
        (path / f"{name}.json").write_text(json.dumps(value))
    return path


def encoded(path: Path, text: str) -> list[int]:
    library = Tokenizer.from_str(from_folder(path, added.settings(path)).json)
    made: list[int] = library.encode(text, add_special_tokens=False).ids
    return made


def test_tokens_of_an_older_tools_file_have_its_ids(tmp_path: Path) -> None:
    assert encoded(folder(tmp_path), "a [Q] word") == [5, 1, 1, 1, 6]
    folder(tmp_path, added_tokens={"two words": AFTER + 1, "[Q]": AFTER, "old": 7})
    assert encoded(tmp_path, "a [Q] word two words aolda") == [5, 8, 6, 9, 5, 7, 5]


@pytest.mark.parametrize(
    ("files", "ids"),
    [
        ({}, [8, 8]),
        ({"special_tokens_map": {"additional_special_tokens": ["[Q]"]}}, [8, 8]),
        ({"special_tokens_map": {"extra_special_tokens": ["[Q]"]}}, [8, 1, 1, 1]),
        ({"special_tokens_map": {"bos_token": {"content": "[Q]"}}}, [8, 1, 1, 1]),
        ({"tokenizer_config": {"additional_special_tokens": ["[Q]"]}}, [8, 1, 1, 1]),
        ({"tokenizer_config": {"do_lower_case": False}}, [8, 1, 1, 1]),
    ],
)
def test_what_is_special_is_matched_as_it_stands(tmp_path: Path, files: dict[str, Any], ids: list[int]) -> None:
    assert encoded(folder(tmp_path, added_tokens={"[Q]": AFTER}, **files), "[Q] [q]") == ids


def test_a_config_that_lists_its_tokens_stands_alone(tmp_path: Path) -> None:
    listed = {str(AFTER): {"content": "new", "special": False}}
    folder(tmp_path, tokenizer_config={"added_tokens_decoder": listed}, added_tokens={"more": AFTER})
    folder(tmp_path, special_tokens_map={"additional_special_tokens": ["more"], "sep_token": "gone"})
    assert encoded(tmp_path, "new more [SEP]") == [AFTER, 1, 3]


def test_special_tokens_keep_the_flags_of_their_settings(tmp_path: Path) -> None:
    assert encoded(folder(tmp_path), "a[SEP]a [sep]") == [5, 3, 5, 1, 1, 1]
    folder(tmp_path, special_tokens_map={"sep_token": {"content": "[SEP]", "single_word": True, "normalized": True}})
    assert encoded(tmp_path, "a[SEP]a [sep]") == [5, 1, 1, 1, 5, 3]


def test_first_and_last_tokens_by_name_come_before_a_mask_that_the_vocabulary_lacks(tmp_path: Path) -> None:
    folder(tmp_path, special_tokens_map={"eos_token": "[E]", "mask_token": "[M]", "extra_special_tokens": ["[X]"]})
    assert encoded(tmp_path, "[E] [M] [X]") == [8, 9, 10]


@pytest.mark.parametrize(
    ("config", "named", "further"),
    [
        ({}, {"additional_special_tokens": ["b"]}, ["b"]),
        ({"additional_special_tokens": []}, {"additional_special_tokens": ["b"]}, []),
        ({"additional_special_tokens": ["a"]}, {"extra_special_tokens": ["b", "a"]}, ["a", "b"]),
        ({"extra_special_tokens": ["c"], "additional_special_tokens": ["a"]}, {}, ["c"]),
    ],
)
def test_which_further_tokens_count(
    tmp_path: Path, config: dict[str, Any], named: dict[str, Any], further: list[str]
) -> None:
    folder(tmp_path, tokenizer_config=config, special_tokens_map=named)
    library = Tokenizer.from_str(from_folder(tmp_path, added.settings(tmp_path)).json)
    known = sorted(library.get_added_tokens_decoder().items(), key=lambda item: item[0])
    assert [token.content for _, token in known] == [*PIECES[:5], *further]


def test_no_files_say_nothing(tmp_path: Path) -> None:
    assert added.settings(tmp_path) == {}


def test_a_special_token_may_stand_among_the_added(tmp_path: Path) -> None:
    folder(tmp_path, added_tokens={"<e>": AFTER}, special_tokens_map={"sep_token": "<e>"})
    assert from_folder(tmp_path, added.settings(tmp_path)).sep == AFTER
    folder(tmp_path, added_tokens={"<u>": AFTER}, special_tokens_map={"unk_token": "<u>"})
    with pytest.raises(ArtifactError, match="holds no '<u>'"):
        from_folder(tmp_path, added.settings(tmp_path))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ([], "found a list; wanted an object"),
        ({"x": "8"}, r"added_tokens\.json: found 'x': 8; wanted tokens with whole numbers"),
        ({"x": True}, "found 'x': True"),
        ({"x": -1}, "found 'x': -1"),
        ({"": 8}, "found '': 8"),
        ({"x": 8, "y": 8}, "found two tokens with one id"),
        ({"x": 9}, r"vocab\.txt: found the added token 'x' of id 9 at 8; wanted ids that go on"),
        ({"word": 8}, "found the added token 'word' of id 8 at 6"),
        ({"x": 10**30}, "found the added token 'x'|among added_tokens_decoder"),
    ],
)
def test_a_file_whose_ids_cannot_be_kept_is_refused(tmp_path: Path, found: object, why: str) -> None:
    folder(tmp_path, added_tokens=found)
    with pytest.raises(ArtifactError, match=why):
        from_folder(tmp_path, added.settings(tmp_path))


@pytest.mark.parametrize("listed", [{"x": {"content": "y"}}, {"-1": "y"}, {"9" * 5000: "y"}])
def test_listed_ids_that_are_none(tmp_path: Path, listed: Mapping[str, object]) -> None:
    folder(tmp_path, tokenizer_config={"added_tokens_decoder": listed})
    with pytest.raises(ArtifactError, match="among added_tokens_decoder"):
        from_folder(tmp_path, added.settings(tmp_path))
