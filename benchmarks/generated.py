"""Learned sparse vectors from a seed: any number of passages, with the statistics of real ones.

    python benchmarks/generated.py SIZE [--profile fitted|light|words] [--seed 7] [--cache FOLDER] [--beside FOLDER]

Terms are as popular as r -> exp(-r / c) / (r + q) ** a makes them. Some terms stand together: a concept
has a dozen, and a text that has the concept has most of them, the heavier the stronger the concept is in
it. Passages come in runs, as paragraphs of one article do; a run has a topic and concepts of its own, and
a passage draws concepts from its run, its topic and all, and further terms from all. A term's impact is
round(100 log(1 + logit)), the logit the product of a scale of the term, the strength of the concept, and
Weibull noise; the heaviest of a term's draws stays. Queries are drawn in the same way, as short texts of
runs among the first 10,000 passages. The numbers of `PROFILES` were fitted to the real vectors of
sparse_vectors.py, which `--beside` shows next to what was made.

Passages are made by blocks, each from its own seed: the first N of a larger collection are the
collection of N, and memory does not grow with SIZE.
"""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from clock import table
from sparse_data import COLUMNS, Ints, Rows, Vectors, cache_folder, finish, is_made, statistics

from vizsla.data.growing import GrowingArray

BLOCK, ALL_WORDS = 8192, 1 << 22
CONCEPTS, CONCEPT, TOPICS, TOPIC, RUN = 8192, 12, 1024, 64, 8
QUERIES, QUERY_SOURCES, SCALE, HEAVIEST = 1000, 10_000, 100, 290


@dataclass(frozen=True, slots=True)
class Profile:
    """What the statistics of the vectors follow from.

    Attributes:
        dim: how many terms there are.
        flatness: q, how many terms are about equally popular.
        slope: a, how quickly popularity falls.
        cutoff: c, the rank about which it begins to fall much quicker.
        draws: terms drawn for a passage: mean, and the standard deviation as a share of it.
        query_draws: the same for a query, but of the logarithm.
        query_popular: 1 draws a query's terms from all as a passage's; above, popular ones more often.
        own: the share of draws made by concepts, a dozen at a time; the rest is from all terms.
        query_own: the same for a query.
        near: the shares of a passage's concepts that are of its run and of its topic; the rest is of all.
        held: the share of a concept's terms that a text with the concept has.
        scale: of logits: their middle, and the standard deviation of its logarithm over terms.
        query_scale: by how much a query's logits are larger.
        strength: of concepts: their mean, and the shape of their gamma distribution.
        shape: of the noise.
        run: how many passages a run has on average.
        counted: how often a term was drawn is its value, as in texts, instead of an impact; 1 in queries.
    """

    dim: int
    flatness: float
    slope: float
    cutoff: float
    draws: tuple[float, float]
    query_draws: tuple[float, float]
    query_popular: float
    own: float
    query_own: float
    near: tuple[float, float]
    held: float
    scale: tuple[float, float]
    query_scale: float
    strength: tuple[float, float]
    shape: float
    run: float
    counted: bool = False


_FITTED = Profile(
    dim=30522,
    flatness=6,
    slope=0.55,
    cutoff=5200,
    draws=(205, 0.45),
    query_draws=(24, 0.45),
    query_popular=1.6,
    own=0.8,
    query_own=0.95,
    near=(0.25, 0.5),
    held=0.85,
    scale=(0.48, 0.75),
    query_scale=1.4,
    strength=(2.5, 3.5),
    shape=2.6,
    run=3,
)
PROFILES = {
    "fitted": _FITTED,
    "light": replace(_FITTED, draws=(85, 0.45)),
    "words": replace(
        _FITTED,
        dim=65000,
        flatness=25,
        slope=1.0,
        cutoff=1e9,
        draws=(60, 0.5),
        query_draws=(8, 0.35),
        query_popular=1,
        own=0.3,
        query_own=0.5,
        held=0.3,
        counted=True,
    ),
}


