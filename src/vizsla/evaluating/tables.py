"""Tables: measured and compared runs as titled rows of short strings, ready for any syntax.

Knows what stands in a report and how its numbers are written. Refuses to know Markdown, LaTeX and
terminals.
"""

from dataclasses import dataclass

from vizsla.evaluating.compare import Comparison, Contrast
from vizsla.evaluating.measuring import Measured

_TESTS = {"t": "paired t-test", "randomisation": "paired randomisation test"}
_CORRECTIONS = {"holm": "Holm", "bonferroni": "Bonf.", "none": ""}


@dataclass(frozen=True, slots=True)
class Table:
    """A title, headings and rows; the first `texts` columns hold words, the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """Tables, and the note that explains them."""

    tables: tuple[Table, ...]
    note: str


def tables(result: Measured | Comparison) -> Report:
    """What to show of a result."""
    return _of_measured(result) if isinstance(result, Measured) else _of_comparison(result)


def _of_measured(measured: Measured) -> Report:
    rows = tuple((measure, f"{mean:.4f}") for measure, mean in measured.means.items())
    note = f"Means over {len(measured.queries):,} judged queries."
    if measured.without_hits:
        note += f" Without hits, counted as 0: {len(measured.without_hits):,}."
    if measured.unjudged:
        note += f" In the run but not judged, not counted: {len(measured.unjudged):,}."
    return Report((Table(_clean(measured.run), ("measure", "mean"), rows),), note)


def _of_comparison(comparison: Comparison) -> Report:
    shown = []
    for measure, means in comparison.means.items():
        contrasts = [each for each in comparison.contrasts if each.measure == measure]
        shown.append(_means(comparison, measure, means, contrasts))
        shown += [_moved(each) for each in contrasts if each.movers]
    return Report(tuple(shown), _note(comparison))


def _means(comparison: Comparison, measure: str, means: dict[str, float], contrasts: list[Contrast]) -> Table:
    corrected = comparison.correction != "none" and len(contrasts) > 1
    tail = (f"p {_CORRECTIONS[comparison.correction]}",) if corrected else ()
    columns = ("run", "mean", "diff", "95 % interval", "p", *tail, "W/T/L")
    baseline = comparison.runs[0]
    rows = [(_clean(baseline), f"{means[baseline]:.4f}", *("",) * (len(columns) - 2))]
    for each in contrasts:
        name = each.run if each.baseline == baseline else f"{each.run} vs {each.baseline}"
        mark = "*" if comparison.significant(each) else ""
        spread = f"[{_signed(each.low)}, {_signed(each.high)}]"
        numbers = (f"{means[each.run]:.4f}", f"{_signed(each.difference)}{mark}", spread, _probability(each.p))
        after = (_probability(each.p_corrected),) if corrected else ()
        rows.append((_clean(name), *numbers, *after, f"{each.wins}/{each.ties}/{each.losses}"))
    return Table(measure, columns, tuple(rows))


def _moved(contrast: Contrast) -> Table:
    rows = tuple(
        (
            _clean(each.query),
            _clean(each.text),
            f"{each.baseline:.4f}",
            f"{each.run:.4f}",
            _signed(each.run - each.baseline),
        )
        for each in contrast.movers
    )
    title = f"{contrast.measure}: the queries that moved most, {_clean(contrast.run)} vs {_clean(contrast.baseline)}"
    return Table(title, ("id", "query", "before", "after", "change"), rows, texts=2)


def _note(comparison: Comparison) -> str:
    count = len(comparison.contrasts) // len(comparison.means)
    family = f"after the correction of {comparison.correction.capitalize()} over {count} comparisons a measure"
    corrected = f" {family}" if comparison.correction != "none" and count > 1 else ""
    return (
        f"* p < {comparison.alpha:g}{corrected}: {_TESTS[comparison.test]}, two-sided, {comparison.queries:,} queries. "
        f"diff: from {_clean(comparison.runs[0])}, or from the run after 'vs'. "
        "95 % interval: of the mean difference, by Student's t, not corrected. "
        "W/T/L: queries won, tied, lost."
    )


def _signed(value: float) -> str:
    """A difference with its sign and without the zero that every measure starts with.

    >>> _signed(0.01234), _signed(-0.5), _signed(-1.0), _signed(-0.00001)
    ('+.0123', '-.5000', '-1.0000', '.0000')
    """
    text = f"{value:+.4f}".replace("0.", ".", 1)
    return text if text not in ("+.0000", "-.0000") else ".0000"


def _probability(p: float) -> str:
    """Four digits, or the bound below them.

    >>> _probability(0.04321), _probability(1.0), _probability(1e-7)
    ('.0432', '1.0000', '<.0001')
    """
    return "<.0001" if p < 0.0001 else f"{p:.4f}".replace("0.", ".", 1) if p < 1 else "1.0000"


def _clean(text: str) -> str:
    """One line without anything a terminal would obey."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
