"""Measures: their ir-measures names, checked, and the one call that has ir-measures compute them.

Knows the names, their parameters and which of ir-measures' providers to trust. Refuses to know
runs and judgements as vizsla holds them: it takes labels that the providers cannot misread.

Only measures that mean 0 when nothing is found, and that are computed in this process without
rounding, are taken. Left out are therefore counts (NumRet, NumRel, NumQ), Accuracy (undefined where
no relevant passage is found) and what ir-measures hands to other programs or packages (ERR, RBP).
"""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ir_measures

from vizsla.core.errors import SettingsError
from vizsla.core.settings import nearest

DEPTH_WITHOUT_CUTOFF = 1000
"""How deep a run is made for a measure that has no cutoff, as TREC does."""

GREATEST_GRADE = 10_000
"""The greatest grade taken: trec_eval makes a table as long as the greatest grade of each query."""

_PROVIDERS = tuple(ir_measures.providers.registry[name] for name in ("pytrec_eval", "msmarco", "judged", "compat"))
_SPACE_OUTSIDE_BRACKETS = re.compile(r"\s+(?![^(]*\))")
_RANGES: dict[str, tuple[float, float]] = {
    "cutoff": (1, 1_000_000),
    "rel": (1, GREATEST_GRADE),
    "recall": (0, 1),
    "beta": (0, 100),
    "p": (0, 1),
}  # outside these, trec_eval answers wrongly or ends the process

Labelled = Mapping[str, Mapping[str, float]]
"""A number for each passage label of each query label; labels are plain ASCII words."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure that can be computed.

    Attributes:
        name: as ir-measures writes it: the alias `MRR@10` becomes `RR@10`.
        depth: how many hits of a query it looks at.
    """

    name: str
    depth: int
    _outside: Any
    _provider: Any

    def values(self, grades: Mapping[str, Mapping[str, int]], scores: Labelled) -> dict[str, float]:
        """The value of every query of `grades`; 0 where `scores` has nothing for it.

        Each measure is computed by itself: asked together, ir-measures confuses measures that
        trec_eval gives one name (IPrec@0.331 and IPrec@0.334).

        Args:
            grades: query to passage to grade.
            scores: query to passage to score; scores of a query are positive and distinct, and no
                query is empty.
        """
        values = dict.fromkeys(grades, 0.0)
        for found in self._provider.iter_calc([self._outside], grades, scores):
            values[found.query_id] = float(found.value)
        return values


def parse(measures: str | Sequence[str]) -> tuple[Measure, ...]:
    """Read measures from their ir-measures names, in order, each once.

    >>> [(measure.name, measure.depth) for measure in parse("nDCG@10 MRR@10 R(rel=2)@50 AP")]
    [('nDCG@10', 10), ('RR@10', 10), ('R(rel=2)@50', 50), ('AP', 1000)]

    Args:
        measures: names with spaces between, or a sequence of names.

    Raises:
        SettingsError: no name, an unknown one (the nearest known is named), a parameter the measure
            does not take, or a measure that cannot be computed here.
    """
    texts = _SPACE_OUTSIDE_BRACKETS.split(measures.strip()) if isinstance(measures, str) else measures
    found = {measure.name: measure for measure in map(_parse_one, filter(None, texts))}
    if not found:
        raise SettingsError("found no measure; wanted at least one ir-measures name, such as nDCG@10")
    return tuple(found.values())


def _parse_one(text: str) -> Measure:
    name, at, parameters = _read(text)
    known = {key: kind for key, kind in ir_measures.measures.registry.items() if _computable(kind)}
    if name not in ir_measures.measures.registry:
        folded = {key.casefold(): kind.NAME for key, kind in known.items()}
        hint = nearest(folded.get(name.casefold(), name), known)
        raise SettingsError(f"found the unknown measure '{text}'; {hint} (ir-measures' names, capitals matter)")
    kind = ir_measures.measures.registry[name]
    if at is not None:
        parameters = parameters | {kind.AT_PARAM: at}
    outside = kind(**parameters)
    _check_parameters(text, outside)
    provider = next((each for each in _PROVIDERS if _computable(kind) and each.supports(outside)), None)
    if provider is None:
        names = ", ".join(sorted({kind.NAME for kind in known.values()}))
        why = "which ir-measures cannot compute exactly in this process, or which is no mean over queries"
        raise SettingsError(f"found the measure '{text}', {why}; wanted one of: {names}")
    return Measure(str(outside), int(outside.params.get("cutoff", DEPTH_WITHOUT_CUTOFF)), outside, provider)


def _computable(kind: Any) -> bool:
    """Whether a provider taken here has the measure, and its values are averaged over queries."""
    averaged = isinstance(kind.aggregator(), ir_measures.MeanAgg)
    return averaged and any(kind.NAME == own.NAME for each in _PROVIDERS for own in each.SUPPORTED_MEASURES)


def _read(text: str) -> tuple[str, Any, dict[str, Any]]:
    """Take `Name(parameter=value)@at` apart.

    ir-measures' own parser leans on parts of `ast` that Python 3.14 has taken away.
    """
    at: Any = None
    parameters: dict[str, Any] = {}
    node: ast.expr | None
    try:
        node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            at, node = ast.literal_eval(node.right), node.left
        if isinstance(node, ast.Call) and not node.args:
            parameters = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
            node = node.func
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        node = None
    if not isinstance(node, ast.Name):
        wanted = "a name such as nDCG@10 or R(rel=2)@50; several stand with spaces between"
        raise SettingsError(f"found '{text[:80]}' where a measure's name should stand; wanted {wanted}")
    return node.id, at, parameters


def _check_parameters(text: str, outside: Any) -> None:
    """Refuse what ir-measures refuses by an assertion, and what trec_eval does not survive."""
    taken = ", ".join(outside.SUPPORTED_PARAMS) or "no parameter"
    try:
        outside.validate_params()
    except (AssertionError, TypeError) as error:
        raise SettingsError(f"found the measure '{text}': {_readable(error)}; it takes {taken}") from None
    for key, value in outside.params.items():
        low, high = _RANGES.get(key, (None, None))
        if low is None or high is None:
            continue
        if isinstance(value, bool) or not low <= value <= high:
            raise SettingsError(f"found {key} = {value!r} in the measure '{text}'; wanted {low:,} to {high:,}")
    for gain in (outside.params.get("gains") or {}).items():
        if not all(type(part) is int and part <= GREATEST_GRADE for part in gain) or gain[1] < 0:
            raise SettingsError(f"found the gain {gain!r} in the measure '{text}'; wanted grade: gain, both integers")


def _readable(error: Exception) -> str:
    """ir-measures shows a missing parameter as a nameless object."""
    return re.sub(r"invalid param (\w+)=<object.*", r"\1 is missing", str(error))
