"""The lexical stage: BM25 over the segments of a snapshot, by the statistics of what is alive.

Law: after any order of additions, updates, deletions and merges, the hits are those of a collection made at once of
the passages that are alive. Passages, their average length and how many hold each term are counted over the live rows
of all segments, so a term weighs the same in each of them. Knows terms; refuses to know texts and ids.
"""

import time
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from vizsla.collections.explanation import TermPart
from vizsla.collections.live import Counts
from vizsla.collections.parts import LexicalPart
from vizsla.collections.placed import Placed
from vizsla.collections.segmented import SegmentedPostings
from vizsla.core.errors import ArtifactError
from vizsla.core.hits import Hits
from vizsla.core.protocols import Stage, Trace
from vizsla.core.vectors import Bitmap
from vizsla.encoders.bm25 import BM25
from vizsla.encoders.lexical import asked
from vizsla.kernels import postings, spreading
from vizsla.kernels.gathering import Asked
from vizsla.text import packing
from vizsla.text.analyzer import Analyzer, pack
from vizsla.text.counting import TermCounter

Int64s = npt.NDArray[np.int64]
_REMEMBERED = 1 << 14
"""Terms of queries a table remembers before it begins anew."""
_ROUNDED = 1 + 1e-6
"""More than a score, rounded to float32, can be above what it was rounded from."""


