"""Rows of tokens, ragged: what a tokenizer makes and batches are cut from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class TokenRows:
    """The tokens of n texts or pairs, one after another.

    Attributes:
        ids: token ids of all rows: int32.
        types: their token types: int8.
        ends: where each row ends: (n,) int64.
        cut: how many tokens each row lost to truncation: (n,) int32.
    """

    ids: npt.NDArray[np.int32]
    types: npt.NDArray[np.int8]
    ends: npt.NDArray[np.int64]
    cut: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ends)

    def lengths(self) -> npt.NDArray[np.int64]:
        """How many tokens each row has: (n,)."""
        return np.diff(self.ends, prepend=0)
