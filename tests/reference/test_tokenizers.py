"""Token ids against transformers' own tokenizers, on real and on drawn texts; 10,000 strings a tokenizer."""

import gzip
import json
import math
import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from vizsla.models import added
from vizsla.models.description import Layout
from vizsla.models.tokenizer import Tokenizer
from vizsla.models.vocabulary import from_folder
from vizsla.runtimes.rows import TokenRows

transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

DATA = Path(os.environ.get("VIZSLA_DATA", Path(__file__).parents[3] / "shared" / "data"))
MINILM = Path(os.environ.get("VIZSLA_MINILM", "/nonexistent"))
FAMILIES = (
    "bert",
    "bert-cased",
    "bert-vocabulary",
    "distilbert",
    "electra",
    "mpnet",
    "roberta",
    "roberta-merges",
    "xlm-roberta",
)
ALPHABETS = (
    "abcdefgh ABC.,-'",
    "桥建深圳牛奶海鲜\uff0c。 ",
    "אבגדהו שלום ",
    "عربي نص ",
    "かなカナ漢字 ",
    "👍🏽😀👨‍👩‍👧 é ñ",
    "a\u0301\u0327o\u0308 ",
)
SPECIALS = ["[SEP]", "[MASK]", "[CLS]", "</s>", "<s>", "<mask>", " <mask> ", "[UNK]"]


def real() -> Iterator[str]:
    for name in ("squad-en", "cmrc-drcd-zh", "qbqtc-title-zh", "msrd-movies-en"):
        path = DATA / name / "corpus.jsonl.gz"
        if not path.is_file():
            continue
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for _, line in zip(range(1000), lines, strict=False):
                record = json.loads(line)
                yield record["title"] + " " + record["text"][:600]


def drawn(count: int) -> Iterator[str]:
    rng = random.Random(7)
    for _ in range(count):
        alphabet = rng.choice(ALPHABETS)
        signs = [rng.choice(alphabet) for _ in range(rng.randrange(40))]
        for _ in range(rng.randrange(4)):
            code = rng.choice(
                [rng.randrange(0x20), rng.randrange(0x500), rng.randrange(0x3400), rng.randrange(0x110000)]
            )
            odd = rng.choice([*SPECIALS, "x" * rng.randrange(130), "" if 0xD800 <= code < 0xE000 else chr(code)])
            signs.insert(rng.randrange(len(signs) + 1), odd)
        yield "".join(signs)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    found = list(real())
    return found + list(drawn(max(6000, 10_000 - len(found))))


ANGLE = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
SQUARE = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def byte_level(texts: list[str]) -> Library:
    made = Library(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=800, special_tokens=ANGLE, initial_alphabet=alphabet)
    )
    return made


def unigram(texts: list[str]) -> Library:
    marked = ["\u2581".join(["", *text.split()]) for text in texts]
    counts = Counter(text[i : i + n] for text in marked for n in (1, 2, 3) for i in range(0, len(text) - n, n))
    pieces = [(piece, math.log(count / len(marked))) for piece, count in counts.most_common(4000)]
    vocabulary = [*((name, 0.0) for name in ANGLE[:4]), *pieces, ("<mask>", 0.0)]
    made = Library(models.Unigram(vocabulary, unk_id=3))
    words = pre_tokenizers.Metaspace(prepend_scheme="always")
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), words])
    made.add_special_tokens(ANGLE)
    around: dict[str, Any] = {"single": "<s> $A </s>", "pair": "<s> $A </s> </s> $B </s>"}
    made.post_processor = processors.TemplateProcessing(**around, special_tokens=[("<s>", 0), ("</s>", 2)])
    return made


def word_piece(texts: list[str], *, mpnet: bool, lower: bool) -> Library:
    made = Library(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=lower)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pair = processors.RobertaProcessing(("</s>", 2), ("<s>", 0)) if mpnet else None
    made.post_processor = pair or processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    named = [*ANGLE, "[UNK]"] if mpnet else SQUARE
    made.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=1500, special_tokens=named))
    return made


def trained(family: str, texts: list[str]) -> Library:
    if family.startswith("roberta"):
        return byte_level(texts)
    if family == "xlm-roberta":
        return unigram(texts)
    return word_piece(texts, mpnet=family == "mpnet", lower=family != "bert-cased")


def written(family: str, folder: Path, texts: list[str]) -> Any:
    """A folder as transformers writes it, and its own tokenizer read from there."""
    made = trained(family, texts[:3000])
    kind = family.partition("-")[0] if family != "xlm-roberta" else family
    classes = {"bert": "Bert", "distilbert": "DistilBert", "electra": "Electra", "mpnet": "MPNet", "roberta": "Roberta"}
    config: dict[str, Any] = {"tokenizer_class": classes.get(kind, "XLMRoberta") + "Tokenizer", "model_max_length": 512}
    if family == "bert-cased":
        config["do_lower_case"] = False
    if family == "mpnet":
        config |= {"unk_token": "[UNK]", "mask_token": "<mask>"}
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    made.save(str(folder / "tokenizer.json"))
    if family in ("bert-vocabulary", "roberta-merges"):
        made.model.save(str(folder))
        (folder / "tokenizer.json").unlink()
    return transformers.AutoTokenizer.from_pretrained(str(folder)), config


