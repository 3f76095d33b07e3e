"""Word pieces against the rules written out slowly, for BERT and for ERNIE, over vocabularies drawn at random."""

import tempfile
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizsla.models.description import Layout
from vizsla.models.tokenizer import Tokenizer
from vizsla.models.vocabulary import from_vocabulary

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CHINESE = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
ERNIE_SIGNS = {0xAD, 0xB2, 0xBA, 0x3007, 0xB5, 0xD8, 0x14B, 0x1B1}
SIGNS = "abcdeABCDÉéİß  \t\n.,-[]$€℃\u00d7°²º〇\u0301\u00ad\u200b\u3000桥建深\U0002b825"
SIGNS += "か\u03a3\u03c3\u0661😀👍🏽\ufffd\x07\u2028"
PIECES = st.text("abcdeé桥建か$€²σ", min_size=1, max_size=3)
VOCABULARIES = st.lists(
    st.one_of(PIECES, PIECES.map("##{}".format), st.sampled_from("abcde.,-[]桥建深€²")), max_size=40
)
TEXTS = st.one_of(st.text(SIGNS, max_size=40), st.lists(st.sampled_from([*SIGNS, *SPECIALS]), max_size=20).map("".join))


def punctuation(sign: str) -> bool:
    plain = sign.isascii() and sign.isprintable() and not sign.isalnum() and sign != " "
    return plain or unicodedata.category(sign).startswith("P")


def symbol(sign: str) -> bool:
    return unicodedata.category(sign).startswith("S") or ord(sign) in ERNIE_SIGNS


def chinese(sign: str) -> bool:
    return any(low <= ord(sign) <= high for low, high in CHINESE)


def words(text: str, *, lower: bool, symbols: bool) -> list[str]:
    """Clean, set Chinese apart, lower-case, strip accents, set punctuation apart."""
    kept = []
    for sign in text:
        if sign in "\t\n\r" or unicodedata.category(sign) in ("Zs", "Zl", "Zp"):
            kept.append(" ")
        elif sign != "\ufffd" and not unicodedata.category(sign).startswith("C"):
            kept.append(f" {sign} " if chinese(sign) else sign)
    cleaned = "".join(kept)
    if lower:
        cleaned = "".join(sign.lower() for sign in cleaned)
        cleaned = "".join(sign for sign in unicodedata.normalize("NFD", cleaned) if unicodedata.category(sign) != "Mn")
    apart = [f" {sign} " if punctuation(sign) or (symbols and symbol(sign)) else sign for sign in cleaned]
    return "".join(apart).split()


def word_pieces(word: str, vocabulary: dict[str, int]) -> list[int]:
    """The longest piece first; a word that does not come out is unknown as a whole."""
    unknown, found, start = [vocabulary["[UNK]"]], [], 0
    if len(word) > 100:
        return unknown
    while start < len(word):
        mark = "##" if start else ""
        ends = (end for end in range(len(word), start, -1) if mark + word[start:end] in vocabulary)
        end = next(ends, None)
        if end is None:
            return unknown
        found.append(vocabulary[mark + word[start:end]])
        start = end
    return found


def oracle(text: str, vocabulary: dict[str, int], *, lower: bool, symbols: bool) -> list[int]:
    for special in SPECIALS:
        before, found, after = text.partition(special)
        if found:
            around = [oracle(part, vocabulary, lower=lower, symbols=symbols) for part in (before, after)]
            return [*around[0], vocabulary[special], *around[1]]
    return [piece for word in words(text, lower=lower, symbols=symbols) for piece in word_pieces(word, vocabulary)]


def tokenizer(pieces: list[str], layout: Layout, *, lower: bool = True, symbols: bool = False) -> Tokenizer:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.txt"
        path.write_text("\n".join([*SPECIALS, *pieces]), "utf-8")
        return Tokenizer(from_vocabulary(path, {"do_lower_case": lower}, symbols=symbols), layout)


BARE = Layout("bare", 1000, 1000, specials=False)


@pytest.mark.parametrize("symbols", [False, True])
@pytest.mark.parametrize("lower", [True, False])
@given(pieces=VOCABULARIES, texts=st.lists(TEXTS, max_size=8))
@settings(max_examples=60, deadline=None)
def test_the_ids_are_those_of_the_rules(lower: bool, symbols: bool, pieces: list[str], texts: list[str]) -> None:  # noqa: FBT001
    if not symbols:  # the library's tables lack this block, and what stands on it must lack it too
        texts = [text.replace("\U0002b825", "") for text in texts]
    vocabulary = {piece: number for number, piece in enumerate([*SPECIALS, *pieces])}
    made = tokenizer(pieces, BARE, lower=lower, symbols=symbols).passages(texts)
    wanted = [oracle(text, vocabulary, lower=lower, symbols=symbols) for text in texts]
    assert made.ids.tolist() == [token for row in wanted for token in row]
    assert made.lengths().tolist() == [len(row) for row in wanted]


@given(texts=st.lists(st.text("ab .", max_size=12), max_size=8), length=st.integers(2, 12), side=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_row_is_its_texts_tokens_cut_and_framed(texts: list[str], length: int, side: bool) -> None:  # noqa: FBT001
    whole = tokenizer(["a", "b", "."], BARE).queries(texts)
    layout = Layout("x", length, length, truncation_side="right" if side else "left")
    made = tokenizer(["a", "b", "."], layout).queries(texts)
    for row, end in enumerate(whole.ends):
        tokens = whole.ids[end - whole.lengths()[row] : end].tolist()
        kept = tokens[: length - 2] if side else tokens[max(0, len(tokens) - length + 2) :]
        assert made.ids[made.ends[row] - made.lengths()[row] : made.ends[row]].tolist() == [2, *kept, 3]
        assert made.cut[row] == len(tokens) - len(kept)


@given(
    pairs=st.lists(st.tuples(TEXTS, st.one_of(TEXTS, st.tuples(TEXTS, TEXTS))), max_size=6), length=st.integers(3, 30)
)
@settings(max_examples=60, deadline=None)
def test_pairs_keep_to_their_length_and_count_what_they_lose(
    pairs: list[tuple[str, str | tuple[str, str]]], length: int
) -> None:
    layout = Layout("x", length, length)
    made = tokenizer(["a", "b", "##a", "##b"], layout, symbols=True).pairs(pairs)
    whole = tokenizer(["a", "b", "##a", "##b"], replace(layout, passage_length=10_000), symbols=True).pairs(pairs)
    assert (made.lengths() <= length).all()
    assert (made.lengths() + made.cut).tolist() == whole.lengths().tolist()
    assert ((made.cut == 0) | (made.lengths() == length)).all()
