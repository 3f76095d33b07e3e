"""Examples: what a model is trained on, in one form for every file of the field.

Knows queries with passages that answer them and passages that do not. Refuses to know files, and
how negatives are found.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from vizsla.core.errors import DataError
from vizsla.core.protocols import Passage
from vizsla.data.corpus import Corpus
from vizsla.data.problems import Problems, shown
from vizsla.data.records import is_empty

Scores: TypeAlias = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A query, passages that answer it and passages that do not.

    What a format does not hold is empty: a query's text or id, a passage's text, title or id.

    Attributes:
        query: its text.
        positives: the passages that answer it.
        negatives: passages that do not, or that look as if they did.
        query_id: its outside id.
        positive_scores: a teacher's score of each positive; empty where there is none.
        negative_scores: a teacher's score of each negative; empty where there is none.
        prompt: what stands before the query for a model that wants it.
    """

    query: str
    positives: tuple[Passage, ...] = ()
    negatives: tuple[Passage, ...] = ()
    query_id: str = ""
    positive_scores: Scores = ()
    negative_scores: Scores = ()
    prompt: str = ""

    def __post_init__(self) -> None:
        for what, passages, scores in (
            ("positives", self.positives, self.positive_scores),
            ("negatives", self.negatives, self.negative_scores),
        ):
            if scores and len(scores) != len(passages):
                raise DataError(f"found {len(scores)} scores for {len(passages)} {what}; wanted one each, or none")

    @property
    def lacks_texts(self) -> bool:
        """Whether of the query or of a passage only the id is known."""
        passages = (*self.positives, *self.negatives)
        return not self.query or any(is_empty(one.text, one.title) for one in passages)


PlacedExample: TypeAlias = tuple[Example, str]
"""An example and its place, `file:line`."""


def require_texts(example: Example, where: str) -> Example:
    """The example itself, for writers of formats that hold texts.

    Raises:
        DataError: a query or passage of which only the id is known.
    """
    if example.lacks_texts:
        found = f"the query {shown(example.query or example.query_id)} or a passage of it without its text"
        raise DataError(f"{where}: found {found}; wanted texts: name the corpus they stand in")
    return example


def with_texts(
    examples: Iterable[PlacedExample], *, queries: Mapping[str, str], corpus: Corpus, problems: Problems
) -> Iterator[PlacedExample]:
    """Put texts to the ids of examples that hold ids only; what is not found is noted and left out.

    Args:
        examples: with ids.
        queries: text by query id.
        corpus: the passages.
        problems: counts `unknown_text`.
    """
    for example, where in examples:
        query = example.query or queries.get(example.query_id, "")
        if not query:
            problems.note("unknown_text", where, example.query_id)
            continue
        positives, positive_scores = _found(example.positives, example.positive_scores, corpus, where, problems)
        negatives, negative_scores = _found(example.negatives, example.negative_scores, corpus, where, problems)
        yield (
            replace(
                example,
                query=query,
                positives=positives,
                negatives=negatives,
                positive_scores=positive_scores,
                negative_scores=negative_scores,
            ),
            where,
        )


def _found(
    passages: tuple[Passage, ...], scores: Scores, corpus: Corpus, where: str, problems: Problems
) -> tuple[tuple[Passage, ...], Scores]:
    positions = corpus.ids.positions([one.id for one in passages]).tolist()
    kept: list[Passage] = []
    kept_scores: list[float] = []
    for row, (one, position) in enumerate(zip(passages, positions, strict=True)):
        if not one.text and position < 0:
            problems.note("unknown_text", where, one.id)
            continue
        kept.append(one if one.text else corpus.passage(position))
        kept_scores += scores[row : row + 1]
    return tuple(kept), tuple(kept_scores)
