"""Writes tests/golden/v2: what this release stores, to be read by every later one.

Run it once a format: `python tests/golden/make.py`. A stored format that changes gets a folder of its own,
v3, and the older ones stay as they are for as long as they can be read.
"""

# ruff: noqa: RUF001 - Chinese is written with its own commas

from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from vizsla.collections.frozen import FrozenCollection, IndexSettings
from vizsla.core.protocols import Passage
from vizsla.encoders.bm25 import BM25
from vizsla.indexes.inverted import InvertedIndex
from vizsla.text.settings import AnalyzerSettings

HERE = Path(__file__).parent / "v2"
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


def main() -> None:
    """Write the collection, the analyzer, and an index of impacts as they are and in eight bits."""
    FrozenCollection.build(PASSAGES, HERE / "collection", IndexSettings(analyzer=ANALYZER, bm25=BM25("lucene")))
    InvertedIndex.build(csr_array(IMPACTS)).save(HERE / "impacts")
    InvertedIndex.build(csr_array(IMPACTS), bits=8).save(HERE / "impacts8")
    (HERE / "analyzer.json").write_text(ANALYZER.to_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
