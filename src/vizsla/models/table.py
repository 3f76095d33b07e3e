"""A weight a token: queries without a forward pass.

A text's vector holds the weight of every token that it has, once. Knows tokens and one row of weights.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from vizsla.core import vectors
from vizsla.core.vectors import Sparse
from vizsla.models.contract import digest
from vizsla.models.description import Architecture, Description, Head
from vizsla.models.model import Side, Truncation
from vizsla.models.tokenizer import Tokenizer


class TokenTable:
    """Static weights of tokens: w(text, token) = table[token] where the text has the token, else 0.

    Args:
        description: of the family "static"; its weights are one row, "table".
    """

    precision = "fp32"
    runtime = "table"

    def __init__(self, description: Description) -> None:
        self.description = description
        self.digest = digest(description)
        self.truncated: dict[Side, Truncation] = {"queries": Truncation(), "passages": Truncation()}
        self._tokenizer = Tokenizer(description.tokens, description.layout)
        self._table = np.asarray(description.weights["table"], np.float32)

    @property
    def width(self) -> int:
        """Columns of the output."""
        return len(self._table)

    def terms(self, texts: Sequence[object], side: Side) -> Sparse:
        """Weights of the texts' tokens: (n, width)."""
        rows = getattr(self._tokenizer, side)(texts)
        self.truncated[side].add(rows)
        self.truncated[side].tell(self.description, side)
        owners = np.repeat(np.arange(len(rows)), rows.lengths())
        seen = np.unique(np.stack([owners, rows.ids.astype(np.int64)]), axis=1)
        columns = seen[1]
        shape = (len(rows), self.width)
        return vectors.sparse(csr_array((self._table[columns], (seen[0], columns)), shape=shape), dim=self.width)


def bag_of_words(passages: Description) -> Description:
    """The queries' side of a SPLADE that only encodes passages: every token of a query weighs 1.

    Specials weigh nothing, typed ones included.
    """
    size, tokens = passages.architecture.vocabulary, passages.tokens
    table = np.ones(size, np.float32)
    table[[one for one in (tokens.cls, tokens.sep, tokens.pad, tokens.mask) if 0 <= one < size]] = 0
    return replace(
        passages,
        name=f"{passages.name} (bag of words)",
        architecture=Architecture("static", size),
        head=Head("terms", ("max",)),
        layout=replace(passages.layout, specials=False, empty_first=False),
        weights={"table": table},
        graph="",
    )
