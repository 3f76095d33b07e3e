"""The gate: whether a model in lower precision still ranks as well as it did.

It passes when the lower end of the 95% interval of the paired nDCG@10 difference (Student's t over queries) is above
-0.005. Knows outputs and judgements. Refuses to know how a model was made.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from vizsla.compiling.judged_sample import JudgedSample
from vizsla.compiling.observing import DEPTH, Observed
from vizsla.core.errors import DataError
from vizsla.evaluating.measuring import measure
from vizsla.evaluating.significance import interval

MARGIN = 0.005
MEASURE = f"nDCG@{DEPTH}"
FEWEST = 100
"""Fewer carry no verdict, even where none of them changed: one query lost in a hundred weighs twice the margin."""
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate found.

    Attributes:
        passed: whether the lower end is above -0.005.
        reference: mean nDCG@10 in full precision.
        candidate: mean nDCG@10 in lower precision.
        low: lower end of the 95% interval of the mean difference.
        high: upper end of it.
        changed: queries whose nDCG@10 is another.
        needed: queries that it would take to tell, 0 where these do.
        parity: how far the outputs moved, by name: cosines, score drift, agreement of the first ten.
    """

    passed: bool
    reference: float
    candidate: float
    low: float
    high: float
    changed: int
    needed: int
    parity: Mapping[str, float]

    @property
    def difference(self) -> float:
        """Mean nDCG@10 in lower precision minus full."""
        return self.candidate - self.reference

    def record(self) -> dict[str, Any]:
        """Plain values for a manifest."""
        kept = {"passed": self.passed, "measure": MEASURE, "margin": MARGIN, "difference": self.difference}
        kept |= {"reference": self.reference, "candidate": self.candidate, "low": self.low, "high": self.high}
        return {**kept, "changed": self.changed, "parity": dict(self.parity)}


def judge(reference: Observed, candidate: Observed, sample: JudgedSample) -> Verdict:
    """Compare two models' outputs on a sample."""
    full, low = (
        measure(each.run(sample, name), sample.judgements, MEASURE).values[MEASURE]
        for each, name in ((reference, "full"), (candidate, "low"))
    )
    differences = np.array([low[query] - full[query] for query in full])
    differences[np.abs(differences) < _TINY] = 0
    bottom, top = interval(differences)
    means = [float(np.mean(list(each.values()))) for each in (full, low)]
    changed = int(np.count_nonzero(differences))
    moved, needed = parity(reference, candidate), queries_needed(differences, bottom, top)
    return Verdict(bottom > -MARGIN, means[0], means[1], bottom, top, changed, needed, moved)


def check_count(queries: int) -> None:
    """Refuse what cannot be told from so few queries, before anything is run.

    Raises:
        DataError: fewer than a hundred.
    """
    if queries < FEWEST:
        raise DataError(
            f"found {queries} judged queries for the gate; wanted at least {FEWEST}: give more, or another set of data"
        )


def queries_needed(differences: npt.NDArray[np.float64], low: float, high: float) -> int:
    """How many queries would tell, 0 where these do: n (half the interval / margin)^2.

    They do not tell where not even an unchanged mean would pass with so wide an interval, and it reaches over -0.005.
    """
    half = (high - low) / 2
    if low > -MARGIN or high <= -MARGIN or half < MARGIN:
        return 0
    return math.ceil(len(differences) * (half / MARGIN) ** 2)


def refuse_open(verdict: Verdict, queries: int) -> None:
    """Refuse a verdict that is open.

    Raises:
        DataError: too few queries to tell; says how many are needed.
    """
    if verdict.needed:
        half = (verdict.high - verdict.low) / 2
        found = f"{queries} queries, over which {MEASURE} differs by {verdict.difference:+.4f} +- {half:.4f}"
        wanted = f"about {verdict.needed:,} queries to tell a difference of {MARGIN}"
        raise DataError(f"found {found}; wanted {wanted}: give more, or another set of data")


def parity(reference: Observed, candidate: Observed) -> dict[str, float]:
    """How far outputs moved: cosine of each vector, drift of the scores of the first ten, and which ten these are."""
    found: dict[str, float] = {}
    for side, ours, theirs in zip(("queries", "passages"), reference.rows, candidate.rows, strict=False):
        cosines = _cosines(ours, theirs)
        found |= {f"{side}_cosine_mean": float(cosines.mean()), f"{side}_cosine_min": float(cosines.min())}
    drifts, shared = [], []
    tops = zip(reference.top(), candidate.top(), strict=True)
    for row, (ours, theirs) in enumerate(tops):
        held = np.flatnonzero(np.isin(reference.positions[row], ours))
        drifts.append(np.abs(candidate.scores[row, held] - reference.scores[row, held]))
        shared.append(len(np.intersect1d(ours, theirs)) / max(len(ours), 1))
    every = np.concatenate(drifts)
    found |= {"score_drift_mean": float(every.mean()), "score_drift_max": float(every.max())}
    return found | {"top_10_agreement": float(np.mean(shared))}


def _cosines(ours: Any, theirs: Any) -> npt.NDArray[np.float64]:
    """Cosine of each pair of rows; two empty rows agree."""
    if isinstance(ours, csr_array):
        products = np.asarray((ours * theirs).sum(axis=1)).reshape(-1)
        lengths = [np.sqrt(np.asarray((one * one).sum(axis=1)).reshape(-1)) for one in (ours, theirs)]
    else:
        products = np.einsum("nd,nd->n", ours, theirs, dtype=np.float64)
        lengths = [np.linalg.norm(one.astype(np.float64), axis=1) for one in (ours, theirs)]
    both = lengths[0] * lengths[1]
    empty = (lengths[0] == 0) & (lengths[1] == 0)
    cosines: npt.NDArray[np.float64] = np.where(empty, 1.0, products / np.maximum(both, _TINY))
    return cosines
