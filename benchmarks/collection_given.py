"""What every engine is given in a comparison of collections: one folder of passages, queries and vectors, mapped.

Ids are rows. Lexical vectors are BM25's own (Lucene's variant) over the terms of this project's analyzer, for engines
that take weights; the others get the texts. Knows what the exact answers are; refuses to know engines.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from collection_data import Judged
from scipy.sparse import csr_array
from sparse_data import Rows

Ints = npt.NDArray[np.int64]
BATCH, K_FUSED, DEPTH, ALLOWED = 4096, 60, 100, 100
"""Passages at a time; of reciprocal ranks; hits of each base that are fused; the filter keeps so many of 1,000."""
WHERE = f"draw < {ALLOWED}"
WEIGHTED = ("lexical", "sparse")


@dataclass(frozen=True, slots=True)
class Given:
    """The folder, opened.

    Attributes:
        folder: where it is.
        queries: texts.
        dense, asked_dense: (passages, dim) and (queries, dim).
        weighted: of each sparse kind, the rows of passages and of queries.
        allowed: which passages the filter keeps.
    """

    folder: Path
    queries: list[str]
    dense: npt.NDArray[np.float32]
    asked_dense: npt.NDArray[np.float32]
    weighted: dict[str, tuple[Rows, Rows]]
    allowed: npt.NDArray[np.bool_]

    @classmethod
    def load(cls, folder: Path) -> "Given":
        dense, asked = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("dense", "asked"))
        weighted = {}
        for kind in WEIGHTED:
            if (folder / f"{kind}-passages-data.npy").exists():
                told = json.loads((folder / f"{kind}.json").read_text())
                weighted[kind] = tuple(
                    Rows.load(folder, f"{kind}-{one}", told["dim"]) for one in ("passages", "queries")
                )
        queries = json.loads((folder / "queries.json").read_text())
        return cls(folder, queries, dense, asked, weighted, np.load(folder / "allowed.npy"))

    def passages(self) -> Iterator[list[dict[str, Any]]]:
        """Passages as they are added: id, title, text and metadata."""
        with (self.folder / "passages.jsonl").open(encoding="utf-8") as lines:
            while part := [json.loads(line) for line in islice(lines, BATCH)]:
                yield part

    def row(self, kind: str, row: int, *, asked: bool = False) -> tuple[Ints, npt.NDArray[Any]]:
        """Columns and weights of one sparse row."""
        rows = self.weighted[kind][asked]
        part = slice(rows.indptr[row], rows.indptr[row + 1])
        return np.asarray(rows.indices[part]), np.asarray(rows.data[part])


def write(judged: Judged, folder: Path) -> None:
    """Make the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "passages.jsonl").open("w", encoding="utf-8") as lines:
        for row, one in enumerate(judged.passages):
            told = {"id": str(row), "title": one.title, "text": one.text, "metadata": dict(one.metadata)}
            lines.write(json.dumps(told, ensure_ascii=False) + "\n")
    (folder / "queries.json").write_text(json.dumps(list(judged.queries.values())))
    np.save(folder / "dense.npy", judged.dense)
    np.save(folder / "asked.npy", judged.asked_dense)
    draws = np.array([one.metadata["draw"] for one in judged.passages])
    np.save(folder / "allowed.npy", draws < ALLOWED)
    sparse = {"sparse": (judged.sparse, judged.asked_sparse)} if judged.sparse and judged.asked_sparse else {}
    for kind, both in ({"lexical": lexical(judged)} | sparse).items():
        (folder / f"{kind}.json").write_text(json.dumps({"dim": both[0].dim}))
        for name, rows in zip(("passages", "queries"), both, strict=True):
            Rows(rows.indptr, rows.indices.astype(np.int32), rows.data.astype(np.float32), rows.dim).save(
                folder, f"{kind}-{name}"
            )


def lexical(judged: Judged) -> tuple[Rows, Rows]:
    """BM25 as vectors whose products are the scores."""
    from vizsla.collections.settings import mixed
    from vizsla.encoders.bm25 import BM25
    from vizsla.encoders.lexical import joined
    from vizsla.text.analyzer import Analyzer, pack
    from vizsla.text.counting import TermCounter

    bm25, counter = BM25(), TermCounter(Analyzer(mixed()))
    texts = [joined((one.title, one.text) if one.title else one.text) for one in judged.passages]
    counted = [counter.count(pack(each)) for each in (texts, list(judged.queries.values()))]
    passages, queries = (_rows(counts, len(counter)) for counts in counted)
    frequencies = np.bincount(passages.indices, minlength=passages.dim)
    lengths = np.add.reduceat(np.append(passages.data, 0), passages.indptr[:-1]) * (np.diff(passages.indptr) > 0)
    norms = np.repeat(bm25.saturation * (1 - bm25.b + bm25.b * lengths / lengths.mean()), np.diff(passages.indptr))
    weights = bm25.weights(frequencies, len(texts))
    held = Rows(passages.indptr, passages.indices, passages.data / (passages.data + norms), passages.dim)
    known = frequencies[queries.indices] > 0
    kept = np.concatenate([[0], np.cumsum(known)])[queries.indptr]
    asked = queries.indices[known]
    return held, Rows(kept, asked, queries.data[known] * weights[asked], queries.dim)


def _rows(counts: Any, dim: int) -> Rows:
    bounds = np.append(0, counts.ends).astype(np.int64)
    rows = csr_array(
        (counts.values.astype(np.float64), counts.terms.astype(np.int64), bounds), shape=(len(bounds) - 1, dim)
    )
    rows.sort_indices()
    return Rows(rows.indptr.astype(np.int64), rows.indices, rows.data, dim)


class Truth:
    """The exact answers."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._rows = {kind: [rows.csr(np.float64) for rows in both] for kind, both in given.weighted.items()}

    def best(self, mode: str, row: int, k: int) -> list[int]:
        """The k best rows of a query; of equal ones the first."""
        if mode in ("hybrid", "filtered"):
            allowed = self._given.allowed if mode == "filtered" else None
            return fuse([self.ranked(kind, row, DEPTH, allowed) for kind in ("lexical", "dense")])[:k]
        if mode == "filtered-dense":
            return self.ranked("dense", row, k, self._given.allowed)
        return self.ranked(mode, row, k, None)

    def ranked(self, kind: str, row: int, k: int, allowed: npt.NDArray[np.bool_] | None) -> list[int]:
        """The k best rows by one kind of vector, of those that are allowed."""
        if kind == "dense":
            scores = self._given.dense @ self._given.asked_dense[row]
            held = np.ones(len(scores), bool)
        else:
            passages, queries = self._rows[kind]
            scores = np.asarray((passages @ queries[[row]].T).todense()).ravel().astype(np.float32)
            held = scores > 0
        held = held if allowed is None else held & allowed
        rows = np.flatnonzero(held)
        found: list[int] = rows[np.lexsort((rows, -scores[rows]))[:k]].tolist()
        return found


def fuse(lists: list[list[int]]) -> list[int]:
    """Reciprocal rank fusion; of equal sums the first row."""
    sums: dict[int, float] = {}
    for one in lists:
        for rank, row in enumerate(islice(one, DEPTH), 1):
            sums[row] = sums.get(row, 0.0) + 1 / (K_FUSED + rank)
    return sorted(sums, key=lambda row: (-sums[row], row))
