"""One encoder, one index."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from vizsla.core.errors import ShapeError
from vizsla.encoders.lexical import LexicalEncoder
from vizsla.indexes.inverted import InvertedIndex
from vizsla.retrievers.first_stage import FirstStage
from vizsla.text.settings import AnalyzerSettings

ENCODER = LexicalEncoder.fit(["a b", "b c", "c"], settings=AnalyzerSettings(language="none", stop_words=()))
INDEX = InvertedIndex.build(ENCODER.encode_passages(["a b", "b c", "c"]), ENCODER.weighting)


def test_two_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="encoder of width 3 and an index of width 2"):
        FirstStage(ENCODER, InvertedIndex.build(csr_array((1, 2), dtype=np.float32)))


def test_a_trace_holds_the_hits_of_the_search() -> None:
    stage = FirstStage(ENCODER, INDEX, "words")
    hits, trace = stage.search(["b c", "a"], 2), stage.trace(["b c", "a"], 2)
    (one,) = trace.stages
    assert one.name == "words"
    assert one.seconds > 0
    assert one.note.startswith("encoding ")
    assert trace.hits is one.hits
    assert trace.hits.positions.tolist() == hits.positions.tolist() == [[1, 2], [0, -1]]
    assert trace.hits.scores.tolist() == hits.scores.tolist()
