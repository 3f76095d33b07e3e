"""Compare: two or more measured runs to differences, their significance, and the queries that moved.

Knows measured runs. Refuses to know rankings and how tables look.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from vizsla.core.errors import DataError, SettingsError
from vizsla.data.judgements import Judgements
from vizsla.evaluating.measuring import Measured
from vizsla.evaluating.significance import Correction, Differences, Test, correct, interval, p_value

_ROUNDING = 1e-12  # values nearer to each other than this are the same value, summed in another order


@dataclass(frozen=True, slots=True)
class Mover:
    """A query whose value changed: its id, its text ("" where the judgements have none), both values."""

    query: str
    text: str
    baseline: float
    run: float


@dataclass(frozen=True, slots=True)
class Contrast:
    """One run against another in one measure.

    Attributes:
        difference: mean of the run minus mean of the baseline.
        low: lower end of the 95 % interval of the difference (Student's t, not corrected).
        high: upper end of it.
        p: of the test alone.
        p_corrected: over all contrasts of this measure.
        wins: queries with a higher value than in the baseline; ties and losses likewise.
        movers: the queries that changed most, the largest change first.
    """

    measure: str
    baseline: str
    run: str
    difference: float
    low: float
    high: float
    p: float
    p_corrected: float
    wins: int
    ties: int
    losses: int
    movers: tuple[Mover, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side.

    Attributes:
        runs: their names, the baseline first.
        queries: how many were measured.
        means: measure to run to mean.
        contrasts: measure by measure, every run against the baseline, then (where asked) the other pairs.
    """

    runs: tuple[str, ...]
    queries: int
    test: Test
    correction: Correction
    alpha: float
    means: dict[str, dict[str, float]]
    contrasts: tuple[Contrast, ...]

    def significant(self, contrast: Contrast) -> bool:
        """Whether the corrected p is below alpha."""
        return contrast.p_corrected < self.alpha


def compare(
    measured: Sequence[Measured],
    judgements: Judgements,
    *,
    test: Test = "t",
    correction: Correction = "holm",
    alpha: float = 0.05,
    movers: int = 5,
    all_pairs: bool = False,
) -> Comparison:
    """Compare runs that were measured on the same queries; the first is the baseline.

    p-values are corrected over the contrasts of one measure: measures are read apart.

    Args:
        measured: two or more.
        judgements: where the queries' texts stand.
        test: Student's paired t-test, or Fisher's randomisation test.
        correction: Holm's, Bonferroni's or none.
        alpha: the corrected p below which a difference is called significant.
        movers: how many of the queries that changed most to keep for each contrast.
        all_pairs: contrast every run with every other, not with the baseline alone.

    Raises:
        SettingsError: an unknown test or correction, alpha outside 0 to 1, or movers below 0.
        DataError: fewer than two runs, two of one name, other measures or queries, or fewer than two queries.
    """
    if not 0 < alpha < 1 or movers < 0:
        raise SettingsError(
            f"found alpha={alpha}, movers={movers}; wanted alpha between 0 and 1 and movers of at least 0"
        )
    _check_alike(measured)
    pairs = [(old, new) for old, new in combinations(measured, 2) if all_pairs or old is measured[0]]
    contrasts = []
    for measure in measured[0].measures:
        differences = [_differences(old, new, measure) for old, new in pairs]
        raw = [p_value(each, test) for each in differences]
        for pair, each, p, corrected in zip(pairs, differences, raw, correct(raw, correction), strict=True):
            moved = _movers(pair, measure, each, judgements.queries, movers)
            contrasts.append(_contrast(pair, measure, each, (p, corrected), moved))
    means = {measure: {each.run: each.means[measure] for each in measured} for measure in measured[0].measures}
    names = tuple(each.run for each in measured)
    return Comparison(names, len(measured[0].queries), test, correction, alpha, means, tuple(contrasts))


def _contrast(
    pair: tuple[Measured, Measured],
    measure: str,
    differences: Differences,
    p_values: tuple[float, float],
    movers: tuple[Mover, ...],
) -> Contrast:
    low, high = interval(differences)
    wins, losses = int(np.sum(differences > 0)), int(np.sum(differences < 0))
    return Contrast(
        measure=measure,
        baseline=pair[0].run,
        run=pair[1].run,
        difference=float(differences.mean()),
        low=low,
        high=high,
        p=p_values[0],
        p_corrected=p_values[1],
        wins=wins,
        ties=len(differences) - wins - losses,
        losses=losses,
        movers=movers,
    )


def _differences(baseline: Measured, run: Measured, measure: str) -> Differences:
    old, new = baseline.values[measure], run.values[measure]
    differences = np.array([new[query] - old[query] for query in baseline.queries], dtype=np.float64)
    differences[np.abs(differences) < _ROUNDING] = 0
    return differences


def _movers(
    pair: tuple[Measured, Measured], measure: str, differences: Differences, texts: Mapping[str, str], count: int
) -> tuple[Mover, ...]:
    old, new = (each.values[measure] for each in pair)
    order = np.argsort(-np.abs(differences), kind="stable")[:count]
    queries = [pair[0].queries[row] for row in order if differences[row] != 0]
    return tuple(Mover(query, texts.get(query, ""), old[query], new[query]) for query in queries)


def _check_alike(measured: Sequence[Measured]) -> None:
    names = [each.run for each in measured]
    if len(set(names)) != len(names) or len(names) < 2:
        raise DataError(f"found the runs {names}; wanted at least two, each with a name of its own")
    first = measured[0]
    for each in measured[1:]:
        if each.measures != first.measures:
            found = f"{', '.join(first.measures)} for '{first.run}' and {', '.join(each.measures)} for '{each.run}'"
            raise DataError(f"found the measures {found}; wanted the same: measure both alike")
        lacking, further = set(first.queries) - set(each.queries), set(each.queries) - set(first.queries)
        if lacking or further:
            found = f"'{each.run}' lacks {_some(lacking)} of '{first.run}' and has {_some(further)} more"
            raise DataError(f"found runs measured on other queries: {found}; wanted the same judgements for both")


def _some(queries: set[str]) -> str:
    shown = ", ".join(sorted(queries)[:3])
    return f"{len(queries)} queries ({shown}{', ...' if len(queries) > 3 else ''})" if queries else "0 queries"
