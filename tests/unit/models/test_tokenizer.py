import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vizsla.core.errors import DataError, SettingsError
from vizsla.core.protocols import Text
from vizsla.models import tokenizer
from vizsla.models.description import Kind, Layout
from vizsla.models.layouts import named
from vizsla.models.tokenizer import Tokenizer
from vizsla.models.vocabulary import from_vocabulary
from vizsla.runtimes.rows import TokenRows

FIXTURES = Path(__file__).parent / "fixtures" / "tokens"
GOLDEN = json.loads((FIXTURES / "golden.json").read_text("utf-8"))
QUERIES, PASSAGES, TITLES = GOLDEN["queries"], GOLDEN["passages"], GOLDEN["titles"]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "A", "t", "q", ":"]
PLAIN = Layout("plain", 20, 20)


def ernie(name: str, kind: Kind, **changes: Any) -> Tokenizer:
    return Tokenizer(from_vocabulary(FIXTURES / "vocab.txt", {}, symbols=True), replace(named(name, kind), **changes))


def split(made: TokenRows) -> dict[str, list[list[int]]]:
    starts = made.ends - made.lengths()
    spans = [slice(start, end) for start, end in zip(starts, made.ends, strict=True)]
    return {"ids": [made.ids[span].tolist() for span in spans], "types": [made.types[span].tolist() for span in spans]}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(PIECES), "utf-8")
    return path


def spelled(made: TokenRows) -> list[str]:
    return [" ".join(PIECES[token] for token in row) for row in split(made)["ids"]]


def plain(path: Path, **changes: Any) -> Tokenizer:
    return Tokenizer(from_vocabulary(path, {"do_lower_case": False}), replace(PLAIN, **changes))


def test_paddlenlps_own_rows() -> None:
    rows = GOLDEN["rows"]
    assert split(ernie("paddlenlp-early", "vector").queries(QUERIES)) == rows["q_single"]
    assert split(ernie("paddlenlp-early", "vector").passages(PASSAGES)) == rows["p_single"]
    assert split(ernie("paddlenlp", "vector").queries(QUERIES)) == rows["q_taskflow"]
    titled = ernie("rocketqa", "vector", passage_length=48).passages(list(zip(TITLES, PASSAGES, strict=True)))
    assert split(titled) == rows["p_pair"]
    assert titled.cut.tolist() == [0, 4, 0, 0, 0]


@pytest.mark.parametrize("length", [40, 41, 23])
def test_paddlenlps_own_pairs(length: int) -> None:
    pairs = [(query, passage) for query in QUERIES[:3] for passage in PASSAGES]
    made = ernie("paddlenlp", "score", passage_length=length).pairs(pairs)
    assert split(made) == GOLDEN["rows"][f"ce{length}"]
    assert (made.cut > 0).any()


def test_modelscopes_own_pairs() -> None:
    reranker = Tokenizer(from_vocabulary(FIXTURES / "vocab.txt", {}), named("modelscope", "score"))
    made = reranker.pairs([(QUERIES[0], passage) for passage in PASSAGES])
    assert split(made) == GOLDEN["rows"]["modelscope"]


PASSAGE: Text = ("t", "a b")


@pytest.mark.parametrize(
    ("titles", "titled", "untitled"),
    [
        ("joined", "[CLS] t a b [SEP]", "[CLS] a b [SEP]"),
        ("segment", "[CLS] t [SEP] a b [SEP]", "[CLS] [SEP] a b [SEP]"),
        ("tokens", "[CLS] t a b [SEP]", "[CLS] a b [SEP]"),
        ("none", "[CLS] a b [SEP]", "[CLS] a b [SEP]"),
    ],
)
def test_titles(small: Path, titles: str, titled: str, untitled: str) -> None:
    assert spelled(plain(small, titles=titles).passages([PASSAGE, ("", "a b"), "a b"])) == [titled, untitled, untitled]


def test_a_title_without_a_text(small: Path) -> None:
    assert spelled(plain(small).passages([("t", "")])) == ["[CLS] t [SEP]"]


@pytest.mark.parametrize(("titles", "wanted"), [("joined", "t a b"), ("tokens", "t a b"), ("none", "a b")])
def test_titles_in_pairs(small: Path, titles: str, wanted: str) -> None:
    assert spelled(plain(small, titles=titles).pairs([("q", PASSAGE)])) == [f"[CLS] q [SEP] {wanted} [SEP]"]


def test_joined_titles_touch_no_word_and_tokens_do_not_merge(small: Path) -> None:
    assert spelled(plain(small, titles="tokens").passages([("a", "b")])) == ["[CLS] a b [SEP]"]
    assert spelled(plain(small, titles="joined").passages([("a", "b")])) == ["[CLS] a b [SEP]"]
    assert spelled(plain(small).passages(["ab"])) == ["[CLS] [UNK] [SEP]"]


def test_a_title_segment_of_its_own_has_no_place_in_pairs(small: Path) -> None:
    with pytest.raises(SettingsError, match='wanted "joined", "tokens" or "none"'):
        plain(small, titles="segment").pairs([("q", "a")])


def test_prompts(small: Path) -> None:
    prompted = plain(small, query_prompt="q: ", passage_prompt="t: ")
    assert spelled(prompted.queries(["a"])) == ["[CLS] q : a [SEP]"]
    assert spelled(prompted.passages(["a", ("b", "c")])) == ["[CLS] t : a [SEP]", "[CLS] t : b c [SEP]"]
    assert spelled(prompted.pairs([("a", "b")])) == ["[CLS] q : a [SEP] t : b [SEP]"]
    assert spelled(plain(small, passage_prompt="q: ", titles="segment").passages([("b", "c")])) == [
        "[CLS] q : b [SEP] c [SEP]"
    ]