class Generator:
    """The terms, topics and scales of one seed, and the rows drawn from them."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._profile, self._seed = profile, seed
        rng = np.random.default_rng([seed, 0])
        ranks = np.arange(profile.dim)
        popularity = np.exp(-ranks / profile.cutoff) / (ranks + profile.flatness) ** profile.slope
        ranked = np.searchsorted(np.cumsum(popularity / popularity.sum()), np.linspace(0, 1, ALL_WORDS, False))
        self._words = rng.permutation(profile.dim)[np.minimum(ranked, profile.dim - 1)].astype(np.uint16)
        middle, deviation = profile.scale
        self._scales = (middle * np.exp(deviation * rng.standard_normal(profile.dim))).astype(np.float32)
        self._concepts = self._words[rng.integers(0, ALL_WORDS, (CONCEPTS, CONCEPT))]
        self._topics = _early(rng, (TOPICS, TOPIC), CONCEPTS)
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
        topics, runs = (np.concatenate(one)[chosen] for one in zip(*sources, strict=True))
        profile = self._profile
        draws = profile.query_draws[0] * np.exp(profile.query_draws[1] * rng.standard_normal(QUERIES))
        how = profile.query_own, (profile.query_scale, profile.query_popular)
        rows = self._rows(rng, (topics, runs, draws), *how)
        return Rows(rows.indptr, rows.indices, np.minimum(rows.data, 1), rows.dim) if profile.counted else rows

    def _block(self, number: int) -> Rows:
        rng = self._stream(number)
        topics, runs = self._runs(rng)
        mean, deviation = self._profile.draws
        draws = mean * np.maximum(0.1, 1 + deviation * rng.standard_normal(BLOCK))
        return self._rows(rng, (topics, runs, draws), self._profile.own, (1.0, 1.0))

    def _stream(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, 1, number])

    def _runs(self, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """The topic of each passage of a block, and the concepts of its run."""
        run = np.cumsum(rng.random(BLOCK) < 1 / self._profile.run)
        count = int(run[-1]) + 1
        topics = np.searchsorted(self._sizes, rng.random(count) * self._sizes[-1])
        concepts = np.where(
            rng.random((count, RUN)) < 0.5,
            self._topics[topics[:, None], _early(rng, (count, RUN), TOPIC)],
            _early(rng, (count, RUN), CONCEPTS),
        )
        return topics[run], concepts[run]

    def _rows(
        self, rng: np.random.Generator, of: tuple[Ints, Ints, Ints], own: float, how: tuple[float, float]
    ) -> Rows:
        """Texts with these topics, concepts of their runs and numbers of draws."""
        (topics, runs, draws), (scale, popular), profile = of, how, self._profile
        with_concept = np.repeat(np.arange(len(topics)), _about(rng, own * draws / (CONCEPT * profile.held)))
        concepts = self._chosen(rng, topics[with_concept], runs[with_concept])
        held = rng.random((len(concepts), CONCEPT), np.float32) < profile.held
        free = np.repeat(np.arange(len(topics)), _about(rng, (1 - own) * draws))
        anything = self._words[(rng.random(len(free)) ** popular * ALL_WORDS).astype(np.int64)]
        terms = np.concatenate([self._concepts[concepts][held], anything])
        rows = np.concatenate([np.repeat(with_concept, held.sum(axis=1)), free])
        if self._profile.counted:
            return self._counted(rows, terms, len(topics))
        mean, shape = profile.strength
        strengths = (mean / shape * rng.standard_gamma(shape, len(concepts), np.float32)).repeat(held.sum(axis=1))
        strengths = np.concatenate([strengths, np.ones(len(free), np.float32)])
        noise = rng.standard_exponential(len(terms), np.float32) ** np.float32(1 / profile.shape)
        weights = np.rint(SCALE * np.log1p(scale * self._scales[terms] * strengths * noise)).astype(np.int64)
        return self._heaviest(rows, terms, weights, len(topics))

    def _chosen(self, rng: np.random.Generator, topics: Ints, runs: Ints) -> Ints:
        """A concept for each of these, from its run, its topic or all."""
        run, topic = self._profile.near
        of = rng.random(len(topics))
        return np.select(
            [of < run, of < run + topic],
            [
                runs[np.arange(len(runs)), rng.integers(0, RUN, len(runs))],
                self._topics[topics, _early(rng, len(topics), TOPIC)],
            ],
            _early(rng, len(topics), CONCEPTS),
        )

    def _heaviest(self, rows: Ints, terms: Ints, weights: Ints, count: int) -> Rows:
        """Of the draws of one term in one row the last after sorting; weights of zero are none."""
        keys = np.sort((rows << 32 | terms.astype(np.int64) << 16 | np.minimum(weights, HEAVIEST))[weights > 0])
        keys = keys[np.append(keys[1:] >> 16 != keys[:-1] >> 16, True)]
        indptr = np.searchsorted(keys, np.arange(count + 1) << 32)
        return Rows(indptr, (keys >> 16).astype(np.uint16), keys.astype(np.uint16), self._profile.dim)

    def _counted(self, rows: Ints, terms: Ints, count: int) -> Rows:
        """How often each term was drawn for each row."""
        keys = np.sort(rows << 16 | terms)
        firsts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        values = np.diff(np.append(firsts, len(keys))).astype(np.uint16)
        indptr = np.searchsorted(keys[firsts], np.arange(count + 1) << 16)
        return Rows(indptr, keys[firsts].astype(np.uint16), values, self._profile.dim)


def _about(rng: np.random.Generator, wanted: Ints) -> Ints:
    """Whole numbers with these means: rounded up or down by lot."""
    found: Ints = np.floor(wanted + rng.random(len(wanted))).astype(np.int64)
    return found


def _early(rng: np.random.Generator, shape: Any, size: int) -> Ints:
    """Columns of a table of `size`, the n-th about as often as n ** (-1 / 2)."""
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
    parser.add_argument("--profile", choices=list(PROFILES), default="fitted")
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