def same(made: TokenRows, theirs: Any, texts: list[Any]) -> None:
    starts = made.ends - made.lengths()
    types = theirs.get("token_type_ids")
    for row, (start, end) in enumerate(zip(starts, made.ends, strict=True)):
        assert made.ids[start:end].tolist() == theirs["input_ids"][row], texts[row]
        if types is not None:
            assert made.types[start:end].tolist() == types[row], texts[row]


@pytest.mark.parametrize("family", FAMILIES)
def test_ten_thousand_strings(family: str, tmp_path: Path, texts: list[str]) -> None:
    theirs, config = written(family, tmp_path, texts)
    ours = from_folder(tmp_path, config)
    assert (ours.cls, ours.sep, ours.pad) == (theirs.cls_token_id, theirs.sep_token_id, theirs.pad_token_id)
    assert len(texts) >= 10_000
    made = Tokenizer(ours, Layout("huggingface", 100_000, 100_000)).passages(texts)
    same(made, theirs(texts), texts)


OLDER: list[dict[str, Any]] = [
    {},
    {"tokenizer_config": {"additional_special_tokens": ["[Q]"], "do_lower_case": False}},
    {"special_tokens_map": {"additional_special_tokens": ["[Q]", "[D]"]}},
    {"special_tokens_map": {"extra_special_tokens": ["[D]"], "eos_token": "[E]", "bos_token": "[Q]"}},
    {"special_tokens_map": {"sep_token": {"content": "[SEP]", "single_word": True, "normalized": True}}},
]


@pytest.mark.parametrize("files", OLDER)
def test_added_tokens_in_older_tools_files(files: dict[str, dict[str, Any]], tmp_path: Path, texts: list[str]) -> None:
    written("bert-vocabulary", tmp_path, texts)
    size = len((tmp_path / "vocab.txt").read_text("utf-8").splitlines())
    words = ["[Q]", "Zzyx", "two words", "\u6865\u6df1", "e\u0301"]
    (tmp_path / "added_tokens.json").write_text(json.dumps({word: size + i for i, word in enumerate(words)}))
    for name, value in files.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps((json.loads(path.read_text()) if path.exists() else {}) | value))
    rng = random.Random(5)
    signs = [*words, "[q]", "ZZYX", "Two Words", "\u00e9", "[D]", "[E]", "[SEP]", "[sep]", "a", " ", " the ", "."]
    mixed = ["".join(rng.choices(signs, k=8)) for _ in range(1000)]
    theirs = transformers.AutoTokenizer.from_pretrained(str(tmp_path))
    ours = Tokenizer(from_folder(tmp_path, added.settings(tmp_path)), Layout("huggingface", 100_000, 100_000))
    same(ours.passages(mixed), theirs(mixed), mixed)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("family", ["bert", "mpnet", "roberta", "xlm-roberta"])
def test_cut_pairs_and_texts(family: str, side: str, tmp_path: Path, texts: list[str]) -> None:
    theirs, config = written(family, tmp_path, texts)
    theirs.truncation_side = side
    ours = from_folder(tmp_path, config)
    rng = random.Random(3)
    for length in (4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 31, 32, 64, 128, 255):
        fitting = [text for text in texts if len(text) <= 3 * length]  # theirs keeps every pair of what it cut off
        firsts, seconds = rng.choices(fitting, k=200), rng.choices(fitting, k=200)
        made = Tokenizer(ours, Layout("huggingface", length, length, truncation_side=side))
        pairs = list(zip(firsts, seconds, strict=True))
        same(made.pairs(pairs), theirs(firsts, seconds, truncation=True, max_length=length), pairs)
        same(made.queries(firsts), theirs(firsts, truncation=True, max_length=length), firsts)


@pytest.mark.skipif(not MINILM.is_dir(), reason="VIZSLA_MINILM names no folder with all-MiniLM-L6-v2")
def test_all_minilm(texts: list[str]) -> None:
    theirs: Any = transformers.AutoTokenizer.from_pretrained(str(MINILM))
    ours = from_folder(MINILM, json.loads((MINILM / "tokenizer_config.json").read_text("utf-8")))
    made = Tokenizer(ours, Layout("sentence-transformers", 256, 256, strip=True)).passages(texts)
    stripped = [text.strip() for text in texts]
    same(made, theirs(stripped, truncation=True, max_length=256), stripped)