def test_spaces_and_case(small: Path) -> None:
    assert spelled(plain(small, remove_spaces=True).queries(["a : b"])) == ["[CLS] a : b [SEP]"]
    assert spelled(plain(small, remove_spaces=True).queries(["a b"])) == ["[CLS] [UNK] [SEP]"]
    assert spelled(plain(small, lower=True).queries(["A"])) == ["[CLS] a [SEP]"]
    assert spelled(plain(small).queries(["A"])) == ["[CLS] A [SEP]"]


def test_lengths_of_queries_and_of_passages(small: Path) -> None:
    tight = plain(small, query_length=3, passage_length=4)
    queries, passages = tight.queries(["a b c"]), tight.passages(["a b c"])
    assert (spelled(queries), queries.cut.tolist()) == (["[CLS] a [SEP]"], [2])
    assert (spelled(passages), passages.cut.tolist()) == (["[CLS] a b [SEP]"], [1])
    assert spelled(plain(small, query_length=3, truncation_side="left").queries(["a b c"])) == ["[CLS] c [SEP]"]
    assert spelled(plain(small, empty_first=True, query_length=4).queries(["a b c"])) == ["[CLS] [SEP] a [SEP]"]


def test_the_same_query_over_many_passages(small: Path) -> None:
    made = plain(small).pairs([("q", "a"), ("a", "b"), ("q", "c")])
    assert spelled(made) == ["[CLS] q [SEP] a [SEP]", "[CLS] a [SEP] b [SEP]", "[CLS] q [SEP] c [SEP]"]


def test_nothing_and_empty_texts(small: Path) -> None:
    made = plain(small)
    assert len(made.queries([])) == len(made.passages([])) == len(made.pairs([])) == 0
    assert len(plain(small, titles="segment").passages([])) == 0
    assert spelled(made.queries(["", " "])) == ["[CLS] [SEP]"] * 2
    assert spelled(made.pairs([("", "")])) == ["[CLS] [SEP] [SEP]"]
    assert spelled(plain(small, titles="tokens").pairs([("q", "")])) == ["[CLS] q [SEP]"]


def test_blocks_change_nothing(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["a b c", "", "b", "a " * 30, "c c"]
    whole = plain(small).passages(texts)
    monkeypatch.setattr(tokenizer, "_BLOCK", 6)
    assert split(plain(small).passages(texts)) == split(whole)


@pytest.mark.parametrize("symbols", [False, True])
def test_long_texts_in_parts_have_the_same_tokens(monkeypatch: pytest.MonkeyPatch, symbols: bool) -> None:  # noqa: FBT001
    texts = ["", *PASSAGES, " ".join(PASSAGES) * 3, "x" * 300, "[SEP] 海[SEP]鲜 [SEP]", "c\u0301 \u0301c 海\u0301海 .a"]
    tokens = from_vocabulary(FIXTURES / "vocab.txt", {}, symbols=symbols)
    whole = Tokenizer(tokens, replace(PLAIN, passage_length=9999)).passages(texts)
    for long in (1, 2, 7):
        monkeypatch.setattr(tokenizer, "_LONG", long)
        assert split(Tokenizer(tokens, replace(PLAIN, passage_length=9999)).passages(texts)) == split(whole)


def test_no_parts_where_a_token_reaches_over_words(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "_LONG", 1)
    for token in ({"content": "a b"}, {"content": "bridge", "single_word": True}, {"content": "\u6865\u6865"}):
        tokens = from_vocabulary(small, {"added_tokens_decoder": {"12": token | {"special": False}}})
        made = Tokenizer(tokens, PLAIN).passages([f"c {token['content']} c"])
        assert made.ids.tolist() == [2, 7, 12, 7, 3]
    unsplit = from_vocabulary(small, {"tokenize_chinese_chars": False})
    assert spelled(Tokenizer(unsplit, PLAIN).passages(["\u6865\u6865"])) == ["[CLS] [UNK] [SEP]"]


@pytest.mark.parametrize(
    ("bad", "found"),
    [([3], "found int 3 as query 0"), (["a", None], "NoneType None as query 1"), ("a b", "write \\['a b'\\]")],
)
def test_queries_that_are_no_texts(small: Path, bad: Any, found: str) -> None:
    with pytest.raises(DataError, match=found):
        plain(small).queries(bad)


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        ([3], "found 3 as passage 0"),
        (["a", ("t", None)], "as passage 1; wanted text, or a pair"),
        ([("a", "b", "c")], "wanted text, or a pair"),
        ("a b", "write \\['a b'\\]"),
    ],
)
def test_passages_that_are_no_texts(small: Path, bad: Any, found: str) -> None:
    with pytest.raises(DataError, match=found):
        plain(small).passages(bad)


def test_pairs_that_are_none(small: Path) -> None:
    for bad in ([("a",)], ["ab"], [("a", "b", "c")]):
        with pytest.raises(DataError, match="as pair 0; wanted"):
            plain(small).pairs(bad)  # type: ignore[arg-type]


def test_a_lone_surrogate_is_named(small: Path) -> None:
    with pytest.raises(DataError, match=r"a lone surrogate, '\\ud800', at character 2 of 'ab"):
        plain(small).queries(["a", "ab\ud800"])


def test_layouts_that_are_none(small: Path) -> None:
    with pytest.raises(SettingsError, match="found titles = 'both'; wanted one of joined"):
        plain(small, titles="both")
    with pytest.raises(SettingsError, match="found truncation_side = 'middle'"):
        plain(small, truncation_side="middle")
    with pytest.raises(SettingsError, match="length of 1; wanted at least 2"):
        plain(small, query_length=1)
    with pytest.raises(SettingsError, match="length of 2; wanted at least 3"):
        plain(small, empty_first=True, passage_length=2)
