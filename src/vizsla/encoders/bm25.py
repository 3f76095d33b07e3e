"""BM25's formulas: every variant as (weight of the query's term) x tf / (tf + norm).

With B = 1 - b + b x length / average length and N passages, df of which hold the term, the variants
(as compared by Kamphuis, de Vries, Boytsov and Lin, 2020) are

    lucene     log(1 + (N - df + .5) / (df + .5))       x  tf / (tf + k1 B)
    robertson  max(0, log((N - df + .5) / (df + .5)))   x  tf / (tf + k1 B)
    atire      log(N / df)                              x  (k1 + 1) tf / (tf + k1 B)
    bm25l      log((N + 1) / (df + .5))                 x  (k1 + 1) (c + d) / (k1 + c + d),  c = tf / B
    bm25+      log((N + 1) / df)                        x  ((k1 + 1) tf / (tf + k1 B) + d)

BM25L and BM25+ give a passage something even for terms it does not hold. That sum is the same for
every passage, so it is left out of the scores, which cannot change the order; `constant` says what
it is. What remains of BM25L is (k1 + 1) k1 / (k1 + d) x tf / (tf + (k1 + d) B).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import SettingsError

Variant: TypeAlias = Literal["lucene", "robertson", "atire", "bm25l", "bm25+"]
Floats: TypeAlias = npt.NDArray[np.float64]
_MOST = 1000.0


@dataclass(frozen=True, slots=True)
class BM25:
    """Which BM25.

    Attributes:
        variant: lucene, robertson, atire, bm25l or bm25+.
        k1: how slowly repetitions saturate, above 0.
        b: how much length counts, 0 to 1.
        delta: BM25L's and BM25+'s lower bound, at least 0.
    """

    variant: Variant = "lucene"
    k1: float = 0.9
    b: float = 0.4
    delta: float = 0.5

    def __post_init__(self) -> None:
        if self.variant not in get_args(Variant):
            raise SettingsError(
                f"found the BM25 variant '{self.variant}'; wanted one of {', '.join(get_args(Variant))}"
            )
        if not (0 < self.k1 <= _MOST and 0 <= self.b <= 1 and 0 <= self.delta <= _MOST):
            found = f"k1={self.k1}, b={self.b}, delta={self.delta}"
            raise SettingsError(f"found {found}; wanted k1 above 0, b from 0 to 1, delta at least 0, none above 1000")

    @property
    def saturation(self) -> float:
        """The factor of B in the norm."""
        return self.k1 + self.delta if self.variant == "bm25l" else self.k1

    def idf(self, frequencies: npt.NDArray[np.int64], passages: int) -> Floats:
        """The idf of terms held by `frequencies` of `passages`: 0 where none holds the term."""
        df, n = frequencies.astype(np.float64), float(passages)
        held = np.maximum(df, 1.0)
        if self.variant == "lucene":
            idf = np.log1p((n - df + 0.5) / (df + 0.5))
        elif self.variant == "robertson":
            idf = np.maximum(0.0, np.log((n - df + 0.5) / (df + 0.5)))
        elif self.variant == "atire":
            idf = np.log(n / held) if passages else np.zeros(len(df))
        elif self.variant == "bm25l":
            idf = np.log((n + 1) / (df + 0.5))
        else:
            idf = np.log((n + 1) / held)
        weights: Floats = np.where(df > 0, idf, 0.0)
        return weights

    def weights(self, frequencies: npt.NDArray[np.int64], passages: int) -> Floats:
        """What a query's term weighs: idf times the variant's factor."""
        return self.idf(frequencies, passages) * self._factor

    def constant(self, frequencies: npt.NDArray[np.int64], passages: int) -> Floats:
        """What each term of a query would add to every passage, held or not."""
        floor = {"bm25+": self.delta, "bm25l": (self.k1 + 1) * self.delta / (self.k1 + self.delta)}
        return self.idf(frequencies, passages) * floor.get(self.variant, 0.0)

    @property
    def _factor(self) -> float:
        if self.variant in ("atire", "bm25+"):
            return self.k1 + 1
        return (self.k1 + 1) * self.k1 / (self.k1 + self.delta) if self.variant == "bm25l" else 1.0
