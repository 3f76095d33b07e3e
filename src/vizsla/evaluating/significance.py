"""Significance: tests over paired differences, the interval of their mean, corrections of p-values.

Knows one number a query: what a run gained or lost against another. Refuses to know measures and
runs. All tests are two-sided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from vizsla.core.errors import DataError, SettingsError, ShapeError
from vizsla.core.settings import nearest

Test: TypeAlias = Literal["t", "randomisation"]
Correction: TypeAlias = Literal["holm", "bonferroni", "none"]
Differences: TypeAlias = npt.NDArray[np.float64]

_EXACT = 16  # up to 2^16 sign patterns are all counted; more are drawn
_AT_ONCE = 1 << 20  # bytes of signs looked up at once
_ROUNDING = 1e-12  # sums that differ by less, as a share of the sum of all sizes, are equal


def p_value(differences: npt.ArrayLike, test: Test = "t") -> float:
    """How probable a mean difference at least this large would be if the two runs were alike.

    Raises:
        SettingsError: no such test.
        DataError: fewer than two queries.
        ShapeError: not one finite number a query.
    """
    _check_choice("test", test, get_args(Test))
    return t_test(differences) if test == "t" else randomisation_test(differences)


def t_test(differences: npt.ArrayLike) -> float:
    """Student's paired t-test: t = mean / (s / sqrt(n)) with n - 1 degrees of freedom.

    Differences that are all zero give 1; differences that are all the same and not zero give 0,
    the limit of the formula as their spread vanishes.

    >>> round(t_test([0.1, 0.2, 0.0, 0.3]), 4)
    0.1027

    Raises:
        DataError: fewer than two queries.
        ShapeError: not one finite number a query.
    """
    values = _checked(differences)
    if not values.any():
        return 1.0
    error = _standard_error(values)
    if error == 0:
        return 0.0
    return float(2 * stdtr(len(values) - 1, -abs(values.mean()) / error))


def randomisation_test(differences: npt.ArrayLike, *, samples: int = 100_000, seed: int = 0) -> float:
    """Fisher's paired randomisation test: were the two runs alike, each difference could bear either sign.

    p is the share of sign patterns whose sum is at least as far from zero as the one found. With at
    most 16 differences that are not zero, all patterns are counted; with more, `samples` are drawn
    and the pattern found is counted among them: (1 + as far) / (1 + samples), which is never 0
    (Phipson and Smyth, 2010).

    >>> randomisation_test([1.0, 2.0, 0.0, 3.0])
    0.25

    Raises:
        DataError: fewer than two queries.
        ShapeError: not one finite number a query.
    """
    sizes = np.abs(_checked(differences))
    moved = sizes[sizes > 0]
    if len(moved) == 0:
        return 1.0
    sums = _Sums.of(moved)
    found = abs(float(np.sum(differences))) - _ROUNDING * float(moved.sum())
    if len(moved) <= _EXACT:
        every = np.arange(1 << len(moved), dtype="<u2").view(np.uint8).reshape(-1, 2)
        return float(np.mean(np.abs(sums(every)) >= found))
    generator = np.random.default_rng(seed)
    far, left = 0, samples
    while left:
        rows = min(left, max(1, _AT_ONCE // sums.width))
        drawn = np.frombuffer(generator.bytes(rows * sums.width), dtype=np.uint8).reshape(rows, -1)
        far += int(np.count_nonzero(np.abs(sums(drawn)) >= found))
        left -= rows
    return (1 + far) / (1 + samples)


def interval(differences: npt.ArrayLike, *, confidence: float = 0.95) -> tuple[float, float]:
    """The interval of the mean difference from Student's t: mean -+ t(n - 1) * s / sqrt(n).

    Raises:
        SettingsError: a confidence that is not between 0 and 1.
        DataError: fewer than two queries.
        ShapeError: not one finite number a query.
    """
    if not 0 < confidence < 1:
        raise SettingsError(f"found a confidence of {confidence}; wanted a number between 0 and 1, such as 0.95")
    values = _checked(differences)
    half = float(stdtrit(len(values) - 1, (1 + confidence) / 2)) * _standard_error(values)
    mean = float(values.mean())
    return mean - half, mean + half


def correct(p_values: Sequence[float], correction: Correction = "holm") -> list[float]:
    """Correct the p-values of one family of comparisons, so that alpha bounds the chance of any false finding.

    Bonferroni: min(1, m p). Holm (1979): of the p-values in rising order the i-th (from 0) becomes
    (m - i) p, never less than the one before it, and at most 1.

    >>> correct([0.01, 0.04, 0.03], "holm")
    [0.03, 0.06, 0.06]

    Raises:
        SettingsError: no such correction.
    """
    _check_choice("correction", correction, get_args(Correction))
    raw = np.asarray(p_values, dtype=np.float64)
    if correction == "none" or len(raw) == 0:
        return [float(p) for p in raw]
    if correction == "bonferroni":
        return [float(p) for p in np.minimum(1, raw * len(raw))]
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    corrected = np.empty_like(raw)
    corrected[order] = np.minimum(1, stepped)
    return [float(p) for p in corrected]


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums under sign patterns, eight differences a byte: each bit is a sign, each byte one look-up."""

    tables: Differences  # (256, bytes): what each value of each byte adds to the sum

    @classmethod
    def of(cls, sizes: Differences) -> "_Sums":
        wide = np.zeros(max(2, -(-len(sizes) // 8)) * 8)
        wide[: len(sizes)] = sizes
        signs = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little") - 1
        return cls(signs @ wide.reshape(-1, 8).T)

    @property
    def width(self) -> int:
        return int(self.tables.shape[1])

    def __call__(self, patterns: npt.NDArray[np.uint8]) -> Differences:
        """Patterns (p, bytes) to sums (p,)."""
        sums: Differences = self.tables[patterns, np.arange(self.width)].sum(axis=1)
        return sums


def _standard_error(values: Differences) -> float:
    """Give s / sqrt(n); 0 where all are the same, which rounding of the mean would hide."""
    if np.ptp(values) == 0:
        return 0.0
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _checked(differences: npt.ArrayLike) -> Differences:
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        found = f"differences of shape {values.shape}, {int(np.sum(~np.isfinite(values)))} of them not finite"
        raise ShapeError(f"found {found}; wanted one finite number a query")
    if len(values) < 2:
        queries = f"{len(values)} quer{'y' if len(values) == 1 else 'ies'}"
        raise DataError(f"found {queries} to compare on; wanted at least 2: one query says nothing of the spread")
    return values


def _check_choice(what: str, found: str, known: Sequence[str]) -> None:
    if found not in known:
        raise SettingsError(f"found the unknown {what} '{found}'; {nearest(found, known)}")
