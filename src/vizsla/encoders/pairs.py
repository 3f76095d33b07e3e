"""Pairs: an encoder as a scorer of (query, passage) pairs.

Knows encoders and runs of pairs of one query. Refuses to know what the scores are for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from vizsla.core.protocols import Text
from vizsla.core.vectors import Scores
from vizsla.encoders.dense import DenseEncoder
from vizsla.encoders.sparse import SparseEncoder


@dataclass(frozen=True)
class Similarity:
    """Each pair's score is the similarity of its vectors, as the encoder's contract says.

    Attributes:
        encoder: of queries and passages.
    """

    encoder: DenseEncoder | SparseEncoder

    def score(self, pairs: Sequence[tuple[str, Text]]) -> Scores:
        """One similarity a (query, passage): (n,) float32. Pairs of one query one after another cost it once."""
        runs = [(query, len(list(same))) for query, same in groupby(pairs, key=lambda pair: pair[0])]
        scores, begin = np.zeros(len(pairs), np.float32), 0
        queries = self.encoder.encode_queries([query for query, _ in runs])
        passages = self.encoder.encode_passages([passage for _, passage in pairs])
        for row, (_, count) in enumerate(runs):
            inside = slice(begin, begin + count)
            scores[inside] = self.encoder.similarity(queries[row : row + 1], passages[inside])[0]
            begin += count
        return scores