class LexicalStage:
    """Searches the lexical parts of live segments.

    Args:
        name: what it is called in a trace, and the parts.
        placed: the segments.
        analyzer: what the parts' terms were made by.
        bm25: how they weigh.
    """

    def __init__(self, name: str, placed: Placed, analyzer: Analyzer, bm25: BM25) -> None:
        self._name, self._placed, self._analyzer, self._bm25 = name, placed, analyzer, bm25
        self._tables: list[_Table] = []

    def search(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Hits:
        """The k best live passages of each query.

        Raises:
            ShapeError: one string where a sequence of them is wanted, or a bitmap of another size.
            DataError: a query that is no text.
        """
        return self._postings.find(self._laid(queries), k, allowed)

    def trace(self, queries: Sequence[str], k: int, allowed: Bitmap | None = None) -> Trace:
        """As `search`, with the time of analyzing and of searching."""
        begin = time.perf_counter()
        laid = self._laid(queries)
        analyzed = time.perf_counter()
        hits = self._postings.find(laid, k, allowed)
        note = f"analyzing {1e3 * (analyzed - begin):.1f} ms"
        return Trace(hits, (Stage(self._name, hits, time.perf_counter() - begin, note),))

    def contributions(self, query: str, position: int) -> tuple[TermPart, ...]:
        """What each term of a query adds to a passage's score, the largest first.

        Raises:
            ShapeError: no such position.
        """
        (place,), (row,) = (part.tolist() for part in self._placed.rows([position]))
        terms = list(dict.fromkeys(self._analyzer.terms(query)))
        times = [self._analyzer.terms(query).count(term) for term in terms]
        numbers = self._numbers(packing.pack(terms))
        frequencies = self._frequencies(numbers)
        weights = np.array(times, np.float32) * self._bm25.weights(frequencies, self._counted.rows).astype(np.float32)
        index = self._postings.indexes[place]
        parts, held = (
            dict(index.contributions(_row(numbers[place], weights, index.dim), row)),
            dict(index.contents.vector(row)),
        )
        columns = numbers[place].tolist()
        rows = zip(terms, columns, weights.tolist(), frequencies.tolist(), strict=True)
        made = [TermPart(term, parts.get(at, 0.0), weight, held.get(at, 0.0), df) for term, at, weight, df in rows]
        return tuple(sorted(made, key=lambda one: -one.part))

    @cached_property
    def _parts(self) -> list[LexicalPart]:
        found = [one.segment.parts[self._name] for one in self._placed.segments]
        return [part for part in found if isinstance(part, LexicalPart)]

    @cached_property
    def _counts(self) -> list[Counts]:
        return [one.counts(self._name) for one in self._placed.segments]

    @cached_property
    def _counted(self) -> Counts:
        """Live passages and their lengths, of all segments."""
        nothing = np.zeros(0, np.int64)
        return Counts(sum(one.rows for one in self._counts), sum(one.terms for one in self._counts), nothing)

    @cached_property
    def _postings(self) -> SegmentedPostings:
        """The segments' postings, weighed by the average length of what is alive."""
        counted = self._counted
        average = counted.terms / counted.rows if counted.terms else 1.0
        return SegmentedPostings(self._placed, [part.index.at(average) for part in self._parts], 0)

    def _laid(self, queries: Sequence[str]) -> list[Asked]:
        """Every query's terms as columns of every segment, with the weights they have in all of them."""
        texts = asked(queries)
        try:
            table = self._tables.pop()  # no other thread has it meanwhile
        except IndexError:
            table = _Table(TermCounter(self._analyzer), len(self._parts))
        counts = table.counter.count(pack(texts))
        self._learn(table)
        laid = table.lay(counts, self._postings)
        if table.size <= _REMEMBERED:
            self._tables.append(table)
        return laid

    def _learn(self, table: "_Table") -> None:
        """Look up the terms that the table's counter has met since."""
        if len(table.counter) > table.size:
            terms, places = table.counter.packed_terms(table.size)
            numbers = self._numbers(terms)
            weights = self._bm25.weights(self._frequencies(numbers), self._counted.rows)
            table.add(numbers, weights.astype(np.float32), places)

    def _numbers(self, terms: packing.Strings) -> Int64s:
        """The column of each term in each segment: (segments, terms), -1 where it is absent."""
        found = np.full((len(self._parts), len(terms.starts) - 1), -1, np.int64)
        for row, part in zip(found, self._parts, strict=True):
            row[:] = part.vocabulary.find(terms)
        return found

    def _frequencies(self, numbers: Int64s) -> Int64s:
        """How many live passages hold each term: (terms,)."""
        total = np.zeros(numbers.shape[1], np.int64)
        for row, counts in zip(numbers, self._counts, strict=True):
            held = row >= 0
            total[held] += counts.frequencies[row[held]]
        if ((total < 0) | (total > self._counted.rows)).any():
            raise ArtifactError("the vocabularies hold frequencies that cannot be: altered since they were written")
        return total


class _Table:
    """Terms that queries have brought: their column in every segment and their weight, by the counter's number.

    Args:
        counter: numbers terms.
        segments: how many.
    """

    def __init__(self, counter: TermCounter, segments: int) -> None:
        self.counter, self.size = counter, 0
        self._numbers = np.full((segments, 64), -1, np.int64)
        self._weights = np.zeros(64, np.float32)

    def add(self, numbers: Int64s, weights: npt.NDArray[np.float32], places: Int64s) -> None:
        """Take in terms; `places` are the counter's numbers of them, which are new and leave no gap."""
        size = self.size + len(places)
        if size > len(self._weights):
            more = 2 * size - len(self._weights)
            self._numbers = np.pad(self._numbers, ((0, 0), (0, more)), constant_values=-1)
            self._weights = np.pad(self._weights, (0, more))
        self._numbers[:, places], self._weights[places] = numbers, weights
        self.size = size

    def lay(self, counts: postings.Counts, postings_of: SegmentedPostings) -> list[Asked]:
        """Counted queries, laid out for the postings of every segment."""
        laid, begin, (scales, loose, tight) = [], 0, postings_of.bounds
        for end in counts.ends.tolist():
            terms = counts.terms[begin:end]
            weights = counts.values[begin:end].astype(np.float32) * self._weights[terms]
            columns, values = np.empty((len(scales), len(terms)), np.int64), np.empty((len(scales), len(terms)))
            held, sums = spreading.spread(self._numbers, terms, weights, columns, values)
            # A term frequency weighs less than one, so no passage scores more than the weights added up.
            laid.append(Asked(columns, values, values * scales, held, sums * _ROUNDED, loose, tight))
            begin = end
        return laid


def _row(columns: Int64s, weights: npt.NDArray[np.float32], dim: int) -> csr_array:
    """One query for one index as a sparse row."""
    held = (columns >= 0) & (weights > 0)
    order = np.argsort(columns[held])
    taken = columns[held][order]
    return csr_array((weights[held][order], taken, np.array([0, len(taken)])), shape=(1, dim))
