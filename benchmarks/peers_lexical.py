"""Engines of BM25 over the same numbered terms: this project's, bm25s, PISA and tantivy.

They are built from counts and opened as those of peers.py. All but tantivy score by PISA's formula, for it
alone cannot be told another: a term weighs (1 + k1) max(1e-6, log((n - df + 0.5) / (df + 0.5))), its
occurrences tf / (tf + k1 (1 - b + b length / average length)). tantivy has k1 1.2 and b 0.75, Lucene's
weights, and rounds lengths to one byte: its lists are compared with those of that formula.
"""

from pathlib import Path
from typing import Any

import numpy as np
from peers import (
    Clock,
    Found,
    Pisa,
    Vizsla,
    as_words,
    one_by_one,
    pisa_context,
    word,
    write_collection,
)
from sparse_data import Ints, Rows, Vectors

K1, B = 0.9, 0.4
OTHER_K1, OTHER_B = 1.2, 0.75


def weights(passages: Rows) -> Ints:
    """What each term weighs in PISA: (dim,)."""
    frequencies = np.bincount(passages.indices, minlength=passages.dim)
    return (1 + K1) * np.maximum(1e-6, np.log((len(passages) - frequencies + 0.5) / (frequencies + 0.5)))


def weighed(passages: Rows, k1: float, b: float, *, rounded: bool = False) -> Rows:
    """Counts as what their occurrences weigh; lengths may be rounded to one byte, as Lucene's are."""
    sums = np.concatenate([[0], np.cumsum(passages.data, dtype=np.int64)])[passages.indptr]
    lengths = np.diff(sums)
    average = lengths.mean()
    if rounded:
        steps = np.arange(232)  # 24 lengths as they are, then 3 bits after the highest
        known = 24 + np.where(steps < 8, steps, (steps % 8 + 8) << np.maximum(steps // 8 - 1, 0))
        known = np.concatenate([np.arange(24), known])
        lengths = known[np.searchsorted(known, lengths, side="right") - 1]
    norms = np.repeat(k1 * (1 - b + b * lengths / average), np.diff(passages.indptr))
    return Rows(passages.indptr, passages.indices, passages.data / (passages.data + norms), passages.dim)


def held(passages: Rows, queries: Rows) -> tuple[Rows, Rows]:
    """What all but tantivy compute, as vectors whose products are the scores."""
    asked = weights(passages)[queries.indices]
    return weighed(passages, K1, B), Rows(queries.indptr, queries.indices, asked, queries.dim)


class VizslaBM25(Vizsla):
    """This project's inverted index of term frequencies."""

    @staticmethod
    def build(passages: Rows, folder: Path) -> None:
        from vizsla.indexes.inverted import InvertedIndex, TermFrequencies

        InvertedIndex.build(passages.csr(), TermFrequencies(K1, B)).save(folder)
        np.save(folder.with_name(f"{folder.name}-weights.npy"), weights(passages))

    def __init__(self, folder: Path, queries: Rows) -> None:
        known = np.load(folder.with_name(f"{folder.name}-weights.npy"))
        super().__init__(folder, Rows(queries.indptr, queries.indices, known[queries.indices], queries.dim))


class Bm25s:
    """bm25s with its numba backend; its matrix of scores is computed here, by the formula of all."""

    module, exact, held = "bm25s", True, None
    variants = ((),)

    @staticmethod
    def build(passages: Rows, folder: Path) -> None:
        folder.mkdir(parents=True)
        rows = weighed(passages, K1, B)
        scores = Rows(rows.indptr, rows.indices, rows.data * weights(passages)[rows.indices], rows.dim).csr().tocsc()
        for name in ("data", "indices", "indptr"):
            np.save(folder / f"{name}.npy", getattr(scores, name))
        np.save(folder / "num_docs.npy", len(passages))

    def __init__(self, folder: Path, queries: Rows) -> None:
        import bm25s

        self._index = bm25s.BM25(k1=K1, b=B, backend="numba")
        self._index.scores = {name: np.load(folder / f"{name}.npy") for name in ("data", "indices", "indptr")}
        self._index.scores["num_docs"] = int(np.load(folder / "num_docs.npy"))
        self._index.unique_token_ids_set, self._index.vocab_dict = set(range(queries.dim)), {}
        self._index.nonoccurrence_array = None
        self._queries = [[one.tolist()] for one in np.split(np.asarray(queries.indices), queries.indptr[1:-1])]

    def search(self, k: int, clock: Clock) -> Found:
        def read(found: Any) -> tuple[Any, Any]:
            kept = found.scores[0] > 0
            return found.documents[0][kept], found.scores[0][kept]

        def search(query: list[list[int]]) -> Any:
            return self._index.retrieve(query, k=k, n_threads=1, show_progress=False)

        return one_by_one(clock, self._queries, search, read)


class PisaBM25(Pisa):
    """PISA's BM25, computed in floats from stored counts."""

    @staticmethod
    def build(passages: Rows, folder: Path) -> None:
        folder.mkdir(parents=True)
        write_collection(passages, folder)
        pisa_context(folder, "bm25", bm25_k1=K1, bm25_b=B)

    def __init__(self, folder: Path, queries: Rows, algorithm: str) -> None:
        self._context, self._algorithm = pisa_context(folder, "bm25", bm25_k1=K1, bm25_b=B), algorithm
        self._queries = as_words(queries, float)


class Tantivy:
    """tantivy, terms given as words between spaces, queries as a choice of terms."""

    module, exact = "tantivy", False
    variants = ((),)

    @staticmethod
    def held(passages: Rows, queries: Rows) -> tuple[Rows, Rows]:
        frequencies = np.bincount(passages.indices, minlength=passages.dim)[queries.indices]
        idf = (1 + OTHER_K1) * np.log1p((len(passages) - frequencies + 0.5) / (frequencies + 0.5))
        asked = Rows(queries.indptr, queries.indices, idf, queries.dim)
        return weighed(passages, OTHER_K1, OTHER_B, rounded=True), asked

    @staticmethod
    def build(passages: Rows, folder: Path) -> None:
        import tantivy

        folder.mkdir(parents=True)
        writer = tantivy.Index(_schema(), path=str(folder)).writer(1 << 30, 1)
        names = [word(column) for column in range(passages.dim)]
        for row in range(len(passages)):
            begin, end = passages.indptr[row : row + 2]
            columns = np.repeat(passages.indices[begin:end], passages.data[begin:end]).tolist()
            document = tantivy.Document(text=" ".join([names[column] for column in columns]))
            document.add_unsigned("row", row)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()

    def __init__(self, folder: Path, queries: Rows) -> None:
        import tantivy

        schema = _schema()
        self._searcher = tantivy.Index(schema, path=str(folder)).searcher()
        self._queries = [
            tantivy.Query.boolean_query(
                [(tantivy.Occur.Should, tantivy.Query.term_query(schema, "text", word(column))) for column in columns]
            )
            for columns in (one.tolist() for one in np.split(np.asarray(queries.indices), queries.indptr[1:-1]))
        ]

    def search(self, k: int, clock: Clock) -> Found:
        def read(found: Any) -> tuple[Any, Any]:
            places = self._searcher.fast_field_values("row", [address for _, address in found.hits])
            return places, [score for score, _ in found.hits]

        return one_by_one(clock, self._queries, lambda query: self._searcher.search(query, k, count=False), read)


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
    builder.add_unsigned_field("row", stored=False, indexed=False, fast=True)
    return builder.build()


def counted(folder: Path) -> Vectors:
    """The terms of a judged set as this project's analyzer counts them, each term of a query once."""
    from lexical_once import queries_of, texts_of

    from vizsla.encoders.lexical import LexicalEncoder

    texts = texts_of(folder)
    encoder = LexicalEncoder.fit(texts)
    passages, queries = encoder.encode_passages(texts), encoder.encode_queries(queries_of(folder))
    asked = Rows(queries.indptr.astype(np.int64), queries.indices, np.ones(len(queries.data), np.uint16), encoder.dim)
    asked = asked.taken(np.flatnonzero(np.diff(asked.indptr)))
    return Vectors(
        Rows(passages.indptr.astype(np.int64), passages.indices, passages.data.astype(np.uint16), encoder.dim),
        asked,
        {"what": folder.name},
    )
