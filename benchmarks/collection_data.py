"""What the benchmarks of collections search: passages and dev queries of judged sets, and their vectors by two models.

Dense vectors are made here, once, and kept: a file a set, rows as its corpus has them. Learned sparse ones are those of
sparse_vectors.py. Knows texts, judgements and vectors; refuses to know what searches them.

python benchmarks/collection_data.py MODEL [--data DIR] [--cache DIR] [--sets squad-en ...] [--tokens 256]
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from clock import find_data
from sparse_data import Rows, Vectors, cache_folder

from vizsla import Judgements, Passage, read_passages

Block = npt.NDArray[np.float32]
SETS = ("medquad-en", "insuranceqa-en", "squad-en")
FURTHER = "msrd-movies-en"
MOST_QUERIES, BATCH = 1000, 2048
"""As many queries as sparse_vectors.py keeps of a set."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Passages and dev queries with their vectors, a row each.

    Attributes:
        passages: with the set they come from as metadata, and a number below 1,000 drawn for each; ids hold the set.
        queries: texts by id.
        grades: of the queries, by passage id.
        dense, asked_dense: vectors of passages and of queries.
        sparse, asked_sparse: the same, of the learned sparse model; None where they were not made.
    """

    passages: list[Passage]
    queries: dict[str, str]
    grades: dict[str, dict[str, int]]
    dense: Block
    asked_dense: Block
    sparse: Rows | None
    asked_sparse: Rows | None

    @property
    def judgements(self) -> Judgements:
        return Judgements(self.queries, self.grades)


def arguments(said: str | None, *first: str, queries: int, rounds: int, size: int | None = None) -> ArgumentParser:
    """The options of a benchmark that searches what is judged; `first` must be given before the folder of the sets."""
    parser = ArgumentParser(description=said, formatter_class=RawDescriptionHelpFormatter)
    for name in first:
        parser.add_argument(name)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--size", type=int, default=size, help="passages, an even share of all; all if not given")
    parser.add_argument("--queries", type=int, default=queries)
    parser.add_argument("--rounds", type=int, default=rounds)
    return parser


def chosen(options: Namespace) -> Judged | None:
    """What these options ask for; None, which is said, where there are no judged sets."""
    data = find_data(options.data)
    if data is None:
        return None
    return load(data, options.cache, tuple(options.sets), size=options.size, asked=options.queries)


def folder_of(cache: Path) -> Path:
    return cache / "collections"


def judged_queries(folder: Path) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    """The first dev queries of a set, and what is judged for them."""
    read = Judgements.read(folder, split="dev")
    texts = dict(list(read.queries.items())[:MOST_QUERIES])
    return texts, {query: read.grades[query] for query in texts if read.grades.get(query)}


def load(
    data: Path, cache: Path, sets: tuple[str, ...], *, size: int | None = None, asked: int | None = None
) -> Judged:
    """The sets one behind another; `size` and `asked` take an even share of passages and queries, or all."""
    parts = [_one(data / name, cache) for name in sets]
    places = np.concatenate([np.full(len(one.passages), at) for at, one in enumerate(parts)])
    every = even(len(places), size)
    draws = np.random.default_rng(7).integers(0, 1000, len(places)).tolist()
    named = [(name, one) for name, part in zip(sets, parts, strict=True) for one in part.passages]
    passages = [
        Passage(f"{named[at][0]}/{named[at][1].id}", named[at][1].text, named[at][1].title,
                metadata={"set": named[at][0], "draw": draws[at]})
        for at in every
    ]  # fmt: skip
    ids = [f"{name}/{query}" for name, part in zip(sets, parts, strict=True) for query in part.queries]
    texts = [text for part in parts for text in part.queries.values()]
    kept = even(len(ids), asked)
    grades = {
        f"{name}/{query}": {f"{name}/{id_}": grade for id_, grade in judged.items()}
        for name, part in zip(sets, parts, strict=True)
        for query, judged in part.grades.items()
    }
    sparse = all(part.sparse is not None for part in parts)
    return Judged(
        passages,
        {ids[at]: texts[at] for at in kept},
        {ids[at]: grades[ids[at]] for at in kept if ids[at] in grades},
        np.concatenate([part.dense for part in parts])[every],
        np.concatenate([part.asked_dense for part in parts])[kept],
        stacked([part.sparse for part in parts]).taken(np.array(every)) if sparse else None,
        stacked([part.asked_sparse for part in parts]).taken(np.array(kept)) if sparse else None,
    )


def even(count: int, wanted: int | None) -> list[int]:
    """As many of the numbers below `count` as are wanted, evenly; all where so many are not there."""
    return np.linspace(0, count - 1, count if wanted is None else min(wanted, count)).astype(int).tolist()


def _one(folder: Path, cache: Path) -> Judged:
    target = folder_of(cache)
    if not (target / f"{folder.name}.npy").is_file():
        raise SystemExit(
            f"found no vectors of {folder.name} in {target}; run: python benchmarks/collection_data.py MODEL"
        )
    passages = list(read_passages(folder))
    queries, grades = judged_queries(folder)
    dense, asked = (np.load(target / f"{folder.name}{what}.npy") for what in ("", "-queries"))
    if (len(dense), len(asked)) != (len(passages), len(queries)):
        raise SystemExit(f"{target}: {len(dense)} vectors for {len(passages)} passages of {folder.name}; remove them")
    sparse = _sparse(cache / "real", folder.name)
    return Judged(passages, queries, grades, dense, asked, *sparse)


def _sparse(folder: Path, name: str) -> tuple[Rows, Rows] | tuple[None, None]:
    """The rows of one set among those of all."""
    if not (folder / "made.json").exists():
        return None, None
    vectors = Vectors.load(folder)
    begin = np.zeros(2, int)
    for one, counts in vectors.told["sets"].items():
        if one == name:
            ends = begin + counts
            kept = [np.arange(*bounds) for bounds in zip(begin.tolist(), ends.tolist(), strict=True)]
            return vectors.passages.taken(kept[0]), vectors.queries.taken(kept[1])
        begin += counts
    return None, None


def stacked(parts: list[Any]) -> Rows:
    """Sparse rows one behind another."""
    sizes = np.concatenate([np.diff(part.indptr) for part in parts])
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    indices, data = (np.concatenate([getattr(part, one) for part in parts]) for one in ("indices", "data"))
    return Rows(indptr, indices, data, parts[0].dim)


def encode(encoder: Any, folder: Path, cache: Path) -> None:
    """Write the dense vectors of one set, unless they are there; what was made of it before a stop is taken up."""
    target = folder_of(cache)
    target.mkdir(parents=True, exist_ok=True)
    done, part = target / f"{folder.name}.npy", target / f"{folder.name}.part.npy"
    if done.exists():
        return
    np.save(target / f"{folder.name}-queries.npy", encoder.encode_queries(list(judged_queries(folder)[0].values())))
    passages = [(one.title, one.text) if one.title else one.text for one in read_passages(folder)]
    rows = np.load(part) if part.exists() else np.zeros((0, encoder.dim), np.float32)
    while len(rows) < len(passages):
        rows = np.concatenate([rows, encoder.encode_passages(passages[len(rows) : len(rows) + BATCH])])
        np.save(part, rows)
        print(f"{folder.name}: {len(rows):,} of {len(passages):,}", flush=True)
    part.rename(done)


def main() -> None:
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--sets", nargs="+", default=[FURTHER, *SETS])
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--precision", default="bf16")
    options = parser.parse_args()
    data = find_data(options.data)
    if data is None:
        return
    import vizsla

    encoder = vizsla.load(options.model, precision=options.precision, max_length=options.tokens)
    for name in options.sets:
        encode(encoder, data / name, options.cache)


if __name__ == "__main__":
    main()
