"""Dense vectors for the benchmarks: real ones of judged sets by a model, kept in a cache; and more like them.

A made vector is a real one moved by half the difference of two others, at unit length: noise of the same covariance.
How like the real ones they are is told beside each other (`likeness`). Refuses to know what searches them.

python benchmarks/dense_vectors.py MODEL [--data DIR] [--sets squad-en ...] [--tokens 64] [--cache DIR]
"""

import argparse
import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from clock import find_data
from sparse_data import cache_folder

Block = npt.NDArray[np.float32]
SETS = ("medquad-en", "insuranceqa-en", "squad-en")
BATCH, ASKED, MOVED = 4096, 700, 0.5


def folder_of(cache: Path) -> Path:
    return cache / "dense"


def load(cache: Path, size: int, seed: int) -> tuple[Block, Block]:
    """Passages and queries: the first real ones, and made ones behind them where there are too few."""
    folder = folder_of(cache)
    if not (folder / "passages.npy").is_file():
        raise SystemExit(f"found no vectors in {folder}; make them: python benchmarks/dense_vectors.py MODEL")
    real, queries = np.load(folder / "passages.npy"), np.load(folder / "queries.npy")
    if size <= len(real):
        return real[:size], queries
    return np.concatenate([real, made(real, size - len(real), seed)]), queries


def made(real: Block, count: int, seed: int) -> Block:
    """Vectors like the real ones."""
    draws, rows = np.random.default_rng(seed), np.empty((count, real.shape[1]), np.float32)
    for begin in range(0, count, BATCH):
        part = rows[begin : begin + BATCH]
        one, other, third = (real[draws.integers(0, len(real), len(part))] for _ in range(3))
        part[:] = one + np.float32(MOVED) * (other - third)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return rows


def likeness(rows: Block, queries: Block) -> str:
    """Length of the mean, and products of the 1st, 10th and 100th passage of queries: medians."""
    best = -np.sort(-(queries @ rows.T), axis=1)
    places = [float(np.median(best[:, at])) for at in (0, 9, 99)]
    mean = float(np.linalg.norm(rows.mean(axis=0)))
    return f"mean {mean:.3f}; 1st {places[0]:.3f}, 10th {places[1]:.3f}, 100th {places[2]:.3f}"


def records(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--data")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    options = parser.parse_args()
    data = find_data(options.data)
    if data is None:
        return
    import vizsla

    encoder = vizsla.load(options.model, precision=options.precision, max_length=options.tokens)
    folder = folder_of(options.cache)
    folder.mkdir(parents=True, exist_ok=True)
    asked = [one["text"] for name in options.sets for one in islice(records(data / name, "queries"), ASKED)]
    np.save(folder / "queries.npy", encoder.encode_queries(asked))
    texts = [(one.get("title", ""), one["text"]) for name in options.sets for one in records(data / name, "corpus")]
    order = np.random.default_rng(1).permutation(len(texts)).tolist()
    blocks = [order[begin : begin + BATCH] for begin in range(0, len(order), BATCH)]
    rows = np.concatenate([encoder.encode_passages([texts[at] for at in block]) for block in blocks])
    np.save(folder / "passages.npy", rows)
    print(f"{len(rows):,} passages and {len(asked):,} queries of width {rows.shape[1]} in {folder}")


if __name__ == "__main__":
    main()
