"""The published tables of speed, measured here: models of the exact published sizes, written with random weights.

    python benchmarks/models_published.py [DATA_FOLDER] [--rounds 7] [--parts rocketqa cross dense splade] [--sample N]

Published figures come from the registry, with conditions that differ from ours: a CPU of unstated kind or a V100 GPU.
Texts: cmrc-drcd-zh for RocketQA, squad-en for the others. Where the whole would take more than --longest seconds a rate
is taken from a sample and the time of the whole is reckoned from it; such figures carry a ~.
"""

import argparse
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import models_texts
from clock import CLOCKS, find_data, interleave, machine, table
from models_random import BERT_BASE, DISTILBERT_BASE, MINILM, ROCKETQA, TINY, vocabulary, write
from models_ways import PRECISIONS, ways

from vizsla.models import registry
from vizsla.models.finding import Wanted, find

PARTS = ("rocketqa", "cross", "dense", "splade")
CHINESE, ENGLISH = "cmrc-drcd-zh", "squad-en"
WHOLE, CANDIDATES = 1398, 30
SAMPLE, LONGEST_S = 200, 600.0
LENGTHS = (128, 384)
CALIBRATION = 100
"""Every so many texts give the scales of int8."""
PACKAGES = ("vizsla", "onnxruntime", "openvino", "tokenizers")
CROSS = {
    "ms-marco-TinyBERT-L2-v2": TINY,
    "ms-marco-MiniLM-L2-v2": MINILM[2],
    "ms-marco-MiniLM-L4-v2": MINILM[4],
    "ms-marco-MiniLM-L6-v2": MINILM[6],
    "ms-marco-MiniLM-L12-v2": MINILM[12],
}
DENSE = {
    "msmarco-MiniLM-L6-cos-v5": MINILM[6],
    "msmarco-MiniLM-L12-cos-v5": MINILM[12],
    "msmarco-distilbert-cos-v5": DISTILBERT_BASE,
    "msmarco-bert-base-dot-v5": BERT_BASE,
}
SPLADE = {"efficient-splade-V-large": DISTILBERT_BASE, "efficient-splade-VI-BT-large": TINY}


