"""Measuring: a run and judgements to one value a measure and query.

Knows runs and judgements. Refuses to know how a measure is computed, and how a run was made.

What counts is a query's place in the ranking, never its score: a measure is fed strictly falling
numbers made from the ranks, so no evaluator can reorder ties. Every query with a judgement counts,
with 0 where the run has no hits for it; a query of the run without a judgement does not count.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vizsla.core.errors import DataError
from vizsla.core.protocols import Retriever
from vizsla.data.judgements import Judgements
from vizsla.data.runs import Run
from vizsla.evaluating.measures import GREATEST_GRADE, Measure, parse
from vizsla.evaluating.running import PassageIds, make_run

_AT_ONCE = 1000  # queries labelled at once, so that memory does not grow with the run
_log = logging.getLogger("vizsla")

Grades = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run is worth.

    Attributes:
        run: its name.
        values: measure to query id to value; every measure has the same queries, in the same order.
        without_hits: the queries that count 0 because the run found nothing for them.
        unjudged: the queries of the run that do not count because nothing is judged for them.
    """

    run: str
    values: dict[str, dict[str, float]]
    without_hits: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures' names."""
        return tuple(self.values)

    @property
    def queries(self) -> tuple[str, ...]:
        """The ids of the queries that count."""
        return tuple(next(iter(self.values.values())))

    @property
    def means(self) -> dict[str, float]:
        """Each measure's mean over the queries."""
        return {measure: math.fsum(each.values()) / len(each) for measure, each in self.values.items()}


def measure(run: Run, judgements: Judgements, measures: str | Sequence[str]) -> Measured:
    """Measure a run against judgements.

    Args:
        run: each query's passages in rank order.
        judgements: the grades; a query counts if it has at least one, of whatever grade.
        measures: ir-measures names, `"nDCG@10 RR@10 R@50"`.

    Raises:
        SettingsError: a measure that does not exist or cannot be computed.
        DataError: nothing is judged, no query of the run is judged, a ranking names a passage twice,
            or a grade that trec_eval cannot hold.
    """
    wanted = parse(measures)
    grades = {query: judged for query, judged in judgements.grades.items() if judged}
    _check(run, grades)
    values: dict[str, dict[str, float]] = {one.name: {} for one in wanted}
    queries = list(grades)
    for start in range(0, len(queries), _AT_ONCE):
        _measure_part(run, {query: grades[query] for query in queries[start : start + _AT_ONCE]}, wanted, values)
    without_hits = tuple(query for query in grades if not run.rankings.get(query))
    unjudged = tuple(query for query in run.rankings if query not in grades)
    _warn(run, grades, unjudged)
    return Measured(run.name, values, without_hits, unjudged)


def evaluate(
    retriever: Retriever,
    judgements: Judgements,
    measures: str | Sequence[str],
    ids: PassageIds,
    *,
    k: int | None = None,
    name: str = "run",
) -> Measured:
    """Search every judged query and measure what was found.

    Args:
        retriever: what to search with.
        judgements: queries and grades.
        measures: ir-measures names, `"nDCG@10 RR@10 R@50"`.
        ids: the ids of the passages the retriever searches.
        k: how many hits a query; without it as many as the deepest measure looks at (1000 for a
            measure without a cutoff).
        name: of the run.

    Raises:
        SettingsError: a measure that does not exist or cannot be computed.
        DataError: as `measure`, or a judged query without a text.
    """
    judged = [query for query, grades in judgements.grades.items() if grades]
    textless = [query for query in judged if query not in judgements.queries]
    if textless:
        count = f"{len(textless)} judged queries without a text, the first '{textless[0]}'"
        raise DataError(f"found {count}; wanted a text for each: give the queries' file with the judgements")
    depth = max(one.depth for one in parse(measures)) if k is None else k
    run = make_run(retriever, {query: judgements.queries[query] for query in judged}, ids, k=depth, name=name)
    return measure(run, judgements, measures)


def _measure_part(run: Run, grades: Grades, measures: Sequence[Measure], values: dict[str, dict[str, float]]) -> None:
    labelled_grades: dict[str, dict[str, int]] = {}
    labelled_scores: dict[str, dict[str, float]] = {}
    labels = {str(number): query for number, query in enumerate(grades)}
    for label, query in labels.items():
        ranking = [passage for passage, _ in run.rankings.get(query, ())]
        labelled_grades[label], scores = _label(grades[query], ranking)
        if scores:
            labelled_scores[label] = scores
    for one in measures:
        found = one.values(labelled_grades, labelled_scores)
        values[one.name].update((query, found[label]) for label, query in labels.items())


def _label(grades: Mapping[str, int], ranking: Sequence[str]) -> tuple[dict[str, int], dict[str, float]]:
    """Plain labels for one query's passages, and scores that fall from the number of hits to 1.

    trec_eval ends an id at a NUL byte, dies of a lone surrogate and holds scores as float32; a label
    and a small whole number survive it. Compatibility reads a score of 0 as "not found", hence 1.
    trec_eval also dies of a query whose grades are all negative: 0 is as irrelevant, and it lives.
    """
    labels = {passage: f"j{number}" for number, passage in enumerate(grades)}
    size = len(ranking)
    scores = {labels.get(passage) or f"u{rank}": float(size - rank) for rank, passage in enumerate(ranking)}
    lowest = 0 if max(grades.values()) < 0 else -GREATEST_GRADE
    return {labels[passage]: max(grade, lowest) for passage, grade in grades.items()}, scores


def _check(run: Run, grades: Grades) -> None:
    if not grades:
        raise DataError("found no judgement; wanted at least one judged query: check the split and the file's name")
    if run.rankings and not any(query in grades for query in run.rankings):
        one, other = next(iter(run.rankings)), next(iter(grades))
        found = f"the run '{run.name}' holds '{one}', the judgements '{other}'"
        raise DataError(f"found no judged query in the run: {found}; wanted a run over the judgements' queries")
    for query, judged in grades.items():
        for passage, grade in judged.items():
            if abs(grade) > GREATEST_GRADE:
                where = f"query '{query}', passage '{passage}'"
                raise DataError(
                    f"found the grade {grade} ({where}); wanted at most {GREATEST_GRADE:,}: rescale the grades"
                )
    for query, ranking in run.rankings.items():
        if len({passage for passage, _ in ranking}) != len(ranking):
            found = f"a passage twice for the query '{query}' of the run '{run.name}'"
            raise DataError(f"found {found}; wanted each passage once a query: remove the lower rank")


def _warn(run: Run, grades: Grades, unjudged: Sequence[str]) -> None:
    absent = [query for query in grades if query not in run.rankings]
    if absent:
        found = f"{len(absent)} of {len(grades)} judged queries"
        _log.warning("the run '%s' lacks %s (the first '%s'): they count 0", run.name, found, absent[0])
    if unjudged:
        found = f"{len(unjudged)} queries without a judgement"
        _log.warning("the run '%s' holds %s (the first '%s'): they do not count", run.name, found, unjudged[0])
