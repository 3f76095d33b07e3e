"""Judgements: which passages answer which queries, and how well.

Knows queries, grades, and how the two are brought together. Refuses to know measures and runs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vizsla.data.formats import beir
from vizsla.data.problems import Problems, shown
from vizsla.data.records import PlacedGrade, PlacedQuery


class Located(Protocol):
    """Outside ids to positions, -1 where an id is absent: a corpus' ids, or a snapshot's."""

    def positions(self, ids: Sequence[str]) -> npt.NDArray[np.int64]: ...


@dataclass(frozen=True, slots=True)
class Judgements:
    """Queries and the grades of their passages.

    Attributes:
        queries: text by query id; every one has at least one grade.
        grades: grade by passage id, by query id; above 0 is relevant.
        problems: what was wrong with the records, said and counted.
    """

    queries: dict[str, str]
    grades: dict[str, dict[str, int]]
    problems: Problems = field(default_factory=Problems, compare=False, repr=False)

    @classmethod
    def read(cls, folder: str | Path, *, split: str = "test", problems: Problems | None = None) -> "Judgements":
        """Read one split of a folder in the layout of BEIR; queries it does not judge are left out.

        Raises:
            DataError: no such split (names those there are), or a record that is not one.
        """
        problems = problems or Problems()
        grades = beir.read_judgements(folder, split=split, problems=problems)
        return cls.gather(beir.read_queries(folder, problems=problems), grades, problems=problems)

    @classmethod
    def gather(
        cls, queries: Iterable[PlacedQuery], grades: Iterable[PlacedGrade], *, problems: Problems | None = None
    ) -> "Judgements":
        """Bring queries and grades together; a grade whose query is not there is noted and left out."""
        problems = problems or Problems()
        texts: dict[str, str] = {}
        for id_, text, where in queries:
            if id_ in texts:
                problems.note("duplicate_id", where, id_)
            else:
                texts[id_] = text
        kept: dict[str, dict[str, int]] = {}
        for query, passage, grade, where in grades:
            if query not in texts:
                problems.note("unknown_id", where, query)
            elif passage in kept.setdefault(query, {}):
                problems.note("duplicate_judgement", where, f"{query} {passage}")
            else:
                kept[query][passage] = grade
        return cls({query: texts[query] for query in kept}, kept, problems)

    @property
    def counts(self) -> dict[str, int]:
        """How many queries, judgements, and relevant ones among these."""
        grades = [grade for row in self.grades.values() for grade in row.values()]
        return {"queries": len(self.queries), "judgements": len(grades), "relevant": sum(g > 0 for g in grades)}

    def check(self, ids: Located) -> int:
        """Note every judgement of a passage that the corpus does not hold; returns how many there are."""
        pairs = [(query, passage) for query, row in self.grades.items() for passage in row]
        missing = np.flatnonzero(ids.positions([passage for _, passage in pairs]) < 0).tolist()
        for row in missing:
            query, passage = pairs[row]
            self.problems.note("unknown_id", f"the judgements of query {shown(query)}", passage)
        return len(missing)