@dataclass(frozen=True, slots=True)
class Bench:
    """What every part needs: data, a folder for models, how often, how much, how long, RocketQA's sizes, a clock."""

    data: Path
    work: Path
    rounds: int
    sample: int
    longest_s: float
    sizes: Sequence[str]
    clock: Callable[[], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="the folder of the judged sets")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sample", type=int, default=SAMPLE, help="texts of a rate where the whole takes too long")
    parser.add_argument("--longest", type=float, default=LONGEST_S, help="seconds from which on a sample is taken")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--sizes", nargs="+", choices=list(ROCKETQA), default=list(ROCKETQA), help="of RocketQA")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall", help="cpu: one thread's own seconds")
    options = parser.parse_args()
    if options.clock == "cpu":
        os.environ |= {"VIZSLA_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    data = find_data(options.data)
    if data is None:
        return
    logging.getLogger("vizsla").setLevel(logging.ERROR)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    print(f"{machine(PACKAGES)}\nrounds: {options.rounds}, sample: {options.sample}, clock: {options.clock}")
    for part in options.parts:
        needed = data / (CHINESE if part == "rocketqa" else ENGLISH)
        if not needed.is_dir():
            print(f"\nskipped {part}: found no set at {needed}")
            continue
        with tempfile.TemporaryDirectory() as work:
            much = options.rounds, options.sample, options.longest
            bench = Bench(needed, Path(work), *much, options.sizes, CLOCKS[options.clock])
            {"rocketqa": rocketqa, "cross": cross, "dense": dense, "splade": splade}[part](bench)
        print(f"\nload average {os.getloadavg()[0]:.1f}")


def rocketqa(bench: Bench) -> None:
    """Seconds to encode 1,398 passages, and to answer one query with 30 candidates reranked."""
    answered: list[list[str]] = []
    columns = ["published s", *(f"{each} s" for each in PRECISIONS), *(f"published by {each}" for each in PRECISIONS)]
    print(f"\nto encode {WHOLE:,} passages of cmrc: seconds, median of rounds; int8 calibrated, not gated")
    table(["model", "tokens at most", *columns], _indexed(bench, answered))
    print(f"\nto answer one query, {CANDIDATES} candidates of at most {max(LENGTHS)} tokens reranked: seconds")
    table(["model", *columns], answered)


def _indexed(bench: Bench, answered: list[list[str]]) -> Iterator[list[str]]:
    """Rows of the first table as they are measured; each model's row of the second goes into `answered`."""
    texts = models_texts.passages(bench.data, WHOLE)
    question = models_texts.queries(bench.data, 1)[0]
    pieces = vocabulary(models_texts.passages(bench.data, 10 * WHOLE), ROCKETQA["base"].vocabulary)
    for name in bench.sizes:
        figures = _figures(f"rocketqa-zh-{name}")
        size = ROCKETQA[name]
        wanted = Wanted(write(bench.work / f"{name}-para-encoder", size, "vector", pieces), max_length=max(LENGTHS))
        encoders = ways(wanted, texts[::CALIBRATION])
        for length in LENGTHS:
            some = models_texts.cut(find(wanted)[0].passages, texts, length)
            seconds, about = _whole({each: one.encode_passages for each, one in encoders.items()}, some, bench)
            yield [f"rocketqa-zh-{name}", str(length), *_row(figures["time to index"], seconds, about)]
        reranker = Wanted(write(bench.work / f"{name}-cross-encoder", size, "score", pieces), max_length=max(LENGTHS))
        rerankers = ways(reranker, [(question, text) for text in texts[::CALIBRATION]])
        some = texts[:CANDIDATES]
        stored = encoders["fp32"].encode_passages(some)
        actions = {each: _answering(question, some, encoders[each], rerankers[each], stored) for each in PRECISIONS}
        taken = interleave(actions, bench.rounds, bench.clock)
        answered.append([f"rocketqa-zh-{name}", *_row(figures["time of one query"], taken, "")])


def cross(bench: Bench) -> None:
    """Passages scored a second, 100 a query."""
    print("\ncross-encoders: passages scored a second (published: a V100 GPU); int8 calibrated, not gated")
    table(["model", "published", *PRECISIONS, *(f"{each} by published" for each in PRECISIONS)], _scored(bench))


def _scored(bench: Bench) -> Iterator[list[str]]:
    texts, questions = models_texts.passages(bench.data, 2000), models_texts.queries(bench.data, 64)
    pieces = vocabulary(texts, TINY.vocabulary)
    for name, size in CROSS.items():
        folder = write(bench.work / name, size, "score", pieces)
        pairs = [(questions[0], text) for text in texts[100 : 100 + min(100, bench.sample)]]
        made = ways(Wanted(folder, max_length=512), list(zip(questions, texts, strict=False)))
        taken = interleave({each: _called(one.score, pairs) for each, one in made.items()}, bench.rounds, bench.clock)
        yield [name, *_rates(_figures(name)["passages scored"], taken, len(pairs))]


def dense(bench: Bench) -> None:
    """Passages and queries encoded a second."""
    print("\nbi-encoders: texts encoded a second (published: a V100 GPU, and 8 cores of a Xeon Platinum 8168)")
    columns = ["published, GPU", "published, CPU", *PRECISIONS, *(f"{each} by CPU's" for each in PRECISIONS)]
    table(["model", "texts", *columns], _encoded(bench))


def _encoded(bench: Bench) -> Iterator[list[str]]:
    texts, questions = models_texts.passages(bench.data, 2000), models_texts.queries(bench.data, 256)
    pieces = vocabulary(texts, TINY.vocabulary)
    for name, size in DENSE.items():
        folder = write(bench.work / name, size, "vector", pieces)
        made = ways(Wanted(folder, max_length=512), texts[:64])
        figures = registry.find(name).figures
        for side in ("passages", "queries"):
            some = texts[100 : 100 + min(64, bench.sample)] if side == "passages" else questions[: 4 * bench.sample]
            taken = interleave(
                {each: _called(getattr(one, f"encode_{side}"), some) for each, one in made.items()},
                bench.rounds,
                bench.clock,
            )
            said = {one.conditions: one.value for one in figures if one.measure == f"{side} encoded"}
            yield [name, side, f"{said['GPU']:,.0f}", *_rates(said["CPU"], taken, len(some))]


def splade(bench: Bench) -> None:
    """Milliseconds to encode one query."""
    texts, questions = models_texts.passages(bench.data, 2000), models_texts.queries(bench.data, 100)
    pieces = vocabulary(texts, TINY.vocabulary)
    rows = []
    for name, size in SPLADE.items():
        folder = write(bench.work / name, size, "terms", pieces)
        made = ways(Wanted(folder, max_length=256, settings={"head": "terms"}), questions)
        taken: dict[str, list[float]] = {each: [] for each in PRECISIONS}
        for number in range(-1, bench.rounds):
            for question in questions[:: max(1, len(questions) // bench.sample)]:
                for each, one in made.items():
                    begin = bench.clock()
                    one.encode_queries([question])
                    taken[each] += [bench.clock() - begin] if number >= 0 else []
        published = _figures(name)["encoding of one query"]
        ours = {each: 1e3 * median(found) for each, found in taken.items()}
        ratios = [f"{published / one:.1f}" for one in ours.values()]
        rows.append([name, published, *(f"{one:.2f}" for one in ours.values()), *ratios])
    print("\nSPLADE, one query at a time: milliseconds, median (published: one core)")
    table(["model", "published", *PRECISIONS, *(f"published by {each}" for each in PRECISIONS)], rows)


def _whole(
    encoders: Mapping[str, Callable[[Sequence[Any]], Any]], texts: Sequence[str], bench: Bench
) -> tuple[dict[str, list[float]], str]:
    """Seconds of all texts in each round, and "~" where they are reckoned from a sample spread over them."""
    probe = texts[:: max(1, len(texts) // 8)]
    begin = bench.clock()
    for encode in encoders.values():
        encode(probe)
    reckoned = (bench.clock() - begin) * len(texts) / len(probe) * (bench.rounds + 1)
    part = texts[:: max(1, len(texts) // bench.sample)] if reckoned > bench.longest_s else texts
    taken = interleave({each: _called(encode, part) for each, encode in encoders.items()}, bench.rounds, bench.clock)
    scale = len(texts) / len(part)
    return {each: [one * scale for one in found] for each, found in taken.items()}, "~" if scale > 1 else ""


def _answering(question: str, texts: Sequence[str], encoder: Any, reranker: Any, stored: Any) -> Callable[[], object]:
    """Encode the query, find its candidates among stored vectors, and score each with it."""

    def answer() -> object:
        order = (stored @ encoder.encode_queries([question])[0]).argsort()
        return reranker.score([(question, texts[place]) for place in order])

    return answer


def _row(published: float, taken: Mapping[str, Sequence[float]], about: str) -> list[str]:
    ours = {each: median(taken[each]) for each in PRECISIONS}
    cells = [f"{about}{one:,.2f} ({min(taken[each]):,.2f}-{max(taken[each]):,.2f})" for each, one in ours.items()]
    return [f"{published:g}", *cells, *(f"{published / one:.1f}" for one in ours.values())]


def _rates(published: float, taken: Mapping[str, Sequence[float]], count: int) -> list[str]:
    ours = {each: count / median(taken[each]) for each in PRECISIONS}
    ratios = [f"{one / published:.2f}" for one in ours.values()]
    return [f"{published:,.0f}", *(f"{one:,.1f}" for one in ours.values()), *ratios]


def _figures(name: str) -> dict[str, float]:
    return {one.measure: one.value for one in registry.find(name).figures}


def _called(way: Callable[[Sequence[Any]], Any], texts: Sequence[Any]) -> Callable[[], object]:
    return lambda: way(texts)


if __name__ == "__main__":
    main()
