"""Learned sparse vectors from a seed: any number of passages, with the statistics of real ones.

    python benchmarks/generated.py SIZE [--profile heavy|light] [--seed 7] [--cache FOLDER] [--beside FOLDER]

Terms are as popular as r -> 1 / (r + q) ** a makes them. Passages come in runs, as paragraphs of one
article do; a run has a topic and words of its own, and a passage draws its terms from its run, its topic
and all terms. A drawn term has the impact round(100 log(1 + logit)), the logit the product of a scale of
the term, one of where it was drawn, and Weibull noise; the heaviest of a term's draws stays. Queries are
drawn as short passages of runs among the first 10,000 passages. The numbers of `PROFILES` were
fitted to the real vectors of sparse_vectors.py, which `--beside` shows next to what was made.

Passages are made by blocks, each from its own seed: the first N of a larger collection are the
collection of N, and memory does not grow with SIZE.
"""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from clock import table
from sparse_data import COLUMNS, Ints, Rows, Vectors, cache_folder, finish, is_made, statistics

from vizsla.data.growing import GrowingArray

BLOCK, TOPICS, ALL_WORDS, TOPIC_WORDS, RUN_WORDS = 8192, 2048, 1 << 18, 1024, 64
QUERIES, QUERY_SOURCES, SCALE, HEAVIEST = 1000, 10_000, 100, 500


@dataclass(frozen=True, slots=True)
class Profile:
    """What the statistics of the vectors follow from.

    Attributes:
        dim: how many terms there are.
        flatness: q, how many terms are about equally popular.
        slope: a, how quickly popularity falls.
        draws: terms drawn for a passage: mean, and the standard deviation of its logarithm.
        query_draws: the same for a query.
        own: the shares of draws from the run and from the topic; the rest is from all terms.
        query_own: the same for a query.
        scale: of logits: their middle, and the standard deviation of its logarithm over terms.
        query_scale: by how much a query's logits are larger.
        boosts: by how much logits from the run and from the topic are larger.
        shape: of the noise.
        run: how many passages a run has on average.
    """

    dim: int
    flatness: float
    slope: float
    draws: tuple[float, float]
    query_draws: tuple[float, float]
    own: tuple[float, float]
    query_own: tuple[float, float]
    scale: tuple[float, float]
    query_scale: float
    boosts: tuple[float, float]
    shape: float
    run: float


PROFILES = {
    "heavy": Profile(
        dim=30522,
        flatness=40,
        slope=1.1,
        draws=(300, 0.4),
        query_draws=(80, 0.5),
        own=(0.2, 0.3),
        query_own=(0.3, 0.3),
        scale=(0.6, 0.7),
        query_scale=1.0,
        boosts=(2.0, 1.3),
        shape=0.8,
        run=4,
    ),
    "light": Profile(
        dim=30522,
        flatness=18,
        slope=1.0,
        draws=(85, 0.35),
        query_draws=(30, 0.4),
        own=(0.25, 0.35),
        query_own=(0.35, 0.35),
        scale=(0.8, 0.6),
        query_scale=1.2,
        boosts=(2.0, 1.3),
        shape=0.8,
        run=4,
    ),
}


