"""FlagEmbedding: training examples as JSONL, `query pos neg` with `pos_scores neg_scores prompt` where there are any.

Knows these keys, both ways. Refuses to know titles and most ids, which the format has none of: a title is
written before its text with one space between.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.examples import Example, PlacedExample, Scores, require_texts
from vizsla.data.formats import jsonl
from vizsla.data.problems import Problems, shown
from vizsla.data.records import finite_number, is_empty, joined, make_text

_Side = tuple[tuple[Passage, ...], Scores]


def read_examples(path: str | Path, *, problems: Problems) -> Iterator[PlacedExample]:
    """Every example, with its place; an empty text goes, and its score with it.

    Raises:
        DataError: a line that is not such an object, or scores that are not one a text.
    """
    for _, values, where in jsonl.objects(path, problems=problems):
        query = make_text(jsonl.value_of(values, "query", where), where, "query")
        if is_empty(query):
            problems.note("empty_query", where, query)
        positives, positive_scores = _side(values, "pos", where, problems)
        negatives, negative_scores = _side(values, "neg", where, problems)
        prompt = make_text(values.get("prompt"), where, "prompt")
        yield Example(query, positives, negatives, "", positive_scores, negative_scores, prompt), where


def write_examples(path: str | Path, examples: Iterable[Example]) -> int:
    """Write examples; returns how many.

    Raises:
        DataError: an example without texts.
    """
    return jsonl.write_objects(path, (_object(require_texts(one, str(path))) for one in examples))


def _side(values: dict[str, Any], key: str, where: str, problems: Problems) -> _Side:
    texts = _list(jsonl.value_of(values, key, where), key, where)
    scores = [
        finite_number(one, where, "a score") for one in _list(values.get(f"{key}_scores"), f"{key}_scores", where)
    ]
    if scores and len(scores) != len(texts):
        raise DataError(f"{where}: found {len(scores)} {key}_scores for {len(texts)} texts; wanted one each, or none")
    kept = []
    for row, text in enumerate(texts):
        if is_empty(make_text(text, where, key)):
            problems.note("empty", where, text)
        else:
            kept.append(row)
    return tuple(Passage("", texts[row]) for row in kept), tuple(scores[row] for row in kept if scores)


def _list(value: object, key: str, where: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise DataError(f"{where}: found {key} = {shown(value)}; wanted a list")
    return value or []


def _object(example: Example) -> dict[str, Any]:
    found: dict[str, Any] = {
        "query": example.query,
        "pos": [joined(one) for one in example.positives],
        "neg": [joined(one) for one in example.negatives],
    }
    more = {
        "pos_scores": list(example.positive_scores),
        "neg_scores": list(example.negative_scores),
        "prompt": example.prompt,
    }
    return found | {key: value for key, value in more.items() if value}
