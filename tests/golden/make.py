"""Writes tests/golden/v2: what this release stores, to be read by every later one.

Run it once a format: `python tests/golden/make.py`. A stored format that changes gets a folder of its own,
v3, and the older ones stay as they are for as long as they can be read.
"""

# ruff: noqa: RUF001 - Chinese is written with its own commas

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from vizsla.collections.frozen import FrozenCollection, IndexSettings
from vizsla.compiling.compilation import compile_towers
from vizsla.compiling.compiled import Way
from vizsla.compiling.judged_sample import JudgedSample
from vizsla.core.protocols import Passage, TokenBatch
from vizsla.core.vectors import Dense
from vizsla.data.corpus import Corpus
from vizsla.data.judgements import Judgements
from vizsla.encoders.bm25 import BM25
from vizsla.encoders.dense import DenseEncoder
from vizsla.encoders.encoding import encode_to
from vizsla.encoders.sparse import SparseEncoder
from vizsla.indexes.inverted import InvertedIndex
from vizsla.models.description import Description, Towers
from vizsla.models.finding import Use
from vizsla.models.model import Model
from vizsla.models.parameters import shapes
from vizsla.models.reading import read
from vizsla.models.table import TokenTable, bag_of_words
from vizsla.text.settings import AnalyzerSettings

HERE = Path(__file__).parent / "v2"
MODEL = Path(__file__).parents[1] / "unit/models/fixtures/st5-bi-mean-norm"
PASSAGES = [
    Passage("en-1", "Vizslas point at birds and retrieve them.", "Hunting dogs"),
    Passage("en-2", "The pointer doesn't retrieve; it points."),
    Passage("zh-1", "维兹拉犬会指示猎物，也会衔回猎物。", "猎犬"),
    Passage("zh-2", "Python怎么读取文件？用C++也可以。"),
    Passage("mixed", "Cafe\u0301 № 7 in New York: 3.14 \U0001f600 讀書"),
    Passage("none", "!!!"),
]
ANALYZER = AnalyzerSettings(
    language="english",
    stop_words=("the", "and", "in", "也"),
    user_words=("C++", "New York"),
    synonyms=(("dog", "hound"),),
    folds={"讀": "读", "書": "书"},
)


# Columns 0 and 1 are so frequent that they have tiles; the others have lists.
IMPACTS = np.array(
    [[i % 2 / 4, i % 3 / 8, (i % 19 == 0) * 1.5, (i == 33) * 0.1, (i % 20 == 7) * i / 16, 0] for i in range(40)],
    np.float32,
)


class Sums:
    """A runtime whose numbers are the same on every machine: each row's sum of ids, times 0 to 31."""

    def run(self, batch: TokenBatch) -> Dense:
        """(n, 32)."""
        made: Dense = (batch.ids.sum(1, keepdims=True) * np.arange(32)).astype(np.float32)
        return made


WORDS = "dogs point at birds and retrieve them ; 犬 会 指 示 猎 物 ##s".split()  # noqa: SIM905 - read best so


def tiny() -> Description:
    """A bi-encoder of one block, eight wide, whose tokenizer knows twenty words."""
    base = read(MODEL).passages
    rules = json.loads(base.tokens.json)
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    rules["model"]["vocab"] = {word: number for number, word in enumerate(known)}
    architecture = replace(
        base.architecture, vocabulary=len(known), layers=1, hidden=8, heads=2, feed_forward=16, positions=24
    )
    draw = np.random.default_rng(0)
    weights = {
        name: draw.normal(0, 0.5, shape).astype(np.float32) + np.float32(name.endswith("norm.weight"))
        for name, shape in shapes(architecture, base.head).items()
    }
    tokens = replace(base.tokens, json=json.dumps(rules, ensure_ascii=False), size=len(known))
    return replace(base, name="tiny", architecture=architecture, tokens=tokens, weights=weights)


def compiled(folder: Path) -> None:
    """A compiled model, judged on queries that word what they ask for."""
    draw, model = np.random.default_rng(1), tiny()
    texts = tuple(sorted({" ".join(draw.choice(WORDS[:-1], 6)) for _ in range(150)}))
    ids = tuple(f"p{number}" for number in range(len(texts)))
    judged = Judgements(dict(zip(ids, texts, strict=True)), {id_: {id_: 1} for id_ in ids})
    sample = JudgedSample(judged, ids, texts, (texts[:50], texts[50:]), {"data": "drawn"})
    made = compile_towers((Towers(model, model), Use()), Way("int8", "onnxruntime"), sample, folder)
    assert made.verdict.passed


def main() -> None:
    """Write the collection, and beside it the analyzer, indexes of impacts, the passages' vectors, a compiled model."""
    FrozenCollection.build(PASSAGES, HERE / "collection", IndexSettings(analyzer=ANALYZER, bm25=BM25("lucene")))
    InvertedIndex.build(csr_array(IMPACTS)).save(HERE / "impacts")
    InvertedIndex.build(csr_array(IMPACTS), bits=8).save(HERE / "impacts8")
    (HERE / "analyzer.json").write_text(ANALYZER.to_json(), encoding="utf-8")
    corpus, description = Corpus.build(PASSAGES), read(MODEL).passages
    table, sums = TokenTable(bag_of_words(description)), Model(description, runtime=Sums())
    encode_to(HERE / "dense", DenseEncoder(sums, sums), corpus)
    encode_to(HERE / "sparse", SparseEncoder(table, table), corpus)
    compiled(HERE / "compiled")


if __name__ == "__main__":
    main()