class Generator:
    """The terms, topics and scales of one seed, and the rows drawn from them."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._profile, self._seed = profile, seed
        rng = np.random.default_rng([seed, 0])
        popularity = 1 / (np.arange(profile.dim) + profile.flatness) ** profile.slope
        ranked = np.searchsorted(np.cumsum(popularity / popularity.sum()), np.linspace(0, 1, ALL_WORDS, False))
        self._words = rng.permutation(profile.dim)[np.minimum(ranked, profile.dim - 1)].astype(np.uint16)
        middle, deviation = profile.scale
        self._scales = (middle * np.exp(deviation * rng.standard_normal(profile.dim))).astype(np.float32)
        # Early columns of these tables are drawn more often: each topic, and each run, has its own Zipf.
        self._topics = self._words[rng.integers(0, ALL_WORDS, (TOPICS, TOPIC_WORDS))]
        self._sizes = np.cumsum(1 / (np.arange(TOPICS) + 20.0))

    def passages(self, size: int) -> Iterator[Rows]:
        """Blocks of passages, made two at a time and given in order."""
        with ThreadPoolExecutor(2) as pool:
            numbers = range(-(-size // BLOCK))
            for pair in (numbers[start : start + 2] for start in range(0, len(numbers), 2)):
                for number, rows in zip(pair, pool.map(self._block, pair), strict=True):
                    yield rows.first(size - number * BLOCK)

    def queries(self) -> Rows:
        """Short passages of runs that already the smallest collections have."""
        rng = np.random.default_rng([self._seed, 2])
        chosen = rng.integers(0, QUERY_SOURCES, QUERIES)
        sources = [self._runs(self._stream(number)) for number in range(-(-QUERY_SOURCES // BLOCK))]
        topics, words = (np.concatenate(one)[chosen] for one in zip(*sources, strict=True))
        profile = self._profile
        return self._rows(rng, topics, words, (profile.query_draws, profile.query_own, profile.query_scale))

    def _block(self, number: int) -> Rows:
        rng = self._stream(number)
        topics, words = self._runs(rng)
        return self._rows(rng, topics, words, (self._profile.draws, self._profile.own, 1.0))

    def _stream(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, 1, number])

    def _runs(self, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """The topic of each passage of a block, and the words of its run."""
        run = np.cumsum(rng.random(BLOCK) < 1 / self._profile.run)
        count = int(run[-1]) + 1
        topics = np.searchsorted(self._sizes, rng.random(count) * self._sizes[-1])
        from_topic = self._topics[topics[:, None], _early(rng, (count, RUN_WORDS), TOPIC_WORDS)]
        from_all = self._words[rng.integers(0, ALL_WORDS, (count, RUN_WORDS))]
        words = np.where(rng.random((count, RUN_WORDS)) < 0.5, from_topic, from_all)
        return topics[run], words[run]

    def _rows(self, rng: np.random.Generator, topics: Ints, words: Ints, how: tuple[Any, Any, float]) -> Rows:
        (mean, deviation), own, scale = how
        draws = mean * np.exp(deviation * rng.standard_normal(len(topics)) - deviation**2 / 2)
        counts = [rng.poisson(share * draws) for share in (*own, 1 - sum(own))]
        run, topic, free = (np.repeat(np.arange(len(topics)), count) for count in counts)
        terms = np.concatenate(
            [
                words[run, _early(rng, len(run), RUN_WORDS)],
                self._topics[topics[topic], _early(rng, len(topic), TOPIC_WORDS)],
                self._words[rng.integers(0, ALL_WORDS, len(free))],
            ]
        )
        sources = np.array([*self._profile.boosts, 1.0], np.float32) * scale
        boosts = np.repeat(sources, [len(run), len(topic), len(free)])
        noise = rng.standard_exponential(len(terms), np.float32) ** np.float32(1 / self._profile.shape)
        weights = np.rint(SCALE * np.log1p(self._scales[terms] * boosts * noise)).astype(np.int64)
        return self._heaviest(np.concatenate([run, topic, free]), terms, weights, len(topics))

    def _heaviest(self, rows: Ints, terms: Ints, weights: Ints, count: int) -> Rows:
        """Of the draws of one term in one row the last after sorting; weights of zero are none."""
        keys = np.sort((rows << 32 | terms.astype(np.int64) << 16 | np.minimum(weights, HEAVIEST))[weights > 0])
        keys = keys[np.append(keys[1:] >> 16 != keys[:-1] >> 16, True)]
        indptr = np.searchsorted(keys, np.arange(count + 1) << 32)
        return Rows(indptr, (keys >> 16).astype(np.uint16), keys.astype(np.uint16), self._profile.dim)


def _early(rng: np.random.Generator, shape: Any, size: int) -> Ints:
    """Columns of a table of `size`, the n-th about as often as 1 / sqrt(n)."""
    found: Ints = (rng.random(shape, np.float32) ** 2 * size).astype(np.int64)
    return found


def made(size: int, profile: str, seed: int, cache: Path) -> Path:
    """The folder of a collection, made now unless there is one; a larger one of this seed will do: cut it."""
    told = {"profile": _plain(asdict(PROFILES[profile])), "seed": seed}
    for folder in sorted(cache.glob(f"{profile}-{seed}-*"), key=_size):
        if _size(folder) >= size and is_made(folder, told):
            return folder
    folder, generator = cache / f"{profile}-{seed}-{size}", Generator(PROFILES[profile], seed)
    folder.mkdir(parents=True, exist_ok=True)
    generator.queries().save(folder, "queries")
    _write(folder, generator.passages(size))
    finish(folder, told | {"dim": PROFILES[profile].dim})
    return folder


def _size(folder: Path) -> int:
    return int(folder.name.rsplit("-", 1)[-1])


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives it back."""
    return {key: list(one) if isinstance(one, tuple) else one for key, one in value.items()}


def _write(folder: Path, blocks: Iterator[Rows]) -> None:
    with ExitStack() as stack:
        kinds = {"indptr": np.int64, "indices": np.uint16, "data": np.uint16}
        files = {part: stack.enter_context((folder / f"passages-{part}.npy").open("wb")) for part in kinds}
        arrays = {part: GrowingArray(file, kinds[part]) for part, file in files.items()}
        arrays["indptr"].append([0])
        for rows in blocks:
            arrays["indptr"].append(rows.indptr[1:] + len(arrays["indices"]))
            arrays["indices"].append(rows.indices)
            arrays["data"].append(rows.data)
        for array in arrays.values():
            array.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("size", type=int, help="how many passages")
    parser.add_argument("--profile", choices=list(PROFILES), default="heavy")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--cache", type=Path, default=cache_folder(), help="where the vectors are kept")
    parser.add_argument("--beside", type=Path, help="a folder of real vectors, to show their statistics as well")
    options = parser.parse_args()
    begin = time.perf_counter()
    found = Vectors.load(made(options.size, options.profile, options.seed, options.cache))
    vectors = Vectors(found.passages.first(options.size), found.queries, found.told)
    print(f"{options.size:,} passages, {len(vectors.passages.data):,} entries in {time.perf_counter() - begin:.1f} s")
    ours = [["generated", *row] for row in statistics(vectors)]
    theirs = [["real", *row] for row in statistics(Vectors.load(options.beside))] if options.beside else []
    rows = [row for pair in zip(theirs, ours, strict=True) for row in pair] if theirs else ours
    table(("vectors", *COLUMNS), rows)


if __name__ == "__main__":
    main()
