"""Runs: rankings with outside ids, and the scores that make trec_eval see them as we do.

trec_eval keeps scores as C floats and orders equal ones by falling passage id. Knows that order.
Refuses to know measures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vizsla.core.errors import DataError
from vizsla.data.formats import trec
from vizsla.data.problems import Problems, shown

_LARGEST = np.finfo(np.float32).max
_SIGN = 1 << 31


@dataclass(frozen=True, slots=True)
class Run:
    """What a system returned for each query.

    Attributes:
        name: the tag of the system; without white space, so that it can be written.
        rankings: passage id and score in rank order, by query id.
    """

    name: str
    rankings: dict[str, list[tuple[str, float]]]

    @classmethod
    def read(cls, path: str | Path, *, problems: Problems | None = None) -> "Run":
        """Read a TREC run in the order trec_eval gives it: falling float32 score, then falling passage id.

        Ranks are not used; a query whose ranks contradict its scores is noted.

        Raises:
            DataError: a line without six columns, or a score that is no finite number.
        """
        problems = problems or Problems()
        name = Path(path).name.partition(".")[0]
        found: dict[str, dict[str, tuple[int, float]]] = {}
        for row, (line, where) in enumerate(trec.read_run(path, problems=problems)):
            name = line.tag if row == 0 else name
            hits = found.setdefault(line.query, {})
            if line.passage in hits:
                problems.note("duplicate_hit", where, f"{line.query} {line.passage}")
            else:
                hits[line.passage] = line.rank, line.score
        for query, hits in found.items():
            if _contradict(list(hits.values())):
                problems.note("rank_order", str(path), f"query {query}")
        return cls(name, {query: _ranked(hits) for query, hits in found.items()})

    def write(self, path: str | Path) -> None:
        """Write a TREC run, compressed as it is named, whose scores fall strictly in rank order (see `falling`).

        A query without hits has no line in this format.

        Raises:
            DataError: an id or the name holds white space, a passage comes twice, or a score is no number.
        """
        trec.write_run(path, (line for query in self.rankings for line in self._lines(query)))

    def _lines(self, query: str) -> list[trec.RunLine]:
        hits = self.rankings[query]
        ids = [passage for passage, _ in hits]
        if len(set(ids)) != len(ids):
            raise DataError(f"found a passage twice in the ranking of query {shown(query)}; wanted each once")
        scores = falling([score for _, score in hits]).tolist()
        return [trec.RunLine(query, ids[row], row + 1, score, self.name) for row, score in enumerate(scores)]


def falling(scores: Sequence[float] | npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Strictly falling float32 scores for a ranking, each as near its own score as its place allows.

    Written on the integers that count the floats: with o(s) the number of the float s, row i gets
    min over j ≤ i of o(s_j) + j, less i.

    Args:
        scores: (n,) in rank order.

    Returns:
        (n,) float32, every one smaller than the one before.

    >>> falling([2.0, 1.0, 1.0]).tolist()
    [2.0, 1.0, 0.9999999403953552]

    Raises:
        DataError: a score that is NaN.
    """
    wide = np.asarray(scores, dtype=np.float64)
    if np.isnan(wide).any():
        raise DataError("found a score that is NaN; wanted numbers: a NaN cannot be ranked")
    rows = np.arange(len(wide))
    numbers = _to_numbers(np.clip(wide, -_LARGEST, _LARGEST).astype(np.float32))
    numbers = np.minimum.accumulate(numbers + rows) - rows if len(rows) else numbers
    lowest = _to_numbers(np.array([-_LARGEST], dtype=np.float32))[0]
    return _to_floats(np.maximum(numbers, lowest + rows[::-1]))


def _to_numbers(floats: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Number the floats so that neighbours differ by one and both zeros are 0."""
    bits = floats.view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & (_SIGN - 1)), bits)


def _to_floats(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    bits = np.where(numbers < 0, _SIGN - numbers, numbers)
    return bits.astype(np.uint32).view(np.float32)


def _contradict(hits: list[tuple[int, float]]) -> bool:
    """Whether a better rank stands on a lower score."""
    scores = np.array([score for _, score in sorted(hits, key=lambda hit: (hit[0], -hit[1]))], dtype=np.float32)
    return bool((scores[1:] > scores[:-1]).any())


def _ranked(hits: dict[str, tuple[int, float]]) -> list[tuple[str, float]]:
    scores = np.array([score for _, score in hits.values()], dtype=np.float32).tolist()
    return sorted(zip(hits, scores, strict=True), key=lambda hit: (hit[1], hit[0]), reverse=True)
